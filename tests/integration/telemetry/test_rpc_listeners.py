"""Whoever else wants to hear of calls hears of each once, with what it needs."""

from contextvars import ContextVar
from typing import Any

import grpc
import pytest
from integration.telemetry.callers import Style, call, settled
from integration.telemetry.echo import KINDS, NAME, SERVICE, Echo, Play, handlers
from integration.telemetry.truth import Codec, World
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from linly_mesh.rpc.channel import open_channel
from linly_mesh.telemetry.rpc import ClientMetrics, Rpc, ServerMetrics

_seen: ContextVar[str] = ContextVar("_seen")


class Listener:
    """Notes starts and ends; on the server reads what the client's has sent."""

    def __init__(self) -> None:
        self.ended_calls: list[tuple[str, str, str]] = []

    def started(self, rpc: Rpc) -> Any:
        sent = dict(rpc.metadata).get("trace")
        if sent is None:
            rpc.metadata.append(("trace", "abc"))
        rpc.trace_id = "abc"
        _seen.set("abc")
        return sent

    def ended(self, rpc: Rpc, state: Any) -> None:
        assert rpc.seconds > 0
        self.ended_calls.append((rpc.method.grpc_method, rpc.code, state))


class Asking(Echo):
    """Knows in its handlers what the listener knows."""

    def play(self, context: Any) -> Play:
        assert _seen.get() == "abc"
        return super().play(context)


@pytest.fixture
async def heard(tmp_path):
    registry = CollectorRegistry()
    at_server, at_client = Listener(), Listener()
    address = f"unix:{tmp_path}/echo"
    metrics = ClientMetrics(registry, [SERVICE], [at_client])
    async with open_channel(address, metrics=metrics) as channel:
        world = World(registry, channel, mesh=False)
        server = grpc.aio.server(interceptors=[ServerMetrics(registry, [SERVICE], [at_server])])
        server.add_generic_rpc_handlers([handlers(Asking(world.plays), Codec(), Codec())])
        server.add_insecure_port(address)
        await server.start()
        yield world, at_server, at_client
        await server.stop(0)


async def test_every_call_is_heard_once_at_both_ends(heard):
    world, at_server, at_client = heard
    for method in KINDS:
        for ending, code in (("ok", "OK"), ("abort", "ABORTED"), ("hold", "CANCELLED")):
            leaving = "held" if ending == "hold" else None
            await call(world, Play(method, ending=ending), Style(leaving=leaving))
            await settled(world)
            assert at_server.ended_calls.pop() == (method, code, "abc")
            assert at_client.ended_calls.pop() == (method, code, None)
    assert not at_server.ended_calls
    assert not at_client.ended_calls


async def test_traces_are_exemplars_of_latencies(heard):
    world, _, _ = heard
    await call(world, Play("ListYielding", replies=2), Style())
    await settled(world)
    text = generate_latest(world.registry).decode()
    for side in ("server", "client"):
        for family in (
            f"grpc_{side}_handling_seconds_bucket",
            f"linly_talker_rpc_{side}_first_response_seconds_bucket",
        ):
            lines = [
                line
                for line in text.splitlines()
                if line.startswith(family) and NAME in line and "trace_id" in line
            ]
            assert len(lines) == 1
            assert ' # {trace_id="abc"} ' in lines[0]
