"""The shipped rules with all their time shrunk, so that a drill lasts seconds."""

import re

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = r"(?:\d+(?:ms|[smhd]))+"
_PLACES = (
    rf"(?<=\[){_DURATION}(?=\])",  # a range
    rf"(?<=offset ){_DURATION}",
    rf"(?<=for: ){_DURATION}",
)
_HORIZON = re.compile(r"(predict_linear\([^,]+, )(\d+) \* (\d+)(?=\))")
"""How far ahead a line is drawn, which PromQL takes as a number of seconds."""


def shrunk(rules: str, factor: int) -> str:
    """Rules of which each range, offset, ``for`` and horizon is ``factor`` times shorter.

    Thresholds stay, seconds among them: what is slow is slow at any scale.
    """
    for place in _PLACES:
        rules = re.sub(place, lambda found: _shrunk(found[0], factor), rules)
    return _HORIZON.sub(lambda found: f"{found[1]}{int(found[2]) * int(found[3]) / factor}", rules)


def _shrunk(duration: str, factor: int) -> str:
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    whole = sum(int(count) * _MILLISECONDS[unit] for count, unit in parts)
    return f"{max(1, round(whole / factor))}ms"
