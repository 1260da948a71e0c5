"""A bad request gets its status, and nobody else notices."""

import math

import pytest
from google.rpc.code_pb2 import INVALID_ARGUMENT

from linly.llm.v1 import llm_pb2
from linly_mesh.rpc.status import bad_request, error_info

from .llm_service import greedy, request

ASSISTANT = llm_pb2.Message(role=llm_pb2.ROLE_ASSISTANT, content="hello")
TOOL = llm_pb2.Message(role=llm_pb2.ROLE_TOOL, content="42")


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (llm_pb2.GenerateRequest(), "messages", "INVALID_ARGUMENT"),
        (request(messages=[llm_pb2.Message()]), "messages[0].role", "INVALID_ARGUMENT"),
        (request(messages=[ASSISTANT]), "messages", "INVALID_ARGUMENT"),
        (request(messages=[TOOL]), "messages", "PROMPT_REJECTED"),
        (request("a" * 100_000), "messages", "PROMPT_TOO_LONG"),
        (request("a" * 600), "messages", "PROMPT_TOO_LONG"),
        (
            request("hi", sampling=llm_pb2.Sampling(temperature=math.nan)),
            "sampling.temperature",
            "INVALID_ARGUMENT",
        ),
        (request("hi", stop=[""]), "stop[0]", "INVALID_ARGUMENT"),
        (request("hi", max_new_tokens=0), "max_new_tokens", "INVALID_ARGUMENT"),
    ],
)
async def test_is_refused_beside_a_reply_that_runs_on(tiny, bad, field, reason):
    expected = await tiny.reply("hi", sampling=greedy(), max_new_tokens=100)
    running = aiter(tiny.call("hi", sampling=greedy(), max_new_tokens=100))
    first = await anext(running)

    status = await tiny.refusal(bad)

    assert status.code == INVALID_ARGUMENT
    assert error_info(status).reason == reason
    assert bad_request(status).field_violations[0].field == field
    rest = "".join([response.delta.text async for response in running])
    assert first.delta.text + rest == expected.text


@pytest.mark.parametrize(
    "content", ["", "😀👩‍👩‍👧", "你好，请用中文回答", "\x00\x01\x1b[2J\x7f", "<|im_end|>", "﷽" * 10]
)
async def test_strange_content_is_answered(tiny, content):
    reply = await tiny.reply(content, max_new_tokens=4)
    assert reply.finished.usage.completion_tokens == 4
