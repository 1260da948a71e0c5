"""Each model service is released for itself, as real processes, while people talk."""

import asyncio

import pytest

from linly_client import Microphone, Playback, TalkClient, TalkOptions, TurnEnded
from linly_client.wav import read_wav

from .conftest import QUESTIONS, STAGES

TALKS = 2
PATIENCE = {"ORCHESTRATOR_CONNECT_LIMIT": "60", "ORCHESTRATOR_FIRST_OUTPUT_LIMIT": "60"}
"""On this machine the old server has to leave before the new one can come; in a cluster they
overlap. A turn waits for as long as a model takes to load."""


@pytest.fixture
def patient(mesh):
    """The mesh with an orchestrator that has patience."""
    usual = dict(mesh.environment)
    mesh.environment |= PATIENCE
    mesh.restart("orchestrator")
    yield mesh
    mesh.environment = usual
    mesh.restart("orchestrator")


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


async def test_every_model_service_is_replaced_in_turn_and_no_turn_fails(patient):
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        talks = [group.create_task(talk_until(patient, over)) for _ in range(TALKS)]
        for stage in STAGES:
            await asyncio.sleep(1)
            await asyncio.to_thread(patient.restart, stage)
        await asyncio.sleep(1)
        over.set()
    ended = [event for talk in talks for event in talk.result()]
    assert [event.error for event in ended] == [None] * len(ended)
    assert len(ended) > TALKS * 2
