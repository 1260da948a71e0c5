"""A reply without stages: what of it was heard."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from linly.talk.v1 import talk_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.convert import to_duration
from linly_orchestrator.playback import Playback
from linly_orchestrator.reply import Reply, Voice, Written
from linly_orchestrator.timeline import Timeline

from .virtual_time import run

SILENT = Voice(speech=None, bytes_per_second=1, send_audio=True, animation=None)


def reply(voice: Voice | None, emitted: list | None = None) -> Reply:
    async def emit(event: talk_pb2.ConverseResponse) -> None:
        if emitted is not None:
            emitted.append(event.reply_text.text)

    playback = Playback(talk_pb2.PLAYBACK_MODE_REAL_TIME, 0.4, 10.0)
    return Reply("t1.1", voice, emit, Timeline(), playback, lambda: None)


def spoken(text: str, *, complete: bool) -> Reply:
    """Each word lasts a second."""
    made = reply(SILENT)
    made.text, made.complete = text, complete
    begin = 0
    for n, word in enumerate(text.split()):
        start = text.index(word, begin)
        begin = start + len(word)
        made._words.append(
            tts_pb2.WordTiming(
                start_code_point=start, end_code_point=begin, offset=to_duration(float(n))
            )
        )
    return made


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0.0, ""),
        (0.5, "How"),
        (1.0, "How"),
        (1.01, "How are"),
        (2.5, "How are you"),
        (3.0, "How are you"),
    ],
)
def test_words_that_have_begun_were_heard(played, heard):
    assert spoken("How are you?! ", complete=False).heard(played).rstrip("?!") == heard


def test_the_end_of_the_speech_is_the_end_of_the_text():
    async def turn() -> None:
        made = spoken("How are you?! 😀", complete=True)
        made._playback.audio_sent(3.0)
        assert made.heard(2.9985) == "How are you?! 😀"
        assert made.heard(2.5) == "How are you?!"

    run(turn())


def test_of_a_reply_that_is_still_being_written_the_rest_was_not_heard():
    async def turn() -> None:
        made = spoken("How are you", complete=False)
        made.text += " today? Nobody has said this."
        made._playback.audio_sent(3.0)
        assert made.heard(3.0) == "How are you"

    run(turn())


def test_without_a_voice_what_was_sent_was_read():
    async def source() -> AsyncGenerator[Written, None]:
        yield Written("Hello ")
        yield Written("you.")

    async def turn() -> None:
        emitted: list[str] = []
        made = reply(None, emitted)
        assert made.heard(0.0) == ""
        made.released.set()
        async with asyncio.TaskGroup() as sessions:
            await made.run(source(), sessions)
        assert emitted == ["Hello you."]  # it was written before any of it could be sent
        assert made.complete
        assert made.heard(0.0) == "Hello you."

    run(turn())
