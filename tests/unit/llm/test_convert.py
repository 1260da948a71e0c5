"""Requests are checked field by field and completed with the settings."""

import math

import pytest

from linly.llm.v1 import llm_pb2
from linly_llm.config import Settings
from linly_llm.convert import to_prompt, to_response
from linly_llm.engine import Delta, Finished, FinishReason, Message, Role
from linly_mesh.errors import ServiceError
from linly_mesh.timing import Timing

SETTINGS = Settings(max_new_tokens=100, default_max_new_tokens=50)
USER = llm_pb2.Message(role=llm_pb2.ROLE_USER, content="hi")


def request(**fields) -> llm_pb2.GenerateRequest:
    return llm_pb2.GenerateRequest(**{"messages": [USER], **fields})


def sampling(**fields) -> llm_pb2.GenerateRequest:
    return request(sampling=llm_pb2.Sampling(**fields))


def test_what_is_unset_takes_the_settings():
    prompt = to_prompt(request(), SETTINGS)
    assert prompt.messages == (Message(Role.USER, "hi"),)
    assert prompt.max_new_tokens == 50
    assert prompt.stop == ()
    assert (prompt.sampling.temperature, prompt.sampling.top_p, prompt.sampling.top_k) == (
        SETTINGS.temperature,
        SETTINGS.top_p,
        SETTINGS.top_k,
    )


def test_each_request_without_a_seed_gets_its_own():
    assert to_prompt(request(), SETTINGS).sampling.seed != (
        to_prompt(request(), SETTINGS).sampling.seed
    )


def test_zeros_that_mean_something_are_kept():
    prompt = to_prompt(sampling(temperature=0, seed=0), SETTINGS)
    assert (prompt.sampling.temperature, prompt.sampling.seed) == (0, 0)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (request(messages=[]), "messages"),
        (request(messages=[llm_pb2.Message(content="hi")]), "messages[0].role"),
        (request(messages=[USER, llm_pb2.Message(role=9)]), "messages[1].role"),
        (request(messages=[USER, llm_pb2.Message(role=llm_pb2.ROLE_ASSISTANT)]), "messages"),
        (sampling(temperature=-1), "sampling.temperature"),
        (sampling(temperature=2.1), "sampling.temperature"),
        (sampling(temperature=math.nan), "sampling.temperature"),
        (sampling(top_p=0), "sampling.top_p"),
        (sampling(top_p=math.nan), "sampling.top_p"),
        (sampling(top_p=math.inf), "sampling.top_p"),
        (sampling(top_k=0), "sampling.top_k"),
        (request(stop=["a", ""]), "stop[1]"),
        (request(stop=["a"] * 9), "stop"),
        (request(max_new_tokens=0), "max_new_tokens"),
        (request(max_new_tokens=101), "max_new_tokens"),
    ],
)
def test_a_bad_field_is_named(bad, field):
    with pytest.raises(ServiceError) as caught:
        to_prompt(bad, SETTINGS)
    assert caught.value.field == field


def test_a_delta_carries_its_times():
    response = to_response(Delta("hi", 0.5, Timing(0.1, 0.4, 0.5)))
    assert response.delta.elapsed.ToMilliseconds() == 500
    assert response.delta.timing.compute.ToMilliseconds() == 400
    assert not to_response(Delta("hi", 0.5)).delta.HasField("timing")


def test_the_end_carries_reason_and_usage():
    finished = to_response(Finished(FinishReason.LENGTH, 3, 4, 0.5)).finished
    assert finished.finish_reason == llm_pb2.FINISH_REASON_LENGTH
    assert (finished.usage.prompt_tokens, finished.usage.completion_tokens) == (3, 4)
