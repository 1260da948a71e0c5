"""The embedded model: sense, emoji, Chinese, and several at once."""

import asyncio

from linly.llm.v1 import llm_pb2

from .llm_service import SYSTEM, greedy


async def test_knows_a_capital(smollm):
    reply = await smollm.reply(
        "What is the capital of France?", system=SYSTEM, sampling=greedy(), max_new_tokens=24
    )
    assert "Paris" in reply.text
    assert "<|" not in reply.text
    assert reply.finished.finish_reason == llm_pb2.FINISH_REASON_STOP


async def test_a_system_message_changes_the_reply(smollm):
    replies = [
        await smollm.reply("Who are you?", system=s, sampling=greedy(), max_new_tokens=12)
        for s in (SYSTEM, "You are a pirate called Redbeard.")
    ]
    assert replies[0].text != replies[1].text


async def test_emoji_and_chinese_are_answered_in_whole_code_points(smollm):
    reply = await smollm.reply("你好 😀! 请用中文回答。", sampling=greedy(), max_new_tokens=12)
    assert reply.text
    assert "\N{REPLACEMENT CHARACTER}" not in reply.text


async def test_eight_at_once_are_each_answered(smollm):
    questions = [f"What is {n} plus {n}?" for n in range(8)]
    replies = await asyncio.gather(
        *(smollm.reply(q, sampling=greedy(), max_new_tokens=8) for q in questions)
    )
    assert all(reply.text.strip() for reply in replies)
    assert smollm.engine.workload.snapshot().failed_total == 0
