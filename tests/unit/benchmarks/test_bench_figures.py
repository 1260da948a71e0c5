"""The result file and the table."""

import json
import math

import pytest

from benchmarks.figures import Figure, at_least, at_most, figure, table, write
from benchmarks.statistics import over_rounds


@pytest.mark.parametrize(
    ("value", "aim", "met"),
    [
        (10, at_most(10), True),
        (10.1, at_most(10), False),
        (5, at_least(5), True),
        (4.9, at_least(5), False),
        (math.inf, at_most(100), False),
        (1, None, None),
    ],
)
def test_an_aim_is_met_or_missed(value, aim, met):
    assert Figure("f", value, "ms", aim).met is met


def test_the_file_lists_figures_with_an_aim_and_apart_what_was_only_observed(tmp_path):
    path = tmp_path / "build" / "bench.json"
    figures = [
        figure("overhead", over_rounds([7.0, 9.0, 8.0]), "ms", at_most(10)),
        Figure("speed", 4.0, "x real time", at_least(5)),
        Figure("memory", 33.33333333, "MiB"),
    ]
    write(path, figures, {"cores": 2})
    assert json.loads(path.read_text()) == {
        "environment": {"cores": 2},
        "figures": [
            {
                "name": "overhead",
                "value": 8.0,
                "unit": "ms",
                "aim": "<= 10",
                "met": True,
                "range": [7.0, 9.0],
            },
            {"name": "speed", "value": 4.0, "unit": "x real time", "aim": ">= 5", "met": False},
        ],
        "observations": [{"name": "memory", "value": 33.3333, "unit": "MiB"}],
    }


def test_a_wait_without_end_is_valid_json(tmp_path):
    path = tmp_path / "bench.json"
    write(path, [Figure("idle", math.inf, "ms", at_most(100), 5.0, math.inf)], {})
    text = path.read_text()
    assert "Infinity" not in text
    (entry,) = json.loads(text)["figures"]
    assert entry["value"] is None
    assert entry["met"] is False


def test_the_table_shows_every_figure_and_what_was_missed():
    text = table([Figure("slow", 12, "ms", at_most(10)), Figure("known", 1, "ms")])
    slow, known = text.splitlines()[2:]
    assert slow.split() == ["slow", "12", "ms", "<=", "10", "MISSED"]
    assert known.split() == ["known", "1", "ms"]
