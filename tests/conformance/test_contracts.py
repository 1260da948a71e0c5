"""The contracts are well made, documented, and do not break."""

import filecmp
import importlib.util
import io
import shutil
import subprocess
import warnings
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from .missing import missing

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
CONTRACTS = sorted(PROTOS.glob("linly/*/v1/*.proto"))
GOOGLE_RPC = Path(str(files("google.rpc") / "status.proto"))


@pytest.fixture(scope="module")
def buf() -> Path:
    binary = next(ROOT.glob("node_modules/@bufbuild/buf-*/bin/buf*"), None)
    return binary or missing("buf", "npm ci")


@pytest.fixture(scope="module")
def rules() -> dict:
    return yaml.safe_load((PROTOS / "buf.yaml").read_text())


def workspace(folder: Path, contracts: Path, rules: dict) -> Path:
    """A copy of the contracts that buf can read offline, with google/rpc beside them."""
    shutil.copytree(contracts, folder / "contracts" / "linly")
    google = folder / "googleapis" / "google" / "rpc"
    google.mkdir(parents=True)
    shutil.copy(GOOGLE_RPC, google)
    modules = [
        {"path": "contracts", "lint": rules["lint"], "breaking": rules["breaking"]},
        {"path": "googleapis", "lint": {"ignore": ["googleapis"]}},
    ]
    (folder / "buf.yaml").write_text(yaml.safe_dump({"version": "v2", "modules": modules}))
    return folder


def committed(folder: Path) -> Path:
    """The contracts of the main branch."""
    for branch in ("origin/main", "main", "HEAD"):
        command = ["git", "-C", str(ROOT), "archive", "--format=zip", branch, "protos/linly"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            break
    else:
        missing("the git history", done.stderr.decode().strip())
    if branch == "HEAD":
        warnings.warn(
            "no main branch here: compared with the commit that is checked out", stacklevel=1
        )
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder)
    return folder / "protos" / "linly"


def complaints(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 100), done.stderr
    return done.stdout


def test_lint(buf, rules, tmp_path):
    here = workspace(tmp_path / "here", PROTOS / "linly", rules)
    assert complaints(buf, "lint", here) == ""


def test_a_name_against_the_rules_is_seen(buf, rules, tmp_path):
    here = workspace(tmp_path / "here", PROTOS / "linly", rules)
    contract = here / "contracts" / "linly" / "llm" / "v1" / "llm.proto"
    contract.write_text(contract.read_text().replace("rpc Generate(", "rpc generate("))
    assert "PascalCase" in complaints(buf, "lint", here)


def test_nothing_breaks_against_the_main_branch(buf, rules, tmp_path):
    here = workspace(tmp_path / "here", PROTOS / "linly", rules)
    before = workspace(tmp_path / "main", committed(tmp_path / "archive"), rules)
    assert complaints(buf, "breaking", here, "--against", before) == ""


def test_a_break_is_seen(buf, rules, tmp_path):
    here = workspace(tmp_path / "here", PROTOS / "linly", rules)
    broken = workspace(tmp_path / "broken", PROTOS / "linly", rules)
    contract = broken / "contracts" / "linly" / "llm" / "v1" / "llm.proto"
    contract.write_text(contract.read_text().replace("rpc Generate(", "rpc Produce("))
    assert "Generate" in complaints(buf, "breaking", broken, "--against", here)


FILE = descriptor_pb2.FileDescriptorProto
MESSAGE = descriptor_pb2.DescriptorProto
ENUM = descriptor_pb2.EnumDescriptorProto
SERVICE = descriptor_pb2.ServiceDescriptorProto
DOCUMENTED = {  # where in a file, as descriptor.proto numbers its fields
    FILE: (FILE.MESSAGE_TYPE_FIELD_NUMBER, FILE.ENUM_TYPE_FIELD_NUMBER, FILE.SERVICE_FIELD_NUMBER),
    MESSAGE: (
        MESSAGE.FIELD_FIELD_NUMBER,
        MESSAGE.NESTED_TYPE_FIELD_NUMBER,
        MESSAGE.ENUM_TYPE_FIELD_NUMBER,
    ),
    ENUM: (ENUM.VALUE_FIELD_NUMBER,),
    SERVICE: (SERVICE.METHOD_FIELD_NUMBER,),
}


def undocumented(element, comments: dict[tuple[int, ...], str], path=()) -> list[str]:
    """Names of what is declared inside ``element`` without a word about it."""
    found = []
    for number in DOCUMENTED.get(type(element), ()):
        declared = getattr(element, element.DESCRIPTOR.fields_by_number[number].name)
        for index, child in enumerate(declared):
            if isinstance(child, MESSAGE) and child.options.map_entry:
                continue
            where = (*path, number, index)
            if not comments.get(where, "").strip():
                found.append(child.name)
            found += [f"{child.name}.{name}" for name in undocumented(child, comments, where)]
    return found


def describe(folder: Path, *contracts: Path) -> list[descriptor_pb2.FileDescriptorProto]:
    output = folder / "contracts.binpb"
    well_known = str(files("grpc_tools") / "_proto")
    includes = [*{contract.parents[3] for contract in contracts}, well_known]
    includes.append(GOOGLE_RPC.parents[2])
    arguments = [*(f"-I{i}" for i in includes), "--include_source_info", f"-o{output}"]
    assert protoc.main(["protoc", *arguments, *(str(c) for c in contracts)]) == 0
    return list(descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file)


def silent(file: descriptor_pb2.FileDescriptorProto) -> list[str]:
    comments = {
        tuple(location.path): location.leading_comments + location.trailing_comments
        for location in file.source_code_info.location
    }
    return undocumented(file, comments)


def test_everything_declared_has_a_comment(tmp_path):
    assert {file.name: silent(file) for file in describe(tmp_path, *CONTRACTS)} == {
        str(contract.relative_to(PROTOS)): [] for contract in CONTRACTS
    }


def test_a_missing_comment_is_seen(tmp_path):
    contract = tmp_path / "linly" / "thing" / "v1" / "thing.proto"
    contract.parent.mkdir(parents=True)
    contract.write_text(
        'syntax = "proto3";\npackage linly.thing.v1;\n\n'
        "// Said.\nmessage Thing {\n  int32 size = 1;\n  // Said.\n  int32 weight = 2;\n}\n\n"
        "service ThingService {\n  rpc Get(Thing) returns (Thing);\n}\n"
    )
    (file,) = describe(tmp_path, contract)
    assert silent(file) == ["Thing.size", "ThingService", "ThingService.Get"]


def test_the_stubs_are_those_of_the_contracts(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("protos_generate", PROTOS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stubs = generate.OUTPUT
    monkeypatch.setattr(generate, "OUTPUT", tmp_path)
    generate.generate()
    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py*") if path.is_file()]
    assert len(names) >= 3 * len(CONTRACTS)
    same, different, absent = filecmp.cmpfiles(tmp_path, stubs, names, shallow=False)
    assert (different, absent) == ([], []), "stale stubs: make stubs"
    assert len(same) == len(names)
