"""A conversation that outlives the calls that carry it."""

import pytest

from linly_client import ReplyText, TalkClient, TalkError, TalkOptions, TurnEnded
from linly_client.chat import Chat


@pytest.fixture
async def chat(target):
    conversation = Chat(TalkClient(target), TalkOptions(audio=False, video=None))
    yield conversation
    await conversation.close()


async def reply(chat, text) -> str:
    events = [event async for event in chat.turn(text)]
    assert isinstance(events[-1], TurnEnded)
    return "".join(event.text for event in events if isinstance(event, ReplyText))


def history(config):
    return [message.content for message in config.history]


async def test_turns_share_a_call(chat, service):
    assert await reply(chat, "one") == "You said one."
    assert await reply(chat, "two") == "You said two."
    assert len(service.configs) == 1


async def test_a_server_that_was_restarted_between_turns_costs_nothing(chat, service, serve):
    await reply(chat, "one")
    await serve()
    assert await reply(chat, "two") == "You said two."
    assert history(service.configs[-1]) == ["one", "You said one."]


async def test_a_call_that_breaks_costs_the_turn_that_ran(chat, service):
    await reply(chat, "one")
    with pytest.raises(TalkError):
        await reply(chat, "crash")
    assert await reply(chat, "two") == "You said two."
    assert history(service.configs[-1]) == ["one", "You said one."]


async def test_a_turn_that_fails_is_not_remembered(chat, service, serve):
    await reply(chat, "fail")
    await serve()
    await reply(chat, "one")
    assert history(service.configs[-1]) == []


async def test_of_an_interrupted_reply_only_what_was_heard_is_remembered(chat, service, serve):
    async for event in chat.turn("wait"):
        if isinstance(event, ReplyText):
            await chat.interrupt()
    await serve()
    await reply(chat, "one")
    assert history(service.configs[-1]) == ["wait", "Once"]


async def test_a_server_that_is_gone_is_told_and_found_again(chat, serve, target):
    await reply(chat, "one")
    lost = Chat(TalkClient(f"{target}.gone"), TalkOptions())
    with pytest.raises(TalkError, match="no such file"):
        await reply(lost, "two")
    assert await reply(chat, "three") == "You said three."
