"""Each model service is released for itself, while people talk."""

import asyncio

import pytest
from google.rpc import code_pb2

from linly_mesh.rpc.draining import Draining

TALKS = 4


async def replace(house, stage: str) -> None:
    """As ``talker up`` does it: the old one drains and stops, then the new one starts."""
    await house.drain(stage)
    fake = house.stages[stage]
    if hasattr(fake, "draining"):
        fake.draining.begin()
    await house.gates[stage].close(10)
    await house.servers.pop(stage).stop(10)
    await house.stop_proxy(stage)
    if hasattr(fake, "draining"):
        fake.draining = Draining()
    await house.start_proxy(stage)
    await house.start(stage)


async def talk_until(house, over: asyncio.Event) -> list:
    """Spoken turns, one after the other; returns how each of them ended."""
    statuses = []
    async with house.talk(video=True, listen=True) as talk:
        while not over.is_set():
            await talk.speech(0.2)
            await talk.end_of_audio()
            events = await talk.until("turn_ended")
            statuses.append(events[-1].turn_ended.status)
    return statuses


@pytest.mark.parametrize("stage", ["asr", "llm", "tts", "animator"])
async def test_a_model_service_is_replaced_and_no_turn_fails(house, stage):
    house.llm.tokens, house.llm.per_token = [f"Sentence {n}. " for n in range(5)], 0.02
    house.tts.per_chunk = 0.005
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        talks = [group.create_task(talk_until(house, over)) for _ in range(TALKS)]
        for _ in range(2):
            await asyncio.sleep(0.5)
            await replace(house, stage)
        await asyncio.sleep(0.5)
        over.set()
    statuses = [status for talk in talks for status in talk.result()]
    assert len(statuses) > 2 * TALKS
    failed = [status for status in statuses if status.code != code_pb2.OK]
    assert not [str(status) for status in failed]
