"""``talker status``: who runs, and what it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from rich import box
from rich.table import Table
from rich.text import Text

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_client.cli.console import CommandError, console
from linly_client.cli.processes import SERVICES
from linly_client.cli.reach import OPERATOR
from linly_client.cli.run import run
from linly_client.errors import connection_failure
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.proxy.readiness import check_serving
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.target import Target

_TIMEOUT = 3.0
_CAPABILITIES: dict[str, tuple[Callable[..., Any], Callable[[], Any]]] = {
    "asr": (asr_pb2_grpc.AsrServiceStub, asr_pb2.GetCapabilitiesRequest),
    "llm": (llm_pb2_grpc.LlmServiceStub, llm_pb2.GetCapabilitiesRequest),
    "tts": (tts_pb2_grpc.TtsServiceStub, tts_pb2.GetCapabilitiesRequest),
    "animator": (animator_pb2_grpc.AnimatorServiceStub, animator_pb2.GetCapabilitiesRequest),
    "orchestrator": (talk_pb2_grpc.TalkServiceStub, talk_pb2.GetCapabilitiesRequest),
}


@dataclass(frozen=True)
class _Report:
    name: str
    serving: bool
    trouble: str = ""
    info: common_pb2.ServiceInfo | None = None


def status() -> None:
    """Show every service: its state, version, engine and model."""
    run(_status())


async def _status() -> None:
    local = LocalMesh.read()
    targets = {name: local.target(name, OPERATOR) for name in SERVICES}
    reports = await asyncio.gather(*(_ask(name, target) for name, target in targets.items()))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("service", "state", "version", "engine", "model"):
        table.add_column(column, overflow="fold")
    for report in reports:
        info = report.info or common_pb2.ServiceInfo()
        state = Text("serving", "green") if report.serving else Text("not serving", "red")
        cells = (info.version, info.engine, info.model)
        table.add_row(report.name, state, *(cell or "–" for cell in cells))
    console.print(table)
    for report in reports:
        if report.trouble:
            line = f"{report.name}: {targets[report.name]}: {report.trouble}"
            console.print(Text(line, "dim"), soft_wrap=True)
    down = [report.name for report in reports if not report.serving]
    if down:
        verb = "is" if len(down) == 1 else "are"
        raise CommandError(f"{', '.join(down)} {verb} not serving; start with: talker up")


async def _ask(name: str, target: Target) -> _Report:
    stub, request = _CAPABILITIES[name]
    try:
        serving = await check_serving(target, timeout=_TIMEOUT)
        async with open_channel(target) as channel:
            answer = await stub(channel).GetCapabilities(request(), timeout=_TIMEOUT)
    except grpc.aio.AioRpcError as error:
        return _Report(
            name, serving=False, trouble=connection_failure(error) or str(error.details())
        )
    return _Report(name, serving, info=answer.service)
