"""Every line of docs/debugging.md does what the page says, with a client that is not ours."""

import asyncio
import os
import re
import subprocess

import pytest
from conformance.missing import missing
from integration.examples.page import ROOT, blocks, fences, script

QUESTIONS = [block for block in blocks() if block.asks]
ANSWERS = {
    "AdminService/GetWorkload": "finishedTotal",
    "AnimatorService/GetCapabilities": '"engine": "fake"',
    "TalkService/GetCapabilities": '"engine": "espeak"',
    "AsrService/StreamingRecognize": '"transcript": "hello"',
    "LlmService/Generate": '"text": "you?"',
    "TtsService/StreamingSynthesize": '"audio": "',
    "AnimatorService/StreamingAnimate": '"keyFrame": true',
    "TalkService/Converse": '"text": "you?"',
}
"""What is among the answers that the page does not show, because a real model's may differ."""


def called(command: str) -> str:
    return re.findall(r"linly\.\w+\.v1\.(\w+/\w+)", command)[-1]


@pytest.fixture(scope="module")
async def answers(house, tmp_path_factory):
    """Status and output of each question, typed in a folder that looks like a checkout."""
    if not (ROOT / "node_modules" / ".bin" / "buf").exists():
        missing("buf", "npm ci")
    async with house.talk() as talk:  # so that there is something to count
        await talk.text("hi")
        await talk.until("turn_ended")
    checkout, answered = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("answers")
    for name in (".venv", "node_modules", "protos", "tests"):
        (checkout / name).symlink_to(ROOT / name)
    network = house.world.target("asr")[0].rpartition(".")[0]
    folder = house.world.folder
    variables = {"MESH_IDENTITY_FOLDER": str(folder), "MESH_SOURCE": str(folder / "mesh")}
    typing = await asyncio.create_subprocess_exec(
        *("bash", "-c", script(answered, network)),
        cwd=checkout,
        env=os.environ | variables | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = (await typing.communicate())[0].decode()
    assert typing.returncode == 0, said
    return [
        (int((answered / f"{n}.status").read_text()), (answered / f"{n}.out").read_text())
        for n in range(len(QUESTIONS))
    ]


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_a_question_is_answered_as_the_page_says(answers, number):
    question = QUESTIONS[number]
    status, output = answers[number]
    assert (status != 0) == question.fails, output
    if question.shown is not None:
        assert output.strip() == question.shown.strip()
    elif "mesh explain" in question.command:
        assert ("mesh/policy/tts.yaml" in output) == ("explain debug" in question.command)
    else:
        assert ANSWERS[called(question.command)] in output


def test_all_that_is_shown_is_a_command_or_its_output():
    languages = [language for language, _ in fences()]
    assert {*languages} == {"bash", "text"}
    shown = [block for block in blocks() if block.shown is not None]
    assert len(shown) == languages.count("text"), "output below no command that is run"


def targets(pattern: str) -> set[tuple[str, ...]]:
    commands = " ".join(text for language, text in fences() if language == "bash")
    return {*re.findall(pattern, commands.replace("\\\n", " "))}


def test_grpcurl_is_given_names_addresses_and_methods_that_buf_was_answered_at():
    """grpcurl itself is in no package registry that the tests use."""
    where = r"(?:(?!\bbuf curl\b|\bgrpcurl\b|-(?:server)?name |-authority )[\s\S])*?"
    buf = targets(rf"--servername (\w+) {where}https://([\d.:]+)/([\w.]+/\w+)")
    grpcurl = targets(rf"-authority (\w+) {where}(127[\d.:]+) +([\w.]+/\w+)")
    assert len(grpcurl) == 7
    assert grpcurl <= buf
