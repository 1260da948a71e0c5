"""The live view of what Prometheus has seen."""

import os
import pty
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from linly_client.cli import app
from linly_client.cli.console import CommandError
from linly_client.cli.processes import SERVICES
from linly_client.report.prometheus import Prometheus
from linly_client.top.watched import watched_frame

from .report_stub import prometheus_stub

NOW = 1_764_028_800.0
ANSWERS = {
    "min by (job) (linly_talker_ready)": {"llm": 1.0, "tts": 0.0},
    "linly_talker_first_audio_seconds_bucket": {"llm": 0.4, "tts": float("nan")},
    "rpc_server_in_flight": {"llm": 3.0},
    'status="error"': {"llm": 0.0, "orchestrator": 1.0},
    'status="success"': {"llm": 5.0, "orchestrator": 3.0},
    "rate(linly_talker_requests_total": {"llm": 2.5},
    "linly_talker_concurrent_sessions": {"orchestrator": 7.0},
    "by (job) (up)": {"llm": 1.0, "tts": 1.0, "asr": 0.0, "orchestrator": 1.0},
    "gpu_memory_reserved_bytes": {"GPU-1": 8 * 2.0**30},
    "gpu_utilization_ratio": {"GPU-1": 0.5},
}


def seen(expression: str, time: float) -> dict[str, float]:
    return next((answer for part, answer in ANSWERS.items() if part in expression), {})


async def test_a_frame_is_what_prometheus_has_seen():
    with prometheus_stub(seen) as stub:
        frame = await watched_frame(Prometheus(stub.url), SERVICES, NOW)
    assert frame.sessions == 7
    assert frame.success == 0.75
    lines = {line.name: line for line in frame.services}
    assert [*lines] == [*SERVICES]
    llm = lines["llm"]
    assert (llm.ready, llm.p95, llm.in_flight, llm.rate, llm.errors) == (True, 0.4, 3, 2.5, 0)
    assert llm.queue is None
    assert lines["tts"].ready is False
    assert lines["tts"].p95 is None
    [card] = frame.gpus
    assert (card.name, card.taken, card.utilization, card.power) == ("GPU-1", 8 * 2**30, 0.5, None)


async def test_who_is_not_seen_is_down():
    with prometheus_stub(seen) as stub:
        frame = await watched_frame(Prometheus(stub.url), SERVICES, NOW)
    trouble = {line.name: line.trouble for line in frame.services}
    assert trouble["asr"] == "Prometheus can't read it"
    assert trouble["animator"] == "Prometheus does not know it"
    assert trouble["llm"] == ""


async def test_without_turns_there_is_no_success_rate():
    with prometheus_stub(lambda *_: {}) as stub:
        frame = await watched_frame(Prometheus(stub.url), SERVICES, NOW)
    assert frame.success is None
    assert frame.sessions is None
    assert frame.gpus == []


def test_one_frame_is_printed():
    with prometheus_stub(seen) as stub:
        done = CliRunner().invoke(app, ["top", "--once", "--prometheus", stub.url])
    assert done.exit_code == 0, done.output
    assert "talks open 7   success 75.0 %" in done.output
    assert "P95, req/s, errors: last 60 s" in done.output


@pytest.mark.parametrize(
    ("answer", "said"), [(lambda *_: {}, "talker up"), (None, "no Prometheus")]
)
def test_nothing_to_see_is_a_failure(answer, said):
    with prometheus_stub(answer or seen) as stub:
        url = stub.url if answer else "http://127.0.0.1:9"
        done = CliRunner().invoke(app, ["top", "--once", "--prometheus", url])
    assert isinstance(done.exception, CommandError)
    assert said in str(done.exception)


def test_it_is_live_until_it_is_interrupted():
    screen, terminal = pty.openpty()
    shown = b""
    with prometheus_stub(seen) as stub:
        command = [sys.executable, "-m", "linly_client.cli", "top", "--interval", "0.5"]
        process = subprocess.Popen(
            [*command, "--prometheus", stub.url], stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        try:
            while shown.count(b"talks open") < 2:
                shown += os.read(screen, 65_536)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
            os.close(screen)
