"""A person asks, a portrait answers: through real processes, with real models."""

import asyncio
import json
import threading
import time

import av
import pytest

from linly_client import (
    Audio,
    Frames,
    Interrupted,
    Microphone,
    Playback,
    TalkClient,
    TalkError,
    TalkOptions,
    Transcript,
    TurnEnded,
)
from linly_client.wav import read_wav

from .conftest import QUESTIONS, STAGES

_ENTRIES = json.loads((QUESTIONS / "questions.json").read_text())


@pytest.mark.parametrize("entry", _ENTRIES, ids=lambda entry: entry["text"])
async def test_the_shipped_questions_are_understood_word_for_word(mesh, entry):
    question = read_wav(QUESTIONS / entry["file"])
    options = TalkOptions(
        microphone=Microphone(sample_rate=question.sample_rate),
        audio=False,
        video=None,
        max_new_tokens=1,
        barge_in=False,
    )
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        await talk.send_audio(question.pcm)
        await talk.end()
        heard = [e.text async for e in talk if isinstance(e, Transcript) and e.is_final]
    assert heard == [entry["text"]]


def test_a_spoken_question_becomes_a_film(mesh, tmp_path):
    film = tmp_path / "talk.mp4"
    question = QUESTIONS / "what-is-the-capital-of-france.wav"
    done = mesh.talker("talk", "--audio", str(question), "-o", str(film))
    assert done.returncode == 0, done.stderr
    assert "what is the capital of france" in done.stdout
    for figure in ("asr", "llm", "tts", "animator", "endpointing", "first audio", "overhead"):
        assert figure in done.stdout
    shown = [line for line in done.stdout.splitlines() if not line.startswith("wrote ")]
    assert max(len(line) for line in shown) <= 80
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.average_rate, video.width, video.height) == (25, 512, 512)
        length = float(audio.duration * audio.time_base)
        frames = sum(1 for _ in container.decode(video=0))
    assert length > 0.5
    assert abs(frames / 25 - length) < 0.1


def test_another_portrait_speaks(mesh, tmp_path):
    from skimage import data, io

    portrait, film = tmp_path / "astronaut.png", tmp_path / "hello.mp4"
    io.imsave(portrait, data.astronaut())
    done = mesh.talker("say", "Hello from orbit.", "--portrait", str(portrait), "-o", str(film))
    assert done.returncode == 0, done.stderr
    with av.open(str(film)) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert first.shape == (512, 512, 3)


def test_a_picture_without_a_face_is_one_clear_line(mesh, tmp_path):
    import numpy as np
    from skimage import io

    picture = tmp_path / "grey.png"
    io.imsave(picture, np.full((256, 256, 3), 128, np.uint8), check_contrast=False)
    done = mesh.talker("say", "Hello.", "--portrait", str(picture), "-o", str(tmp_path / "x.mp4"))
    assert done.returncode != 0
    assert "no face" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_silence_is_one_clear_line(mesh, tmp_path):
    import wave

    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    done = mesh.talker("talk", "--audio", str(tmp_path / "silence.wav"))
    assert done.returncode != 0
    assert "no speech" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_status_names_every_service(mesh):
    done = mesh.talker("status")
    assert done.returncode == 0
    for name in (*STAGES, "SmolLM2", "pocketsphinx", "espeak", "portrait"):
        assert name in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


async def test_an_interruption_silences_the_portrait_and_idles_the_models(mesh):
    async with TalkClient(mesh.target("orchestrator")).converse(TalkOptions()) as talk:
        await talk.say("One two three four five six seven eight nine ten. " * 10)
        media_after = interrupted = 0
        async for event in talk:
            if isinstance(event, Audio) and not interrupted and event.offset > 0.5:
                await talk.interrupt()
                interrupted = -1
            if isinstance(event, Interrupted):
                interrupted = event.generation
            if interrupted > 0 and isinstance(event, Audio | Frames):
                media_after += 1
            if isinstance(event, TurnEnded):
                assert event.interrupted
                break
        assert interrupted > 0
        assert media_after == 0
        await _idle(mesh)


async def _idle(mesh) -> None:
    from linly.admin.v1 import admin_pb2, admin_pb2_grpc
    from linly_mesh.rpc.channel import open_channel

    for stage in STAGES:
        async with open_channel(mesh.target(stage, "debug")) as channel, asyncio.timeout(2):
            stub = admin_pb2_grpc.AdminServiceStub(channel)
            while True:
                now = await stub.GetWorkload(admin_pb2.GetWorkloadRequest())
                if now.active == now.queued == 0:
                    break
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("service", STAGES)
async def test_a_restarted_service_costs_at_most_the_turn_that_ran(mesh, service):
    """The service is stopped in the middle of a reply and started again."""
    options = TalkOptions(
        playback=Playback.SENT,
        microphone=Microphone(sample_rate=16_000),
        barge_in=False,
        max_new_tokens=12,
    )
    question = read_wav(QUESTIONS / "what-is-the-capital-of-france.wav")
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        outcomes = []
        await talk.send_audio(question.pcm)
        restart = None
        async for event in talk:
            if isinstance(event, Transcript) and event.is_final and restart is None:
                restart = asyncio.create_task(asyncio.to_thread(mesh.restart, service))
            if isinstance(event, TurnEnded):
                outcomes.append(event.error)
                if len(outcomes) == 2:
                    break
                await restart
                await talk.send_audio(question.pcm)
    assert outcomes[1] is None, outcomes


def test_chat_goes_on_after_a_service_was_restarted(mesh):
    chat = mesh.open("chat")
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(chat.stdout), daemon=True)
    reader.start()
    chat.stdin.write("Hello.\n")
    chat.stdin.flush()
    _until(lambda: any(line.startswith("Talker") for line in lines))
    mesh.restart("llm")
    spoken = len(lines)
    chat.stdin.write("Hello again.\n")
    chat.stdin.flush()
    _until(lambda: any(line.startswith("Talker") for line in lines[spoken:]))
    chat.stdin.close()
    assert chat.wait(timeout=30) == 0
    assert not any("Traceback" in line for line in lines)


async def test_a_stopping_orchestrator_finishes_its_talks_and_takes_no_new_ones(mesh):
    client = TalkClient(mesh.target("orchestrator"))
    async with client.converse(TalkOptions(video=None)) as talk:
        await talk.say("This sentence takes about three seconds to be spoken to its very end.")
        refused, ended = None, None
        async for event in talk:
            if isinstance(event, Audio) and refused is None:
                mesh.signal("orchestrator")
                while "orchestrator" in mesh.serving():
                    await asyncio.sleep(0.05)
                with pytest.raises(TalkError) as refused:
                    async with client.converse(TalkOptions(video=None)) as late:
                        async for _ in late:
                            pass
            if isinstance(event, TurnEnded):
                ended = event
                break
        assert ended.error is None
        with pytest.raises(TalkError) as replaced:
            await anext(aiter(talk))
        assert replaced.value.reason == "DRAINING"
    assert refused.value.code.name == "UNAVAILABLE"
    await asyncio.to_thread(mesh.restart, "orchestrator")


def test_a_service_that_is_down_is_one_clear_line(mesh):
    mesh.stop("tts")
    try:
        status = mesh.talker("status")
        done = mesh.talker("say", "Hello.")
    finally:
        mesh.start("tts")
    assert status.returncode == 1
    assert done.returncode != 0
    assert "tts" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def _until(holds, limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
