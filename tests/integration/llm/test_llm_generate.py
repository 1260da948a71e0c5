"""Replies of the tiny model: their order, ends, seeds and times."""

import asyncio

import pytest

from linly.llm.v1 import llm_pb2
from tests.unit.llm.tiny_model import CONTEXT

from .llm_service import greedy

SAMPLED = llm_pb2.Sampling(temperature=1, top_p=1, top_k=26, seed=11)


async def test_the_limit_of_tokens_ends_a_reply(tiny):
    reply = await tiny.reply("hi", max_new_tokens=20)
    assert reply.finished.finish_reason == llm_pb2.FINISH_REASON_LENGTH
    assert reply.finished.usage.completion_tokens == 20
    assert reply.finished.usage.prompt_tokens == len("user\nhi\nassistant\n") + 3
    assert len(reply.text) == 20


async def test_a_stop_string_ends_a_reply_before_itself(tiny):
    whole = (await tiny.reply("hi", sampling=SAMPLED, max_new_tokens=20)).text
    reply = await tiny.reply("hi", sampling=SAMPLED, max_new_tokens=20, stop=[whole[6:9]])
    assert reply.text == whole[: whole.index(whole[6:9])]
    assert reply.finished.finish_reason == llm_pb2.FINISH_REASON_STOP


async def test_the_first_delta_says_where_its_time_went(tiny):
    reply = await tiny.reply("hi", max_new_tokens=5)
    timing = reply.deltas[0].timing
    parts = timing.queue_wait.ToNanoseconds() + timing.compute.ToNanoseconds()
    assert timing.first_output.ToNanoseconds() == pytest.approx(parts, abs=1000)
    assert timing.first_output == reply.deltas[0].elapsed
    assert not any(delta.HasField("timing") for delta in reply.deltas[1:])
    times = [delta.elapsed.ToNanoseconds() for delta in reply.deltas]
    assert times == sorted(times)


async def test_a_seed_repeats_a_reply_whatever_runs_beside_it(tiny):
    alone = await tiny.reply("hi", sampling=SAMPLED, max_new_tokens=30)
    together = await asyncio.gather(
        tiny.reply("hi", sampling=SAMPLED, max_new_tokens=30),
        tiny.reply("something longer", max_new_tokens=25),
        tiny.reply("hi", sampling=greedy(), max_new_tokens=30),
    )
    assert together[0].text == alone.text
    assert together[2].text != alone.text


async def test_other_seeds_give_other_replies(tiny):
    replies = [await tiny.reply("hi", max_new_tokens=20) for _ in range(3)]
    assert len({reply.text for reply in replies}) == 3


async def test_greedy_takes_the_likeliest_every_time(tiny):
    replies = [await tiny.reply("hi", sampling=greedy(), max_new_tokens=20) for _ in range(2)]
    assert replies[0].text == replies[1].text


async def test_a_conversation_fills_the_context_to_its_last_token(tiny):
    reply = await tiny.reply("a" * 300, max_new_tokens=1000)
    usage = reply.finished.usage
    assert usage.prompt_tokens + usage.completion_tokens == CONTEXT
    assert reply.finished.finish_reason == llm_pb2.FINISH_REASON_LENGTH


async def test_more_conversations_than_the_cache_holds_all_come_to_their_end(tiny):
    replies = await asyncio.gather(
        *(tiny.reply(f"{n}" * 250, sampling=SAMPLED, max_new_tokens=200) for n in range(3))
    )
    assert [len(reply.text) for reply in replies] == [200] * 3
    again = await tiny.reply("1" * 250, sampling=SAMPLED, max_new_tokens=200)
    assert again.text == replies[1].text


async def test_capabilities_say_what_the_settings_say(tiny):
    answer = await tiny.stub.GetCapabilities(llm_pb2.GetCapabilitiesRequest())
    assert answer.service.name == "llm"
    assert answer.service.engine == "transformers"
    assert answer.service.max_concurrency == 3
    assert answer.context_tokens == CONTEXT
    assert answer.max_new_tokens == 1024
