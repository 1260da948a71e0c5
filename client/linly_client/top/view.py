"""A frame in 80 columns."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linly_client.durations import seconds
from linly_client.report.objectives import ALERT, AVAILABILITY, FIRST_AUDIO, STAGES
from linly_client.top.frame import Frame, GpuLine, ServiceLine

_NOTHING = Text("–", "dim")
_LIMITS = {stage.name: (stage.p95, ALERT) for stage in STAGES} | {
    "orchestrator": (FIRST_AUDIO.p95, FIRST_AUDIO.p99)
}
"""Seconds of P95 from which a stage is yellow, and red."""
_COLUMNS = ("ready", "P95", "calls", "batch", "queue", "req/s", "errors", "CPU", "memory")
_GIB, _MIB = 2**30, 2**20


def view(frame: Frame) -> RenderableType:
    """Talks, services and cards."""
    parts: list[RenderableType] = [_talks(frame), Text(), _services(frame)]
    parts += [_gpu(card) for card in frame.gpus]
    parts += [
        Text(f"{line.name}: {line.trouble}", "dim", no_wrap=True, overflow="ellipsis")
        for line in frame.services
        if line.trouble
    ]
    return Group(*parts, Text(_caption(frame), "dim"))


def _caption(frame: Frame) -> str:
    far = "since the services started" if frame.seconds is None else f"last {frame.seconds:.0f} s"
    return f"P95, req/s, errors: {far}; orchestrator's P95: first audio"


def _talks(frame: Frame) -> Text:
    line = Text()
    low = frame.success is not None and frame.success < AVAILABILITY
    share = None if frame.success is None else f"{int(frame.success * 1000) / 10:.1f} %"
    for label, said in (
        ("talks open ", _count(frame.sessions)),
        ("   success ", _NOTHING if share is None else Text(share, "red" if low else "green")),
        ("   first audio P95 ", _time(frame.first_audio, *_LIMITS["orchestrator"])),
    ):
        line.append(label, "dim").append_text(said)
    return line


def _services(frame: Frame) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("service", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for line in frame.services:
        table.add_row(line.name, *_cells(line))
    return table


def _cells(line: ServiceLine) -> list[Text]:
    if line.trouble:
        return [Text("down", "bold red"), *([_NOTHING] * (len(_COLUMNS) - 1))]
    ready = {True: Text("yes", "green"), False: Text("no", "bold red"), None: _NOTHING}
    return [
        ready[line.ready],
        _time(line.p95, *_LIMITS[line.name]),
        _count(line.in_flight),
        _count(line.batch),
        _count(line.queue, "yellow"),
        _NOTHING if line.rate is None else Text(f"{line.rate:.{2 if line.rate < 100 else 0}f}"),
        _count(line.errors, "bold red"),
        _NOTHING if line.cpu is None else Text(f"{line.cpu:.0f}%"),
        _NOTHING if line.memory is None else Text(_size(line.memory)),
    ]


def _count(number: float | None, style: str = "") -> Text:
    """``style``: of a number that is better 0."""
    return _NOTHING if number is None else Text(f"{number:.0f}", style if number else "")


def _time(value: float | None, warning: float, bad: float) -> Text:
    if value is None:
        return _NOTHING
    return Text(seconds(value), "red" if value > bad else "yellow" if value > warning else "")


def _size(size: float) -> str:
    return f"{size / _GIB:.1f}G" if size >= _GIB else f"{size / _MIB:.0f}M"


def _gpu(card: GpuLine) -> Text:
    figures = []
    if card.utilization is not None:
        figures.append(f"{card.utilization:.0%} busy")
    if card.taken is not None:
        figures.append(f"{_size(card.taken)} ours")
    if card.total is not None:
        figures.append(f"{_size(card.total)} total")
    if card.power is not None:
        figures.append(f"{card.power:.0f} W")
    if card.temperature is not None:
        figures.append(f"{card.temperature:.0f} °C")
    return Text.assemble((f"{card.name[:12]}  ", "dim"), "  ".join(figures))
