"""Text that arrives piece by piece, set in lines."""

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text


class Typesetter:
    """Prints words as soon as they are complete, under a speaker's name, with hanging indent."""

    def __init__(self, console: Console, *, indent: int) -> None:
        """Text begins at column ``indent``, where names leave room for it."""
        self._console = console
        self._indent = indent
        self._column = 0
        self._word = ""
        self._gap = False

    def name(self, speaker: str, style: str) -> None:
        """Begins a line of ``speaker``."""
        self.end()
        self._console.print(Text(f"{speaker:<{self._indent}}", style), end="")
        self._column = self._indent

    def add(self, text: str) -> None:
        """Sets more text; a line break in it is kept."""
        for character in text:
            if character == "\n":
                self.end()
            elif character.isspace():
                self._set_word()
                self._gap = True
            elif cell_len(character) > 1:  # Chinese and its like: lines break anywhere
                self._set_word()
                self._word = character
                self._set_word()
            else:
                self._word += character

    def end(self) -> None:
        """Ends the line, if one is open."""
        self._set_word()
        if self._column:
            self._console.print()
        self._column, self._gap = 0, False

    def _set_word(self) -> None:
        if not self._word:
            return
        word, width = self._word, cell_len(self._word)
        gap = 1 if self._gap and self._column > self._indent else 0
        self._word, self._gap = "", False
        if self._column > self._indent and self._column + gap + width > self._console.width:
            self._console.print()
            self._column = 0
        if not self._column:
            gap = self._column = self._indent
        else:
            self._column += gap
        self._console.print(Text(" " * gap + word), end="", soft_wrap=True)
        self._column += width
