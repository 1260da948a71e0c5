"""What a client tells of how far it has read."""

import asyncio
from contextlib import asynccontextmanager

from linly.talk.v1 import talk_pb2
from linly_client.progress import ReadProgress
from linly_mesh.rpc.convert import to_duration, to_seconds

Response = talk_pb2.ConverseResponse


def started(*, wanted: bool = True, audio: bool = True) -> Response:
    event = talk_pb2.TalkStarted()
    if wanted:
        event.max_ahead.FromMilliseconds(900)
    if audio:
        event.audio.sample_rate_hertz = 16_000
    return Response(started=event)


def audio(turn: str, begin: float, seconds: float = 0.08) -> Response:
    event = talk_pb2.SpeechAudio(offset=to_duration(begin), duration=to_duration(seconds))
    return Response(turn_id=turn, audio=event)


def frames(turn: str, begin: float) -> Response:
    response = Response(turn_id=turn)
    response.frames.frames.add(offset=to_duration(begin), duration=to_duration(0.04))
    return response


@asynccontextmanager
async def reporting(progress: ReadProgress):
    told: list[tuple[str, float]] = []

    async def write(request: talk_pb2.ConverseRequest) -> None:
        told.append((request.progress.turn_id, round(to_seconds(request.progress.offset), 3)))

    task = asyncio.create_task(progress.report(write))
    yield told
    task.cancel()


async def read(progress: ReadProgress, *responses: Response) -> None:
    for response in responses:
        progress.note(response)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_report_comes_for_every_fifth_of_a_second():
    progress = ReadProgress()
    async with reporting(progress) as told:
        await read(progress, started(), *(audio("t1", n * 0.08) for n in range(8)))
    assert told == [("t1", 0.24), ("t1", 0.48)]


async def test_each_turn_counts_from_its_beginning():
    progress = ReadProgress()
    async with reporting(progress) as told:
        await read(progress, started(), audio("t1", 0.0, 3.0), audio("t2", 0.0, 0.1))
        await read(progress, audio("t2", 0.1, 0.1))
    assert told == [("t1", 3.0), ("t2", 0.2)]


async def test_without_audio_frames_count_and_idle_ones_do_not():
    progress = ReadProgress()
    async with reporting(progress) as told:
        await read(progress, started(audio=False), frames("", 9.0), frames("t1", 0.2))
    assert told == [("t1", 0.24)]


async def test_a_server_that_does_not_ask_is_told_nothing():
    progress = ReadProgress()
    async with reporting(progress) as told:
        await read(progress, started(wanted=False), audio("t1", 0.0, 3.0))
    assert told == []


async def test_after_the_end_nothing_is_told():
    progress = ReadProgress()
    async with reporting(progress) as told:
        await read(progress, started())
        progress.stop()
        await read(progress, audio("t1", 0.0, 3.0))
    assert told == []
