"""Plots as SVG that stands in a page: no script, no style sheet, nothing from elsewhere."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from linly_client.report.figures import Course

_WIDTH, _HEIGHT = 720, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 28, 24
_COLOURS = ("#1b6ca8", "#e08a1e", "#7b5ea7", "#3a8f5c")
_GRID, _TEXT, _TARGET = "#e3e6ea", "#5a6472", "#b0413e"
_DAY = 86_400.0
Format = Callable[[float], str]


class _Scale:
    """From time and value to the plane."""

    def __init__(self, start: float, end: float, low: float, high: float) -> None:
        self.start, self.end, self.low, self.high = start, end, low, high

    def x(self, time: float) -> float:
        share = (time - self.start) / (self.end - self.start)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def lines(
    title: str,
    courses: Sequence[Course],
    period: tuple[float, float],
    form: Format,
    *,
    target: float | None = None,
    low: float = 0.0,
    high: float | None = None,
) -> str:
    """Courses as lines with a gap where there is no data.

    Args:
        title: what is shown, for who can't see it.
        courses: one line each.
        period: its start and end in seconds since 1970.
        form: a value in words, for the axis.
        target: a dashed line.
        low: where the axis begins.
        high: where it ends; None: above all that is shown.
    """
    values = _values(courses)
    top = high if high is not None else _above([*values, target or 0.0])
    scale = _Scale(*period, low, top)
    drawn = [
        part
        for course, colour in zip(courses, _COLOURS, strict=False)
        for part in _line(course, colour, scale)
    ]
    if target is not None:
        y = scale.y(target)
        drawn.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{_TARGET}" stroke-dasharray="5 4"/>'
        )
    return _framed(title, courses, _COLOURS, scale, form, drawn, empty=not values, target=target)


def bars(
    title: str,
    courses: Sequence[Course],
    period: tuple[float, float],
    step: float,
    colours: Sequence[str] = ("#3a8f5c", "#a9b2bd", "#b0413e"),
) -> str:
    """Courses that stand on one another, a bar per step."""
    sums = [
        sum(value or 0.0 for _, value in column)
        for column in zip(*(course.points for course in courses), strict=True)
    ]
    scale = _Scale(*period, 0.0, _above([*sums, 1.0]))
    width = max(1.0, scale.x(period[0] + step) - scale.x(period[0]) - 1)
    drawn = []
    floors = [0.0] * len(sums)
    for course, colour in zip(courses, colours, strict=False):
        for index, (time, value) in enumerate(course.points):
            if value:
                bottom, floors[index] = floors[index], floors[index] + value
                y, lower = scale.y(floors[index]), scale.y(bottom)
                drawn.append(
                    f'<rect x="{scale.x(time - step):.1f}" y="{y:.1f}" width="{width:.1f}" '
                    f'height="{lower - y:.1f}" fill="{colour}"/>'
                )
    empty = not _values(courses)
    return _framed(title, courses, colours, scale, lambda value: f"{value:g}", drawn, empty=empty)


def _values(courses: Sequence[Course]) -> list[float]:
    return [value for course in courses for _, value in course.points if value is not None]


def _above(values: Sequence[float]) -> float:
    """A round number above all: 1, 2, 2.5 or 5 times a power of ten."""
    largest = max(values, default=1.0) * 1.02 or 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= largest)


def _line(course: Course, colour: str, scale: _Scale) -> Iterator[str]:
    stretch: list[tuple[float, float]] = []
    for time, value in (*course.points, (0.0, None)):
        if value is not None:
            stretch.append((scale.x(time), scale.y(min(value, scale.high))))
            continue
        if len(stretch) == 1:
            x, y = stretch[0]
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>'
        elif stretch:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in stretch)
            yield (
                f'<polyline points="{points}" fill="none" stroke="{colour}" '
                'stroke-width="1.6" stroke-linejoin="round"/>'
            )
        stretch = []


def _framed(
    title: str,
    courses: Sequence[Course],
    colours: Sequence[str],
    scale: _Scale,
    form: Format,
    drawn: Sequence[str],
    *,
    empty: bool,
    target: float | None = None,
) -> str:
    parts = [*_times_axis(scale)]
    if empty:
        middle = f'x="{_WIDTH / 2}" y="{_HEIGHT / 2}" text-anchor="middle"'
        parts.append(f'<text {middle} font-size="14" fill="{_TEXT}">no data</text>')
    else:
        parts += [*_values_axis(scale, form), *drawn, *_legend(courses, colours, target, form)]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}" '
        f'font-family="sans-serif" font-size="11">{"".join(parts)}</svg>'
    )


def _values_axis(scale: _Scale, form: Format) -> Iterator[str]:
    for index in range(5):
        value = scale.low + (scale.high - scale.low) * index / 4
        y = scale.y(value)
        yield (
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{_GRID}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_TEXT}">'
            f"{escape(form(value))}</text>"
        )


def _times_axis(scale: _Scale) -> Iterator[str]:
    pattern = "%H:%M" if scale.end - scale.start <= 2 * _DAY else "%d %b"
    for index in range(7):
        time = scale.start + (scale.end - scale.start) * index / 6
        anchor = "start" if index == 0 else "end" if index == 6 else "middle"
        said = datetime.fromtimestamp(time, UTC).strftime(pattern)
        yield (
            f'<text x="{scale.x(time):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}" '
            f'fill="{_TEXT}">{said}</text>'
        )


def _legend(
    courses: Sequence[Course], colours: Sequence[str], target: float | None, form: Format
) -> Iterator[str]:
    x = float(_LEFT)
    for course, colour in zip(courses, colours, strict=False):
        yield (
            f'<rect x="{x:.0f}" y="6" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14:.0f}" y="15" fill="{_TEXT}">{escape(course.name)}</text>'
        )
        x += 30 + 6.2 * len(course.name)
    if target is not None:
        yield (
            f'<line x1="{x:.0f}" x2="{x + 18:.0f}" y1="11" y2="11" stroke="{_TARGET}" '
            'stroke-dasharray="5 4"/>'
            f'<text x="{x + 23:.0f}" y="15" fill="{_TEXT}">target {escape(form(target))}</text>'
        )
