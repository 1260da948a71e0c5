"""Thousands of calls at random, many at once: every count is exactly what happened."""

from asyncio import TaskGroup
from random import Random

import grpc
import pytest
from integration.telemetry.callers import Style, call, settled
from integration.telemetry.echo import KINDS, Play
from integration.telemetry.truth import World, world

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
            play.ending, play.late, timeout = "hold", True, random.uniform(0.05, 0.3)
    return play, Style(writing, reading, leaving, timeout)


async def check(at: World) -> None:
    """All series are exact, but for one question that nobody can answer.

    Where a client has said everything and then cancels while the handler returns, its call was
    OK or CANCELLED for the server, whichever came first.
    """
    await settled(at)
    server, expected = at.exposed("server"), at.expected_server()
    codes = {id(play): code for play, code, _ in at.seen}
    for method in KINDS:
        undecided = [
            play
            for play in at.plays.values()
            if play.method == method and codes[id(play)] is grpc.StatusCode.CANCELLED
            if play.arrived and at.server_code(play) not in ("CANCELLED", "DEADLINE_EXCEEDED")
        ]
        surplus = server["handled", method, "CANCELLED"] - expected["handled", method, "CANCELLED"]
        assert 0 <= surplus <= len(undecided)
        if surplus:
            for key in [k for k in expected if k[1] == method and k[0] in AFFECTED]:
                del server[key], expected[key]
    assert server == expected
    assert at.exposed("client") == at.expected_client()


AFFECTED = ("handled", "first", "gap", "sent")


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
        outcomes = {code for _, code, _ in at.seen}
        assert {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, *CODES} <= outcomes
