"""Thousands of calls at random, many at once: every count is exactly what happened."""

from asyncio import TaskGroup
from random import Random

import grpc
import pytest
from integration.telemetry.callers import Style, call, settled
from integration.telemetry.echo import KINDS, Play
from integration.telemetry.truth import World, misled, world

CODES = (
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.OUT_OF_RANGE,
)
ENDINGS = ("ok", "ok", "ok", "abort", "set_code", "raise", "set_and_raise", "service_error")
ROUNDS = 12
AT_ONCE = 150


def draw(random: Random, mesh: bool) -> tuple[Play, Style]:
    """A call of any kind, style and outcome."""
    play = Play(
        random.choice(list(KINDS)),
        requests=random.randrange(1, 5),
        replies=random.randrange(5),
        ending=random.choice(ENDINGS),
        code=random.choice(CODES),
    )
    requests, responses = KINDS[play.method]
    writing = random.choice(("iterator", "write"))
    if requests and responses and mesh and random.random() < 0.3:
        writing = "duplex"
    reading = random.choice(("iterate", "read"))
    leaving: str | None = None
    timeout = random.choice((None, 60.0))
    match random.randrange(6):
        case 0:
            play.ending = random.choice(("hold", "stubborn"))
            leaving = "held"
        case 1:
            leaving = "entered"
        case 2:
            leaving = str(random.randrange(40))
            writing = "iterator"  # grpc.aio's write() never returns if it waits to be connected
        case 3 if random.random() < 0.3:
            play.ending, play.late, timeout = "hold", True, random.uniform(0.1, 0.4)
    return play, Style(writing, reading, leaving, timeout)


def possible(at: World, play: Play, seen: grpc.StatusCode) -> set[str]:
    """The statuses with which the server may have ended a call; nearly always one.

    Where a client cancels while the handler returns, whichever came first counts; and gRPC tells
    a handler that its requests have ended some moments, which may be too many, before it tells it
    of the cancellation that ended them. A deadline that ends the call at the client before the
    server's own looks like a cancellation.
    """
    code = at.server_code(play)
    if seen is grpc.StatusCode.CANCELLED or play.late or misled(play):
        return {code, "CANCELLED", at.returned_code(play)}
    return {code}


async def check(at: World) -> None:
    await settled(at)
    client = at.exposed("client")
    assert client == at.expected_client()
    server, expected = at.exposed("server"), at.expected_server()
    for method in KINDS:
        mine = [(play, code) for play, code, _ in at.seen if play.method == method]
        outcomes = [(play, possible(at, play, code)) for play, code in mine if play.arrived]
        for code in grpc.StatusCode:
            certain = sum(codes == {code.name} for _, codes in outcomes)
            conceivable = sum(code.name in codes for _, codes in outcomes)
            assert certain <= server["handled", method, code.name] <= conceivable
        unsure = [play for play, codes in outcomes if {"OK", "CANCELLED"} <= codes]
        told = [play for play in unsure if misled(play)]
        missing = expected["first", method, ""] - server["first", method, ""]
        assert -len(told) <= missing <= len(unsure)
        missing = expected["gap", method, ""] - server["gap", method, ""]
        assert -sum(play.given for play in told) <= missing <= sum(play.given for play in unsure)
    exact = ("started", "received", "sent", "handling", "running")
    assert {k: v for k, v in server.items() if k[0] in exact} == {
        k: v for k, v in expected.items() if k[0] in exact
    }


def believed(at: World) -> int:
    """How many calls at least were counted by what a handler was told and not by what happened."""
    server, expected = at.exposed("server"), at.expected_server()
    surplus = [
        server["handled", method, code.name] - expected["handled", method, code.name]
        for method in KINDS
        for code in grpc.StatusCode
        if code not in (grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
    ]
    return sum(count for count in surplus if count > 0)


@pytest.mark.parametrize("mesh", [False, True], ids=["bare", "mesh"])
@pytest.mark.parametrize("seed", range(3))
async def test_any_calls_in_any_order(tmp_path, seed, mesh):
    random = Random(seed)
    async with world(tmp_path, mesh=mesh) as at:
        for _ in range(ROUNDS):
            async with TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(call(at, *draw(random, mesh)))
            await check(at)
        assert len(at.seen) == ROUNDS * AT_ONCE
        assert believed(at) <= 0.05 * sum(misled(play) for play, _, _ in at.seen)
        outcomes = {code for _, code, _ in at.seen}
        assert {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, *CODES} <= outcomes
