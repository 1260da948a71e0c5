"""Speeches in, frames out."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from linly.animator.v1 import animator_pb2 as pb
from linly_mesh.rpc.convert import to_seconds

from .animating import (
    RATE,
    animate,
    cancel_speech,
    config,
    decoded,
    end,
    end_speech,
    key_frame,
    offsets,
    speech,
    voice,
)
from .conftest import Service

SOUNDS = ("SIL", "PP", "AA", "SS", "I", "FF", "O", "NN", "E", "U")


def ten_seconds(speech_id: str) -> list[pb.StreamingAnimateRequest]:
    """A speech as a synthesiser sends it: 80 ms a message, visemes with the sound they are in."""
    timings = [(SOUNDS[k % len(SOUNDS)], k / 10, 0.1) for k in range(100)]
    messages = []
    for k in range(125):
        start, stop = k * 0.08, (k + 1) * 0.08
        inside = [t for t in timings if start <= t[1] < stop - 1e-9]
        messages.append(speech(speech_id, voice(0.08, start), inside))
    return [*messages, end_speech(speech_id)]


async def test_ten_seconds_of_speech(service: Service) -> None:
    given = await animate(service.stub, config(blendshapes=True), *ten_seconds("a"), end())
    frames = given.frames("a")
    assert given.kinds() == ["frames a", "speech_ended"]
    assert to_seconds(given.responses[-1].speech_ended.duration) == pytest.approx(10)
    assert offsets(frames) == pytest.approx([k / 25 for k in range(250)])
    assert all(to_seconds(f.duration) == pytest.approx(0.04) for f in frames)
    assert [k for k, f in enumerate(frames) if f.key_frame] == [0]
    assert len(decoded(frames)) == 250
    assert len(given.header.blendshape_names) == 52
    assert all(len(f.blendshapes) == 52 for f in frames)
    jaw = list(given.header.blendshape_names).index("jawOpen")
    assert max(f.blendshapes[jaw] for f in frames) > 0.4


async def test_the_header_says_how_to_read_the_frames(service: Service) -> None:
    given = await animate(service.stub, config(width=320, height=192, frame_rate=30), end())
    header = given.header
    assert header.codec_string.startswith("avc1.42")
    assert (header.codec, header.width, header.height) == (pb.VIDEO_CODEC_H264, 320, 192)
    assert header.frame_rate == 30
    assert not header.blendshape_names


async def test_defaults_are_those_of_the_contract(service: Service) -> None:
    request = pb.StreamingAnimateRequest(config=pb.AnimationConfig(sample_rate_hertz=RATE))
    header = (await animate(service.stub, request, end())).header
    assert (header.width, header.height, header.frame_rate) == (512, 512, 25)
    assert header.codec == pb.VIDEO_CODEC_UNSPECIFIED
    assert header.codec_string == ""


async def test_blendshapes_alone(service: Service) -> None:
    wanted = config(codec=pb.VIDEO_CODEC_UNSPECIFIED, blendshapes=True)
    given = await animate(service.stub, wanted, speech("a", voice(0.5)), end_speech("a"), end())
    frames = given.frames("a")
    assert len(frames) == 13
    assert all(not frame.data and len(frame.blendshapes) == 52 for frame in frames)


async def test_each_chunk_says_where_its_time_went(service: Service) -> None:
    chunks = [speech("a", voice(0.2)) for _ in range(5)]
    given = await animate(service.stub, config(), *chunks, end_speech("a"), end())
    timings = [r.frames.timing for r in given.responses if r.frames.HasField("timing")]
    assert len(timings) == 5
    for timing in timings:
        assert to_seconds(timing.compute) > 0
        total = to_seconds(timing.queue_wait) + to_seconds(timing.compute)
        assert to_seconds(timing.first_output) == pytest.approx(total, abs=1e-6)


async def test_speech_without_visemes_moves_the_mouth(service: Service) -> None:
    sound = np.concatenate([np.zeros(RATE // 2), voice(0.5), np.zeros(RATE // 2)])
    wanted = config(codec=pb.VIDEO_CODEC_UNSPECIFIED, blendshapes=True)
    given = await animate(service.stub, wanted, speech("a", sound), end_speech("a"), end())
    at = list(given.header.blendshape_names).index("jawOpen")
    jaw = [frame.blendshapes[at] for frame in given.frames("a")]
    assert max(jaw[14:24]) > 0.25
    assert max(jaw[:11]) < 0.05
    assert max(jaw[28:]) < 0.05


async def test_each_speech_begins_with_a_key_frame(service: Service) -> None:
    given = await animate(
        service.stub,
        config(),
        *(speech("a", voice(0.4)), end_speech("a")),
        *(speech("b", voice(0.4)), end_speech("b")),
        end(),
    )
    assert given.kinds() == ["frames a", "speech_ended", "frames b", "speech_ended"]
    for speech_id in ("a", "b"):
        frames = given.frames(speech_id)
        assert offsets(frames)[0] == 0
        assert frames[0].key_frame
        assert len(decoded(frames)) == len(frames) == 10


async def test_a_speech_of_nothing_ends(service: Service) -> None:
    given = await animate(
        service.stub, config(), end_speech("a"), speech("b", b""), end_speech("b")
    )
    assert given.kinds() == ["speech_ended"]
    assert [r.speech_ended.speech_id for r in given.responses] == ["a", "b"]


async def test_the_same_speech_gives_the_same_frames_however_it_was_cut(service: Service) -> None:
    sounds = [("AA", 0.0, 0.2), ("PP", 0.2, 0.1), ("U", 0.3, 0.3)]
    wanted = config(codec=pb.VIDEO_CODEC_UNSPECIFIED, blendshapes=True)
    whole = await animate(
        service.stub, wanted, speech("a", voice(0.6), sounds), end_speech("a"), end()
    )
    parts = [
        speech("a", voice(0.1, k / 10), [s for s in sounds if k / 10 <= s[1] < (k + 1) / 10 - 1e-9])
        for k in range(6)
    ]
    cut = await animate(service.stub, wanted, *parts, end_speech("a"), end())
    for a, b in zip(whole.frames("a"), cut.frames("a"), strict=True):
        # The head follows the loudness heard so far, the mouth the visemes alone.
        assert np.allclose(a.blendshapes[14:41], b.blendshapes[14:41], atol=1e-6)


class Conversation:
    """A stream that is written to and read from step by step."""

    def __init__(self, service: Service) -> None:
        self.call = service.stub.StreamingAnimate()

    async def send(self, *requests: pb.StreamingAnimateRequest) -> None:
        for request in requests:
            await self.call.write(request)

    async def until(self, kind: str, speech_id: str = "") -> list[pb.StreamingAnimateResponse]:
        """Everything up to the first response of a kind (and, for frames, of a speech)."""
        seen = []
        while True:
            response = await self.call.read()
            seen.append(response)
            named = response.WhichOneof("response")
            if named == kind and (kind != "frames" or response.frames.speech_id == speech_id):
                return seen


@pytest.fixture
async def conversation(service: Service) -> AsyncIterator[Conversation]:
    talk = Conversation(service)
    yield talk
    talk.call.cancel()


async def test_a_cancelled_speech_ends_at_once(
    service: Service, conversation: Conversation
) -> None:
    before = service.workload.snapshot()
    await conversation.send(config(), speech("a", voice(60)), end_speech("a"))
    await conversation.until("frames", "a")
    began = asyncio.get_running_loop().time()
    await conversation.send(cancel_speech("a"))
    await conversation.until("speech_cancelled")
    assert asyncio.get_running_loop().time() - began < 1.0
    assert service.workload.snapshot().cancelled_total == before.cancelled_total + 1
    await conversation.send(speech("b", voice(0.4)), end_speech("b"), end())
    await conversation.call.done_writing()
    after = await conversation.until("speech_ended")
    given = [r for r in after if r.WhichOneof("response") == "frames"]
    assert {r.frames.speech_id for r in given} == {"b"}
    assert len(decoded([f for r in given for f in r.frames.frames])) == 10


async def test_a_speech_may_be_cancelled_after_it_ended(conversation: Conversation) -> None:
    await conversation.send(config(), speech("a", voice(0.2)), end_speech("a"))
    await conversation.until("speech_ended")
    await conversation.send(cancel_speech("a"))
    answer = (await conversation.until("speech_cancelled"))[-1]
    assert answer.speech_cancelled.speech_id == "a"


async def test_a_client_that_vanishes_stops_the_work(
    service: Service, conversation: Conversation
) -> None:
    before = service.workload.snapshot()
    await conversation.send(config(), speech("a", voice(60)))
    await conversation.until("frames", "a")
    conversation.call.cancel()
    async with asyncio.timeout(5):
        while not service.workload.snapshot().idle:
            await asyncio.sleep(0.005)
    assert service.workload.snapshot().cancelled_total == before.cancelled_total + 1


async def test_little_is_made_ahead_of_a_client_that_does_not_read(
    service: Service, conversation: Conversation
) -> None:
    # What the flow control's window holds is made; the rest of the minute is not.
    await conversation.send(config(width=512, height=512), speech("a", voice(60)), end_speech("a"))
    await asyncio.sleep(1.5)
    received = 0
    while True:
        try:
            async with asyncio.timeout(0.02):  # less than eight frames take
                received += len((await conversation.call.read()).frames.frames)
        except TimeoutError:
            break
    assert received < 50


async def test_idle_frames_come_in_real_time_until_a_speech_begins(
    conversation: Conversation,
) -> None:
    loop = asyncio.get_running_loop()
    await conversation.send(config(idle_frames=True))
    await conversation.until("frames")
    began = loop.time()
    for _ in range(12):
        idle = (await conversation.until("frames"))[-1].frames
    elapsed = loop.time() - began
    assert to_seconds(idle.frames[-1].offset) == pytest.approx(elapsed, abs=0.15)
    await conversation.send(speech("a", voice(0.4)), end_speech("a"))
    ended = await conversation.until("speech_ended")
    sent = loop.time()
    assert any(r.frames.speech_id == "a" for r in ended)
    first = (await conversation.until("frames"))[-1].frames
    assert loop.time() - sent > 0.15, "idle begins once the speech would have been played"
    assert first.frames[0].key_frame
    assert to_seconds(first.frames[0].offset) < 0.1


async def test_a_key_frame_comes_when_asked(conversation: Conversation) -> None:
    await conversation.send(config(idle_frames=True))
    assert (await conversation.until("frames"))[-1].frames.frames[0].key_frame
    assert not (await conversation.until("frames"))[-1].frames.frames[0].key_frame
    await conversation.send(key_frame())
    async with asyncio.timeout(2):
        while not (await conversation.until("frames"))[-1].frames.frames[0].key_frame:
            pass


async def test_two_streams_at_once_share_the_threads(service: Service) -> None:
    messages = [speech("a", voice(4)), end_speech("a"), end()]
    first, second = await asyncio.gather(
        animate(service.stub, config(), *messages), animate(service.stub, config(), *messages)
    )
    for given in (first, second):
        assert len(decoded(given.frames("a"))) == 100
