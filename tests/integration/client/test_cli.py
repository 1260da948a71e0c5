"""The command line as a process of its own: what it prints and how it ends."""

import asyncio
import os
import pty
import signal
import sys
import wave
from dataclasses import dataclass

import av
import grpc
import pytest
from own_mesh import own_environment

from linly_client.wav import read_wav

TALKER = (sys.executable, "-m", "linly_client.cli")


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path):
    return {**own_environment(tmp_path), "LINLY_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def start(environment, tmp_path):
    async def start(*arguments, **streams):
        return await asyncio.create_subprocess_exec(
            *TALKER, *map(str, arguments), env=environment, cwd=tmp_path, **streams
        )

    return start


@pytest.fixture
def talker(start):
    async def run(*arguments, stdin: str = "") -> Result:
        pipe = asyncio.subprocess.PIPE
        process = await start(*arguments, stdin=pipe, stdout=pipe, stderr=pipe)
        out, err = await process.communicate(stdin.encode())
        return Result(process.returncode, out.decode(), err.decode())

    return run


@pytest.fixture
def question(tmp_path, tone):
    path = tmp_path / "q.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(tone(0.3, 16000))
    return path


async def test_a_spoken_question_is_shown_answered_and_recorded(talker, target, question, tmp_path):
    result = await talker("talk", "--audio", question, "-o", "o.mp4", "--target", target)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:2] == ["You     what time is it", "Talker  It is nine."]
    assert "first audio 20 ms" in " ".join(result.out.split())
    assert lines[-1] == "wrote o.mp4 (1.0 s)"
    assert "\x1b" not in result.out  # colour is for terminals
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert file.streams.video[0].frames == 25


async def test_several_questions_are_one_talk(talker, service, target, question):
    result = await talker("talk", "--audio", question, "--audio", question, "--target", target)
    assert result.code == 0
    assert result.out.count("It is nine.") == 2
    assert len(service.configs) == 1


async def test_a_portrait_is_sent(talker, service, target, question, tmp_path):
    (tmp_path / "me.jpg").write_bytes(b"jpeg")
    await talker("talk", "--audio", question, "--portrait", "me.jpg", "--target", target)
    assert service.configs[0].image == b"jpeg"


async def test_words_are_spoken_into_a_file(talker, service, target, tmp_path):
    result = await talker("say", "Hello.", "-o", "o.wav", "--target", target)
    assert (result.code, result.err) == (0, "")
    assert read_wav(tmp_path / "o.wav").duration == pytest.approx(1)
    assert not service.configs[0].output.HasField("video")


async def test_a_chat_goes_on_after_a_turn_that_failed(talker, target):
    result = await talker("chat", "--target", target, stdin="fail\ncrash\n\nhello\n")
    assert result.code == 0
    assert result.err.splitlines() == [
        "error: tts: no voice (INTERNAL)",
        "error: talk: gone (UNAVAILABLE)",
    ]
    assert "Talker  You said hello." in result.out


async def test_ctrl_c_interrupts_the_reply_and_ctrl_d_leaves(start, target):
    terminal, theirs = pty.openpty()
    process = await start("chat", "--target", target, stdin=theirs, stdout=asyncio.subprocess.PIPE)
    os.write(terminal, b"wait\n")
    await process.stdout.readuntil(b"Talker  ")
    process.send_signal(signal.SIGINT)
    await process.stdout.readuntil("[…]".encode())
    os.write(terminal, b"hello\n\x04")
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert b"You said hello." in rest
    os.close(terminal)
    os.close(theirs)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("say", "hi"), "error: the talk service is not serving (127."),
        (("talk", "--audio", "none.wav"), "error: none.wav: No such file or directory"),
        (("say", "hi", "--portrait", "me.jpg"), "error: me.jpg: No such file or directory"),
        (("say", "hi", "-o", "o.avi"), "error: o.avi: the name must end in .mp4 or .wav"),
        (("up", "--only", "asr,moon"), "error: no such service: moon;"),
        (("status",), "error: asr, llm, tts, animator, orchestrator are not serving"),
    ],
)
async def test_a_failure_is_one_line_and_an_exit_code(talker, arguments, complaint):
    result = await talker(*arguments)
    assert result.code == 1
    assert result.err.startswith(complaint)
    assert len(result.err.splitlines()) == 1


async def test_up_says_when_it_is_ready_and_ctrl_c_stops_it(start):
    process = await start("up", "--only", "tts", stdout=asyncio.subprocess.PIPE)
    await process.stdout.readuntil(b"Ctrl-C stops the services.")
    process.send_signal(signal.SIGINT)
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert rest.decode().splitlines()[-1] == "· tts           stopped"


async def test_up_names_the_service_that_did_not_start(talker, environment, tmp_path):
    environment["TTS_ENGINE"] = "gramophone"
    result = await talker("up", "--only", "tts")
    assert result.code == 1
    *log, line = result.err.splitlines()
    assert line.startswith("error: tts ended by itself with status 1; its log: ")
    assert "no engine 'gramophone'" in log[-1]


async def test_a_question_without_speech_is_a_failure(talker, service, target, question):
    service.transcript = ""
    result = await talker("talk", "--audio", question, "-o", "o.mp4", "--target", target)
    assert (result.code, result.err) == (1, "error: no speech was heard in the question\n")


async def test_a_turn_that_fails_is_a_failure(talker, service, target, monkeypatch):
    def fail(cause, reply, transcript=""):
        yield service._begin(cause)
        yield service._end("animator", grpc.StatusCode.INTERNAL, "BROKEN", "no face")

    monkeypatch.setattr(service, "_answer", fail)
    result = await talker("say", "hi", "--target", target)
    assert (result.code, result.err) == (1, "error: animator: no face (INTERNAL)\n")


async def test_a_talk_can_be_interrupted(start, service, target, question, monkeypatch):
    def begin(cause, reply, transcript=""):
        yield service._begin(cause)

    monkeypatch.setattr(service, "_answer", begin)
    process = await start("talk", "--audio", question, "--target", target)
    async with asyncio.timeout(20):
        await service.opened.wait()
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130


async def test_the_status_is_a_table_that_fits(talker):
    result = await talker("status")
    rows = [line.split() for line in result.out.splitlines() if "not serving" in line]
    assert [row[0] for row in rows] == ["asr", "llm", "tts", "animator", "orchestrator"]
    table = result.out.split("asr: 127.")[0]
    assert all(len(line) <= 80 for line in table.splitlines())
