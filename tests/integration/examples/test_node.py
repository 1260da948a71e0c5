"""A client in another language, with a library that is not ours, holds talks through the mesh."""

import asyncio
import shutil
import subprocess
import wave
from datetime import timedelta

import grpc
import pytest
from integration.examples.page import ROOT

from linly_mesh.errors import ServiceError
from linly_mesh.identity.authority import Authority
from linly_mesh.identity.spiffe import SpiffeId

EXAMPLE = ROOT / "examples" / "node"
QUESTION = ROOT / "tests" / "data" / "questions" / "why-is-the-sky-blue.wav"
HEALTH = """
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';

const [target, ...files] = process.argv.slice(1);
const credentials = grpc.credentials.createSsl(...files.map((name) => readFileSync(name)));
const options = { 'grpc.ssl_target_name_override': 'orchestrator' };
const client = new grpc.Client(target, credentials, options);
const same = (bytes) => bytes;
const deadline = Date.now() + 5000;
client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), { deadline },
  (error) => { console.log(grpc.status[error?.code ?? 0]); client.close(); });
"""


@pytest.fixture
def run(node, tmp_path):
    """Runs Node in a folder of the test's own, unless told otherwise."""

    async def run(*arguments, cwd=tmp_path):
        process = await asyncio.create_subprocess_exec(
            *(node, *map(str, arguments)), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        async with asyncio.timeout(30):
            output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    return run


@pytest.fixture
def talk(run, house, identity):
    """Runs the example, as ``client`` and with the orchestrator unless told otherwise."""

    async def talk(*arguments, account="client", folder=None, workload="orchestrator"):
        target = ":".join(map(str, house.world.target(workload)))
        options = ("--identity", folder or identity(account), "--target", target)
        return await run(EXAMPLE / "talk.js", *options, *arguments)

    return talk


def seconds(file):
    with wave.open(str(file)) as answer:
        assert (answer.getnchannels(), answer.getsampwidth()) == (1, 2)
        assert any(answer.readframes(answer.getnframes()))
        return answer.getnframes() / answer.getframerate()


async def test_a_text_is_answered_in_writing_and_in_sound(talk, tmp_path):
    assert await talk("What", "is", "new?") == (0, "Hello there. How are you?\n", "")
    assert 0.5 < seconds(tmp_path / "answer.wav") < 5


async def test_a_spoken_question_is_written_down_and_answered(talk, tmp_path):
    status, output, interim = await talk("--audio", QUESTION, "-o", "sky.wav")
    assert (status, output) == (0, "you: hello\nHello there. How are you?\n")
    assert "… hello" in interim
    assert 0.5 < seconds(tmp_path / "sky.wav") < 5


@pytest.mark.parametrize(
    "server",
    [
        "spiffe://cluster.local/ns/talker/sa/tts",
        "spiffe://cluster.local/ns/default/sa/orchestrator",
        "spiffe://cluster.local/ns/talker/sa/orchestrator/",
        "spiffe://cluster.local/ns/talker/sa/orchestrato",
        "spiffe://example.org/ns/talker/sa/orchestrator",
        "orchestrator",
    ],
)
async def test_a_server_that_is_not_the_expected_one_hears_nothing(talk, house, server):
    prompts = len(house.llm.prompts)
    status, output, errors = await talk("--server", server, "hi")
    assert (status, output) == (1, "")
    right = "spiffe://cluster.local/ns/talker/sa/orchestrator"
    assert errors.startswith("UNAVAILABLE: ")
    assert f"the server is {right}, not {server}" in errors
    assert len(house.llm.prompts) == prompts


ORCHESTRATOR = "spiffe://cluster.local/ns/talker/sa/orchestrator"
COMPARE = """
import { notFrom } from './mesh.js';

const [server, ...names] = process.argv.slice(1);
for (const subjectaltname of names) console.log(notFrom(server, { subjectaltname }) === undefined);
"""


async def test_a_server_is_known_by_its_one_uri_alone(run):
    """Names as Node writes them: one with a comma or a quote in it is quoted."""
    names = {
        f"URI:{ORCHESTRATOR}": "true",
        f"DNS:anything, URI:{ORCHESTRATOR}, DNS:orchestrator": "true",
        "DNS:orchestrator, DNS:orchestrator.talker.svc.cluster.local": "false",
        f"DNS:{ORCHESTRATOR}": "false",
        f"URI:{ORCHESTRATOR}, URI:spiffe://cluster.local/ns/talker/sa/tts": "false",
        f"URI:{ORCHESTRATOR}/x": "false",
        f"URI:spiffe://example.org/{ORCHESTRATOR}": "false",
        f'DNS:"x, URI:{ORCHESTRATOR}, y"': "false",
        "": "false",
    }
    arguments = ("--input-type=module", "--eval", COMPARE, "--", ORCHESTRATOR, *names)
    _, output, errors = await run(*arguments, cwd=EXAMPLE)
    assert output.splitlines() == [*names.values()], errors


async def test_another_workload_where_the_orchestrator_should_be_hears_nothing(talk):
    """Its certificate is as valid as any; only its URI tells."""
    status, output, errors = await talk("hi", workload="tts")
    assert (status, output) == (1, "")
    assert "the server is spiffe://cluster.local/ns/talker/sa/tts, not " in errors


@pytest.mark.parametrize(
    ("files", "outcome"),
    [(("root-cert",), "UNAVAILABLE"), (("root-cert", "key", "cert-chain"), "OK")],
    ids=["without", "with"],
)
async def test_without_a_certificate_nothing_is_served(run, house, identity, files, outcome):
    paths = [identity("client") / f"{name}.pem" for name in files]
    target = ":".join(map(str, house.world.target("orchestrator")))
    arguments = ("--input-type=module", "--eval", HEALTH, "--", target, *paths)
    assert (await run(*arguments, cwd=EXAMPLE))[1] == f"{outcome}\n"


async def test_a_certificate_of_another_authority_is_worth_nothing(talk, identity, tmp_path):
    other = Authority(tmp_path / "other").issue(SpiffeId("client"), timedelta(hours=1), ())
    folder = tmp_path / "identity"
    folder.mkdir()
    (folder / "key.pem").write_bytes(other.key)
    (folder / "cert-chain.pem").write_bytes(other.certificate)
    shutil.copy(identity("client") / "root-cert.pem", folder)
    status, output, errors = await talk("hi", folder=folder)
    assert (status, output) == (1, "")
    assert errors.startswith("UNAVAILABLE: ")


async def test_who_may_not_talk_is_told_by_the_proxy(talk):
    assert await talk("hi", account="debug") == (1, "", "PERMISSION_DENIED: RBAC: access denied\n")


async def test_a_turn_that_fails_names_stage_and_reason(talk, house):
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    house.llm.error = ServiceError(code, "QUEUE_FULL", "too much to do", stage="llm")
    try:
        status, _, errors = await talk("hi")
    finally:
        house.llm.error = None
    assert status == 1
    assert errors.startswith("RESOURCE_EXHAUSTED: ")
    assert errors.endswith("(stage llm, reason QUEUE_FULL)\n")


async def test_a_call_that_is_refused_names_stage_and_reason(talk, tmp_path):
    odd = tmp_path / "odd.wav"
    with wave.open(str(odd), "wb") as file:
        file.setparams((1, 2, 1, 0, "NONE", ""))  # 1 Hz: no recogniser takes it
        file.writeframes(bytes(200))
    status, _, errors = await talk("--audio", odd)
    assert status == 1
    assert errors.startswith("INVALID_ARGUMENT: ")
    assert "(stage talk, reason " in errors


@pytest.mark.parametrize(("channels", "width"), [(2, 2), (1, 1)], ids=["stereo", "8 bit"])
async def test_a_file_that_is_no_question_is_refused_before_anything_is_sent(
    talk, tmp_path, channels, width
):
    other = tmp_path / "other.wav"
    with wave.open(str(other), "wb") as file:
        file.setparams((channels, width, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(400))
    assert await talk("--audio", other) == (1, "", "Error: not 16-bit mono PCM\n")


async def test_without_a_question_it_says_how_it_is_used(talk):
    status, output, errors = await talk()
    assert (status, output) == (2, "")
    assert errors.startswith("usage: node talk.js")
