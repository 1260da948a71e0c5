"""Logs: JSON for machines, lines for people, and nothing of what was said."""

import io
import json
import logging

import pytest

from linly_mesh.telemetry.logs import FIELDS, JsonFormatter, PlainFormatter, configure_logging

_log = logging.getLogger("linly_test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_an_object_that_names_its_stage():
    stream = io.StringIO()
    configure_logging("tts", stream)
    _log.info("voice %s is ready", "en-us")
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "linly_test",
        "stage": "tts",
        "message": "voice en-us is ready",
    }


def test_what_a_record_brings_are_fields_of_the_object():
    stream = io.StringIO()
    configure_logging("talk", stream)
    _log.warning("turn ended", extra={FIELDS: {"turn": "t3", "code": "UNAVAILABLE"}})
    line = json.loads(stream.getvalue())
    assert (line["turn"], line["code"], line["level"]) == ("t3", "UNAVAILABLE", "warning")


def test_a_traceback_stays_within_its_line():
    stream = io.StringIO()
    configure_logging("llm", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        _log.exception("it failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_a_person_at_a_terminal_reads_plain_lines():
    stream = Terminal()
    configure_logging("talk", stream)
    _log.info("turn ended", extra={FIELDS: {"turn": "t1", "seconds": 0.7}})
    assert stream.getvalue().endswith("I linly_test: turn ended turn=t1 seconds=0.7\n")


@pytest.mark.parametrize("formatter", [JsonFormatter("asr"), PlainFormatter()])
def test_a_record_without_fields_is_no_error(formatter):
    record = logging.LogRecord("x", logging.INFO, "f", 1, "hello", (), None)
    assert "hello" in formatter.format(record)
