"""Where the time of a turn went, as a chart of its stages."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linly_client.cli.console import seconds
from linly_client.metrics import StageMetrics, TurnMetrics

_BAR_WIDTH = 38
_WAITING, _FLOWING, _BEYOND = "░", "█", "▸"
_FIGURES = (
    ("endpointing", "endpointing"),
    ("transcript", "transcript"),
    ("first token", "first_token"),
    ("first audio", "first_audio"),
    ("first frame", "first_frame"),
    ("overhead", "overhead"),
    ("speech", "speech_duration"),
)
_FIGURES_PER_ROW = 3


def waterfall(metrics: TurnMetrics) -> RenderableType:
    """The turn's stages as bars from the end of the person's input, with its latencies.

    The axis ends soon after the last first output, since that is what a person waits for;
    what lasts longer is cut off there with an arrow. 80 columns wide.
    """
    span = _span(metrics)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("stage")
    for column in ("start", "first", "end"):
        table.add_column(column, justify="right", min_width=7)
    end = seconds(span)
    table.add_column(f"0{end:>{_BAR_WIDTH - 1}}", no_wrap=True, min_width=_BAR_WIDTH)
    for stage in metrics.stages:
        times = (stage.start, stage.first_output, stage.end)
        cells = ("–" if time is None else seconds(time) for time in times)
        table.add_row(stage.stage, *cells, _bar(stage, span))
    return Group(table, _figures(metrics))


def _span(metrics: TurnMetrics) -> float:
    firsts = [stage.first_output for stage in metrics.stages]
    reached = [time for time in (*firsts, metrics.first_audio, metrics.first_frame) if time]
    return max(0.1, 1.5 * max(reached, default=0.0))


def _bar(stage: StageMetrics, span: float) -> Text:
    if stage.start is None:
        return Text()
    end = stage.end if stage.end is not None else stage.first_output
    if end is None:
        end = span  # it never answered
    first = stage.first_output if stage.first_output is not None else end
    begin, middle, last = (
        min(_BAR_WIDTH, max(0, round(time / span * _BAR_WIDTH)))
        for time in (stage.start, first, end)
    )
    last = max(last, begin + 1)  # however short, it is seen
    bar = Text(" " * begin)
    bar.append(_WAITING * (middle - begin), "yellow")
    bar.append(_FLOWING * (last - middle), "green")
    if end > span:
        bar.right_crop(1)
        bar.append(_BEYOND, "green")
    return bar


def _figures(metrics: TurnMetrics) -> Table:
    known = [
        (label, seconds(value))
        for label, field in _FIGURES
        if (value := getattr(metrics, field)) is not None
    ]
    if metrics.frames_sent is not None:
        dropped = f" ({metrics.frames_dropped} dropped)" if metrics.frames_dropped else ""
        known.append(("frames", f"{metrics.frames_sent}{dropped}"))
    table = Table.grid(padding=(0, 1))
    for _ in range(_FIGURES_PER_ROW):
        table.add_column(style="dim", min_width=11)
        table.add_column(min_width=9)
    for start in range(0, len(known), _FIGURES_PER_ROW):
        row = known[start : start + _FIGURES_PER_ROW]
        table.add_row(*(cell for figure in row for cell in figure))
    return table
