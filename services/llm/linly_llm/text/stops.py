"""Where a reply ends before the model does."""

from collections.abc import Sequence


class StopStrings:
    """Finds stop strings in text that comes in pieces.

    The stop string that is complete first ends the text; of several that are complete at the
    same character, the longest. Text that may be the beginning of one is held back. However
    the text is cut into pieces, the output is the same.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """Looks for ``stops``, none of which is empty."""
        self._stops = tuple(stops)
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """Takes more text; returns what is certain to come before any stop string.

        After a stop string has been ``found`` nothing more may be fed.
        """
        self._held += text
        starts = [(self._held.find(stop), stop) for stop in self._stops]
        matches = [(start + len(stop), start) for start, stop in starts if start >= 0]
        if matches:
            self.found = True
            certain = min(matches)[1]
        else:
            certain = len(self._held) - self._possible_beginning()
        out = self._held[:certain]
        self._held = "" if self.found else self._held[certain:]
        return out

    def flush(self) -> str:
        """Returns what was held back: the text is over, so no stop string can complete."""
        held, self._held = self._held, ""
        return held

    def _possible_beginning(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        longest = max(map(len, self._stops), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            end = self._held[-length:]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0
