"""The commands of docs/debugging.md, and what the page says that they print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_PAGE = ROOT / "docs" / "debugging.md"
_NETWORK = "127.0.1."
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_REFUSAL = re.compile(r'^Failure: |^ *"code": ', re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Commands that are copied together."""

    command: str
    shown: str | None
    """What they print, as far as the page shows it."""

    @property
    def asks(self) -> bool:
        """Whether somebody is asked something; the others prepare that."""
        return re.search(r"\bbuf curl |\bmesh explain ", self.command) is not None

    @property
    def fails(self) -> bool:
        """Whether what is shown is a refusal."""
        return self.shown is not None and _REFUSAL.search(self.shown) is not None


def fences() -> list[tuple[str, str]]:
    """Language and content of all that is fenced, in the order of the page."""
    return _FENCE.findall(_PAGE.read_text())


def blocks() -> Iterator[Block]:
    """What is typed, each with what is shown right below it; grpcurl is not there to be typed."""
    parts = fences()
    for (language, text), (below, output) in zip(parts, [*parts[1:], ("", "")], strict=True):
        if language == "bash" and "grpcurl " not in text:
            yield Block(text, output if below == "text" else None)


def script(answered: Path, network: str) -> str:
    """Types the whole page, as a reader would, into one shell.

    Args:
        answered: a folder for ``<n>.out`` and ``<n>.status`` of the blocks that ask.
        network: the first three bytes of the addresses, in place of the page's.
    """
    lines = ["set -o pipefail"]
    number = 0
    for block in blocks():
        command = block.command.replace(_NETWORK, f"{network}.")
        if block.asks:
            end = f">{answered}/{number}.out 2>&1; echo $? >{answered}/{number}.status"
            lines.append(f"{{\n{command}}} {end}")
            number += 1
        else:
            lines.append(f"{{\n{command}}} || exit 1")
    return "\n".join(lines)
