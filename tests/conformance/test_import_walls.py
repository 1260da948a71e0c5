"""Who may import whom, as ARCHITECTURE.md says; read from the code, nothing is run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    folder
    for pattern in ("*/linly_*", "services/*/linly_*")
    for folder in ROOT.glob(pattern)
    if (folder / "__init__.py").exists()
)
RPC = ("grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "linly", "linly_mesh.rpc")
MODELS = (
    *("torch", "transformers", "tokenizers", "safetensors", "gguf", "huggingface_hub"),
    *("pocketsphinx", "onnxruntime", "espeakng_loader", "cv2", "av"),
)


def imports(source: str, package: str) -> Iterator[str]:
    """Every module that a module of ``package`` imports, also inside functions and by name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=module, level=level):
                parents = package.split(".")[: len(package.split(".")) + 1 - level]
                origin = ".".join([*(parents if level else []), *([module] if module else [])])
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in node.names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def forbidden(path: Path, source: str) -> set[str]:
    """What the module at ``path``, relative to the folder of its package, must not import."""
    home, *rest = path.with_suffix("").parts
    found = set(imports(source, ".".join(path.parent.parts)))
    ours = {module for module in found if module.startswith("linly_")}
    wrong = {module for module in ours if not is_within(module, (home, "linly_mesh"))}
    if home == "linly_mesh":
        wrong |= {module for module in found if is_within(module, MODELS)}
    if rest[0] in {"engine", "engines"}:
        wrong |= {module for module in found if is_within(module, (*RPC, f"{home}.servicer"))}
    if rest[0] == "servicer":
        wrong |= {module for module in found if is_within(module, (*MODELS, f"{home}.engines"))}
    return wrong


def test_every_package_is_looked_at():
    assert {folder.name for folder in PACKAGES} >= {
        *("linly_mesh", "linly_orchestrator", "linly_client"),
        *("linly_asr", "linly_llm", "linly_tts", "linly_animator"),
    }


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_no_module_reaches_through_a_wall(folder):
    found = {
        str(path.relative_to(ROOT)): wrong
        for path in folder.rglob("*.py")
        if (wrong := forbidden(path.relative_to(folder.parent), path.read_text()))
    }
    assert not found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("linly_asr/recognizer.py", "import linly_llm"),
        ("linly_asr/recognizer.py", "from linly_orchestrator.config import Settings"),
        ("linly_asr/recognizer.py", "def f():\n    import linly_client.talk"),
        ("linly_orchestrator/talk.py", "from linly_tts.engine import Engine"),
        ("linly_orchestrator/talk.py", "import_module('linly_tts.engine')"),
        ("linly_client/talk.py", "import linly_orchestrator"),
        ("linly_mesh/proxy/launcher.py", "import linly_asr.__main__"),
        ("linly_mesh/weights.py", "import torch.nn"),
        ("linly_llm/engines/transformers/batch.py", "import grpc"),
        ("linly_llm/engines/transformers/batch.py", "from google.protobuf import duration_pb2"),
        ("linly_llm/engines/transformers/batch.py", "from linly.llm.v1 import llm_pb2"),
        ("linly_llm/engines/transformers/batch.py", "from linly_mesh.rpc import convert"),
        ("linly_llm/engines/transformers/batch.py", "from ...servicer import LlmServicer"),
        ("linly_llm/engine.py", "from google.rpc import status_pb2"),
        ("linly_tts/servicer.py", "from linly_tts.engines.espeak import engine"),
        ("linly_tts/servicer.py", "from . import engines"),
        ("linly_tts/servicer.py", "import onnxruntime as ort"),
    ],
)
def test_a_breach_is_seen(path, source):
    assert forbidden(Path(path), source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("linly_asr/servicer.py", "from linly_asr.engine import Engine\nimport grpc"),
        ("linly_asr/engines/pocketsphinx/decoder.py", "import pocketsphinx"),
        ("linly_asr/engines/pocketsphinx/engine.py", "from linly_mesh.timing import Timing"),
        ("linly_orchestrator/talk.py", "from linly.tts.v1 import tts_pb2"),
        ("linly_client/mp4.py", "import av"),
    ],
)
def test_what_is_allowed_passes(path, source):
    assert not forbidden(Path(path), source)
