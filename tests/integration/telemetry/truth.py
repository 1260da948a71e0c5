"""A server and a client that are measured, and what must be found."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from inspect import isasyncgenfunction
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from integration.telemetry.echo import KINDS, NAME, SERVICE, Codec, Echo, Play, handlers
from prometheus_client import CollectorRegistry

from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.handlers import behaviour_of, rebuilt
from linly_mesh.rpc.interceptor import RpcInterceptor
from linly_mesh.telemetry.rpc import ClientMetrics, ServerMetrics

CODES = [code.name for code in grpc.StatusCode]
_TYPES = {
    (False, False): "UNARY",
    (True, False): "CLIENT_STREAMING",
    (False, True): "SERVER_STREAMING",
    (True, True): "BIDI_STREAMING",
}
Series = dict[tuple[str, str, str], float]
"""By the family's last words, method and code."""


class Witness(grpc.aio.ServerInterceptor):
    """Stands between what is tested and the rest, and notes which calls came to a handler."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or not details.method.startswith(f"/{NAME}/"):
            return handler
        behaviour = behaviour_of(handler)

        async def noted(request: Any, context: Any) -> Any:
            self._echo.play(context).arrived = True
            return await behaviour(request, context)

        async def noted_stream(request: Any, context: Any) -> Any:
            self._echo.play(context).arrived = True
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        chosen = noted_stream if isasyncgenfunction(behaviour) else noted
        return rebuilt(handler, chosen, handler.request_deserializer, handler.response_serializer)


class World:
    """One server, one channel, and the plays between them."""

    def __init__(self, registry: CollectorRegistry, channel: grpc.aio.Channel, mesh: bool) -> None:
        self.registry = registry
        self.channel = channel
        self.mesh = mesh
        self.plays: dict[str, Play] = {}
        self.seen: list[tuple[Play, grpc.StatusCode, int]] = []
        """Plays with the status and the number of responses that their callers saw."""
        self.codecs = {name: Codec() for name in ("received", "sent", "asked", "answered")}
        self.server: Any = None
        self._numbers = count()

    def stage(self, play: Play) -> tuple[tuple[str, str], ...]:
        """The metadata by which a call is of this play."""
        number = str(next(self._numbers))
        self.plays[number] = play
        return (("play", number),)

    def method(self, name: str) -> Any:
        """The stub's method."""
        requests, responses = KINDS[name]
        kind = f"{'stream' if requests else 'unary'}_{'stream' if responses else 'unary'}"
        return getattr(self.channel, kind)(
            f"/{NAME}/{name}",
            request_serializer=self.codecs["asked"].serialize(name),
            response_deserializer=self.codecs["answered"].parse(name),
        )

    def expected_server(self) -> Series:
        """What the server's metrics must say."""
        found: Counter[tuple[str, str, str]] = Counter()
        for play in self.plays.values():
            if not play.arrived:
                continue
            code = self.server_code(play)
            found["started", play.method, ""] += 1
            found["handled", play.method, code] += 1
            found["handling", play.method, ""] += 1
            if code == "OK":
                self._count_responses(found, play.method, play.given)
        for name in KINDS:
            found["received", name, ""] = self.codecs["received"].count[name]
            found["sent", name, ""] = self.codecs["sent"].count[name]
        return _complete(found)

    def server_code(self, play: Play) -> str:
        """With which status the server ended a call that came to its handler."""
        if misled(play) and not play.late:
            return "CANCELLED"
        return self.returned_code(play)

    def returned_code(self, play: Play) -> str:
        """The same, if what the handler was told of its requests is believed."""
        if play.late:
            return "DEADLINE_EXCEEDED"
        if play.outcome in (None, "cut"):
            return "CANCELLED"
        if play.outcome == "ok" or (misled(play) and KINDS[play.method][1]):
            return "OK"  # a chat that is told of no further request ends as if it were at its end
        if play.outcome == "raise" or (self.mesh and play.outcome == "set_and_raise"):
            return "INTERNAL" if self.mesh else "UNKNOWN"
        if play.outcome == "service_error" and not self.mesh:
            return "UNKNOWN"
        return play.code.name

    def expected_client(self) -> Series:
        """What the client's metrics must say."""
        found: Counter[tuple[str, str, str]] = Counter()
        for play, code, responses in self.seen:
            found["started", play.method, ""] += 1
            found["handled", play.method, code.name] += 1
            found["handling", play.method, ""] += 1
            if code is grpc.StatusCode.OK:
                self._count_responses(found, play.method, responses)
        for name in KINDS:
            found["received", name, ""] = self.codecs["answered"].count[name]
            found["sent", name, ""] = self.codecs["asked"].count[name]
        return _complete(found)

    @staticmethod
    def _count_responses(found: Counter[tuple[str, str, str]], method: str, number: int) -> None:
        found["first", method, ""] += number > 0
        found["gap", method, ""] += max(number - 1, 0)

    def exposed(self, side: str) -> Series:
        """What one side's metrics say."""
        wanted = {
            f"grpc_{side}_started_total": "started",
            f"grpc_{side}_handled_total": "handled",
            f"grpc_{side}_msg_received_total": "received",
            f"grpc_{side}_msg_sent_total": "sent",
            f"grpc_{side}_handling_seconds_count": "handling",
            f"linly_talker_rpc_{side}_in_flight": "running",
            f"linly_talker_rpc_{side}_first_response_seconds_count": "first",
            f"linly_talker_rpc_{side}_message_gap_seconds_count": "gap",
        }
        found: Series = {}
        for metric in self.registry.collect():
            for sample in metric.samples:
                if sample.name in wanted:
                    method = sample.labels["grpc_method"]
                    key = wanted[sample.name], method, sample.labels.get("grpc_code", "")
                    assert key not in found
                    found[key] = sample.value
                    if method != "other":
                        assert sample.labels["grpc_type"] == _TYPES[KINDS[method]]
                        assert sample.labels["grpc_service"] == NAME
        return found


def misled(play: Play) -> bool:
    """Whether the handler was told that the requests had ended, when the call was cut short."""
    requests, responses = KINDS[play.method]
    acted = responses and play.ending != "ok" and play.taken == play.requests
    return requests and not play.half_closed and not acted


def _complete(found: Counter[tuple[str, str, str]]) -> Series:
    """With every series that is 0."""
    whole: Series = {}
    for method in (*KINDS, "other"):
        for code in CODES:
            whole["handled", method, code] = found["handled", method, code]
        for name in ("started", "received", "sent", "handling", "running", "first", "gap"):
            whole[name, method, ""] = found[name, method, ""]
    return whole


@asynccontextmanager
async def world(folder: Path, *, mesh: bool) -> AsyncIterator[World]:
    """A world in which nothing has happened.

    Args:
        folder: for the socket.
        mesh: whether the mesh's own interceptor stands before the handlers, or nothing.
    """
    registry = CollectorRegistry()
    metrics = ServerMetrics(registry, [SERVICE])
    address = f"unix:{folder}/echo"
    async with open_channel(address, metrics=ClientMetrics(registry, [SERVICE])) as channel:
        made = World(registry, channel, mesh)
        echo = Echo(made.plays)
        chain = [metrics, Witness(echo), *([RpcInterceptor("echo")] if mesh else [])]
        server = grpc.aio.server(interceptors=chain)
        server.add_generic_rpc_handlers(
            [handlers(echo, made.codecs["received"], made.codecs["sent"])]
        )
        server.add_insecure_port(address)
        await server.start()
        made.server = server
        try:
            yield made
        finally:
            await server.stop(0)
