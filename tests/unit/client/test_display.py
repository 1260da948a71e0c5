"""What a person sees: text in lines, and the chart of a turn."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from linly_client import (
    InterruptCause,
    Interrupted,
    ReplyText,
    StageMetrics,
    Transcript,
    TurnCause,
    TurnEnded,
    TurnMetrics,
    TurnStarted,
)
from linly_client.cli.console import seconds
from linly_client.cli.screen import Screen
from linly_client.cli.typesetting import Typesetter
from linly_client.cli.waterfall import waterfall

METRICS = TurnMetrics(
    endpointing=0.4,
    first_token=0.2,
    first_audio=0.5,
    overhead=0.01,
    frames_sent=50,
    frames_dropped=2,
    stages=(
        StageMetrics(stage="asr", start=-2.5, first_output=0.04, end=0.05),
        StageMetrics(stage="llm", start=0.05, first_output=0.2, end=9.0),
        StageMetrics(stage="tts", start=0.2, first_output=0.21, end=0.4),
        StageMetrics(stage="animator", start=0.21),
    ),
)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=80, force_terminal=False, highlight=False)


def shown(console) -> list[str]:
    return console.file.getvalue().splitlines()


def bar(line: str) -> str:
    return "".join(c for c in line if c in "░█▸")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ms"), (0.0123, "12 ms"), (0.9999, "1.00 s"), (2.1, "2.10 s"), (-3, "-3.00 s")],
)
def test_times_are_short(value, text):
    assert seconds(value) == text


def test_the_chart_fits_80_columns_and_has_every_stage(console):
    console.print(waterfall(METRICS))
    lines = shown(console)
    assert all(cell_len(line) <= 80 for line in lines)
    stages = [line.split()[0] for line in lines if bar(line)]
    assert stages == ["asr", "llm", "tts", "animator"]


def test_bars_wait_then_flow_and_what_is_longer_than_the_axis_has_an_arrow(console):
    console.print(waterfall(METRICS))
    asr, llm, tts, animator = (bar(line) for line in shown(console) if bar(line))
    assert asr.startswith("░")
    assert llm.rstrip("▸").endswith("█")
    assert llm.endswith("▸")
    assert not tts.endswith("▸")
    assert set(animator) == {"░"}  # it never answered


def test_figures_that_do_not_exist_are_not_shown(console):
    console.print(waterfall(METRICS))
    text = " ".join(console.file.getvalue().split())
    assert "endpointing 400 ms" in text
    assert "overhead 10 ms" in text
    assert "frames 50 (2 dropped)" in text
    assert "first frame" not in text


def test_words_are_broken_between_lines_under_each_other(console):
    lines = Typesetter(console, indent=8)
    lines.name("Talker", "")
    for piece in ("It is ", "hal", "f past ", "nine " * 30):
        lines.add(piece)
    lines.end()
    printed = shown(console)
    assert printed[0].startswith("Talker  It is half past nine")
    assert all(line.startswith(" " * 8 + "nine") for line in printed[1:])
    assert all(len(line) <= 80 for line in printed)
    assert " ".join(" ".join(printed).split()) == "Talker It is half past " + "nine " * 29 + "nine"


def test_text_without_spaces_is_shown_as_it_comes_and_fits(console):
    lines = Typesetter(console, indent=8)
    lines.add("你好" * 60)
    assert console.file.getvalue().count("你") == 60  # nothing is held back
    assert all(cell_len(line) <= 80 for line in shown(console))


def test_a_turn_reads_like_a_conversation(console):
    with Screen(console, charts=False) as screen:
        screen.show(TurnStarted(cause=TurnCause.SPEECH))
        screen.show(Transcript(text="what", is_final=False))
        screen.show(Transcript(text="what time is it", is_final=True))
        for piece in ("It is", " nine.\n", "In the morning."):
            screen.show(ReplyText(text=piece))
        screen.show(TurnEnded(metrics=METRICS))
    assert shown(console) == [
        "You     what time is it",
        "Talker  It is nine.",
        "        In the morning.",
    ]


def test_an_interruption_is_seen(console):
    with Screen(console, charts=False) as screen:
        screen.show(ReplyText(text="Once upon"))
        screen.show(Interrupted(cause=InterruptCause.CLIENT, played_until=0.1, spoken_text="Once"))
        screen.show(TurnEnded(interrupted=True))
    assert shown(console) == ["Talker  Once upon […]"]
