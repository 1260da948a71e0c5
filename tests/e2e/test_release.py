"""Each model service is released for itself, as real processes, while people talk."""

import asyncio

import pytest

from linly_client import Microphone, Playback, TalkClient, TalkOptions, TurnEnded
from linly_client.wav import read_wav

from .conftest import QUESTIONS, STAGES, running_mesh

TALKS = 2


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    # On this machine the old server has to leave before the new one can come; in a cluster they
    # overlap. A turn waits for as long as a model takes to load.
    patience = {"ORCHESTRATOR_CONNECT_LIMIT": "60", "ORCHESTRATOR_FIRST_OUTPUT_LIMIT": "60"}
    with running_mesh(tmp_path_factory.mktemp("m"), patience) as mesh:
        yield mesh


async def talk_until(mesh, over: asyncio.Event) -> list:
    question = read_wav(QUESTIONS / "what-is-the-capital-of-france.wav")
    options = TalkOptions(
        microphone=Microphone(sample_rate=question.sample_rate),
        playback=Playback.SENT,
        barge_in=False,
        max_new_tokens=12,
    )
    ended = []
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        await talk.send_audio(question.pcm)
        await talk.end_of_audio()
        async for event in talk:
            if isinstance(event, TurnEnded):
                ended.append(event)
                if over.is_set():
                    return ended
                await talk.send_audio(question.pcm)
                await talk.end_of_audio()
    raise AssertionError("the talk ended by itself")


async def test_every_model_service_is_replaced_in_turn_and_no_turn_fails(mesh):
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        talks = [group.create_task(talk_until(mesh, over)) for _ in range(TALKS)]
        for stage in STAGES:
            await asyncio.sleep(1)
            await asyncio.to_thread(mesh.stop, stage)
            await asyncio.to_thread(mesh.start, stage)
        await asyncio.sleep(1)
        over.set()
    ended = [event for talk in talks for event in talk.result()]
    assert [event.error for event in ended] == [None] * len(ended)
    assert len(ended) > TALKS * 2
