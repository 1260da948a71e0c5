"""Generates the Python stubs, with type information, from the contracts in this folder."""

from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).parent
OUTPUT = HERE / "generated"


def _well_known() -> list[str]:
    """Folders that hold google/protobuf/*.proto and google/rpc/*.proto."""
    status = Path(str(files("google.rpc") / "status.proto"))
    return [str(files("grpc_tools") / "_proto"), str(status.parent.parent.parent)]


def generate() -> None:
    """Writes ``generated/linly/**``; raises RuntimeError if protoc refuses a contract."""
    OUTPUT.mkdir(exist_ok=True)
    contracts = sorted(str(p) for p in (HERE / "linly").rglob("*.proto"))
    includes = [f"-I{folder}" for folder in (str(HERE), *_well_known())]
    outputs = [f"--{kind}_out={OUTPUT}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", *includes, *outputs, *contracts]) != 0:
        raise RuntimeError("protoc failed; its message is above")
    (OUTPUT / "linly" / "py.typed").touch()


if __name__ == "__main__":
    generate()
