"""A real Alertmanager with the shipped routes tells DingTalk, by the adapter, and WeCom."""

import asyncio
import json
import shutil
import socket
import sys
import threading
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from conformance.missing import missing

SHIPPED = Path(__file__).parents[3] / "mesh" / "monitoring" / "alertmanager"
TOKEN, SECRET = "t0ken", "SECret"


class Stub:
    """Stands for DingTalk and for WeCom: keeps what it was sent."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict]] = []
        self.refusals = 0
        """How many messages are still refused."""
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer({"access_token": "wecom", "errcode": 0})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if stub.refusals:
                    stub.refusals -= 1
                    self.answer({"errcode": 130101, "errmsg": "send too fast"})
                    return
                stub.posted.append((self.path, body))
                self.answer({"errcode": 0, "errmsg": "ok"})

            def answer(self, told):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, alert: str) -> list[tuple[str, dict]]:
        return [post for post in self.posted if alert in json.dumps(post[1])]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def process(*command, environment=None):
    started = await asyncio.create_subprocess_exec(*map(str, command), env=environment)
    try:
        yield started
    finally:
        started.terminate()
        await started.wait()


async def until(holds, limit: float = 30.0) -> None:
    async with asyncio.timeout(limit):
        while not holds():
            await asyncio.sleep(0.1)


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def alertmanager(tmp_path):
    program = shutil.which("prometheus-alertmanager") or missing(
        "prometheus-alertmanager", "apt install prometheus-alertmanager"
    )
    dingtalk, wecom = Stub(), Stub()
    adapter, port = free_port(), free_port()
    shutil.copytree(SHIPPED, tmp_path / "config")
    configured = tmp_path / "config" / "alertmanager.yml"
    text = configured.read_text()
    text = text.replace("127.0.0.1:8060", f"127.0.0.1:{adapter}")
    text = text.replace("group_wait: 10s", "group_wait: 1s")
    text = text.replace("group_interval: 2m", "group_interval: 2s")
    text = text.replace("global:\n", f"global:\n  wechat_api_url: http://{wecom.address}/\n")
    configured.write_text(text)
    for name, secret in (("token", TOKEN), ("secret", SECRET)):
        (tmp_path / name).write_text(f"{secret}\n")
    environment = {
        "DINGTALK_LISTEN": f"127.0.0.1:{adapter}",
        "DINGTALK_URL": f"http://{dingtalk.address}/robot/send",
        "DINGTALK_ACCESS_TOKEN_FILE": str(tmp_path / "token"),
        "DINGTALK_SECRET_FILE": str(tmp_path / "secret"),
    }
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-m", "linly_mesh.alerting")
        await stack.enter_async_context(process(*command, environment=environment))
        await stack.enter_async_context(
            process(
                program,
                f"--config.file={configured}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            )
        )
        await until(lambda: listens(adapter) and listens(port))
        yield port, dingtalk, wecom


async def fire(port: int, *alerts: dict[str, str]) -> None:
    body = [
        {"labels": labels, "annotations": {"summary": f"{labels['alertname']} summary"}}
        for labels in alerts
    ]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/alerts",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    await asyncio.to_thread(urllib.request.urlopen, request)


async def test_a_page_reaches_dingtalk_signed_and_wecom(alertmanager):
    port, dingtalk, wecom = alertmanager
    await fire(port, {"alertname": "StageSlow", "severity": "page", "stage": "llm"})
    await until(lambda: dingtalk.told("StageSlow") and wecom.told("StageSlow"))
    path, message = dingtalk.told("StageSlow")[0]
    query = parse_qs(urlsplit(path).query)
    assert query["access_token"] == [TOKEN]
    assert query.keys() == {"access_token", "timestamp", "sign"}
    assert message["markdown"]["title"] == "[FIRING] StageSlow (llm)"
    assert "StageSlow summary" in message["markdown"]["text"]


async def test_a_stage_that_is_down_silences_what_follows_from_it(alertmanager):
    port, dingtalk, _ = alertmanager
    await fire(port, {"alertname": "StageDown", "severity": "page", "stage": "tts"})
    await until(lambda: dingtalk.told("StageDown"))
    await fire(
        port,
        {"alertname": "StageSlow", "severity": "page", "stage": "tts"},
        {"alertname": "StageSlow", "severity": "page", "stage": "asr"},
    )
    await until(lambda: dingtalk.told("StageSlow"))
    await asyncio.sleep(3)
    titles = {message["markdown"]["title"] for _, message in dingtalk.told("StageSlow")}
    assert titles == {"[FIRING] StageSlow (asr)"}


async def test_what_dingtalk_refuses_is_sent_again(alertmanager):
    port, dingtalk, _ = alertmanager
    dingtalk.refusals = 2
    await fire(port, {"alertname": "StageAbsent", "severity": "page", "stage": "asr"})
    await until(lambda: dingtalk.told("StageAbsent"))
    assert dingtalk.refusals == 0


async def test_a_ticket_wakes_nobody(alertmanager):
    port, dingtalk, wecom = alertmanager
    await fire(
        port,
        {"alertname": "StageQueueing", "severity": "ticket", "stage": "llm"},
        {"alertname": "StageDown", "severity": "page", "stage": "tts"},
    )
    await until(lambda: dingtalk.told("StageDown") and wecom.told("StageDown"))
    assert not dingtalk.told("StageQueueing")
    assert not wecom.told("StageQueueing")
