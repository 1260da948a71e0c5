"""However many talks there are, and whatever callers send: the same series."""

import asyncio

import grpc
import pytest
from google.rpc import code_pb2
from integration.orchestrator.conftest import build, house

from linly.talk.v1 import talk_pb2

__all__ = ["build", "house"]  # fixtures
TURNS = 1_000
AT_ONCE = 8


def series(house) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in house.metrics.registry.collect()
        for sample in family.samples
    }


async def turns(house, number: int, **config) -> None:
    async with house.talk(**config) as talk:
        for _ in range(number):
            await talk.text("hi")
            ended = (await talk.until("turn_ended"))[-1].turn_ended
            assert ended.status.code == code_pb2.OK


@pytest.mark.timeout(180)
async def test_the_series_are_the_same_after_1_and_100_and_1000_turns(house):
    house.llm.tokens = ["Yes."]
    await turns(house, 1)
    first = series(house)
    await turns(house, 99, video=True)
    assert series(house) == first
    each = (TURNS - 100) // AT_ONCE
    await asyncio.gather(*(turns(house, each) for _ in range(AT_ONCE)))
    assert series(house) == first
    read = house.metrics.registry.get_sample_value
    labels = {"model": "talk", "status": "success", "region": "local"}
    assert read("linly_talker_requests_total", labels) == 100 + each * AT_ONCE
    assert read("linly_talker_first_audio_seconds_count") == 100 + each * AT_ONCE


async def test_hostile_callers_make_no_series(house):
    await turns(house, 1)
    before = series(house)
    for n in range(50):
        odd = f"odd-{n}"
        await turns(
            house, 1, voice=talk_pb2.VoiceConfig(name=odd), language_code=odd, region=f"region-{n}"
        )
        with pytest.raises(grpc.aio.AioRpcError):
            await house.channel.unary_unary(f"/{odd}.Service/Method{n}")(b"", timeout=5)
        metadata = (("x-region", odd), ("user-agent", odd))
        with pytest.raises(grpc.aio.AioRpcError):
            await house.channel.unary_unary("/linly.talk.v1.TalkService/Drop")(
                b"", timeout=5, metadata=metadata
            )
    assert series(house) == before


async def test_a_talk_that_was_turned_away_is_counted_by_its_reason(build):
    house = await build(max_talks=1)
    async with house.talk() as first:
        await first.next()
        assert (
            house.metrics.registry.get_sample_value(
                "linly_talker_concurrent_sessions", {"region": "local"}
            )
            == 1
        )
        with pytest.raises(grpc.aio.AioRpcError):
            async with house.talk() as second:
                await second.next()
    reasons = {"model": "talk", "reason": "TOO_MANY_TALKS"}
    assert house.metrics.registry.get_sample_value("linly_talker_rejected_total", reasons) == 1
