import pytest

from linly.llm.v1 import llm_pb2
from linly_orchestrator.history import History

SYSTEM, USER, ASSISTANT = llm_pb2.ROLE_SYSTEM, llm_pb2.ROLE_USER, llm_pb2.ROLE_ASSISTANT


def message(role: int, content: str) -> llm_pb2.Message:
    return llm_pb2.Message(role=role, content=content)


def prompt(history: History, text: str = "now") -> list[tuple[int, str]]:
    system, *rest = [(m.role, m.content) for m in history.prompt(text)]
    assert system == (SYSTEM, "Be brief.")
    return rest


def history(*messages: llm_pb2.Message, limit: int = 20) -> History:
    return History("Be brief.", messages, limit)


def test_it_begins_with_what_the_talk_brought():
    brought = history(message(USER, "a"), message(ASSISTANT, "b"))
    assert prompt(brought) == [(USER, "a"), (ASSISTANT, "b"), (USER, "now")]


def test_turns_are_added_in_order():
    talk = history()
    talk.add("a", "b")
    talk.add("c", "d")
    assert prompt(talk)[:4] == [(USER, "a"), (ASSISTANT, "b"), (USER, "c"), (ASSISTANT, "d")]


def test_a_reply_of_which_nothing_was_heard_does_not_exist():
    talk = history()
    talk.add("a", "")
    talk.add("b", "c")
    assert prompt(talk) == [(USER, "a\nb"), (ASSISTANT, "c"), (USER, "now")]


def test_words_that_were_only_spoken_are_the_assistants():
    talk = history()
    talk.add("a", "b")
    talk.add("", "c")
    assert prompt(talk) == [(USER, "a"), (ASSISTANT, "b\nc"), (USER, "now")]


def test_a_conversation_begins_with_the_person():
    talk = history()
    talk.add("", "Welcome!")
    assert prompt(talk) == [(USER, "now")]


@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4)])
def test_only_the_last_messages_are_kept(limit, kept):
    talk = history(limit=limit)
    for n in range(5):
        talk.add(f"q{n}", f"a{n}")
    assert len(prompt(talk)) == kept + 1
    assert prompt(talk)[-1] == (USER, "now")


def test_asking_changes_nothing():
    talk = history()
    talk.add("a", "")
    assert prompt(talk, "x") == [(USER, "a\nx")]
    assert prompt(talk, "y") == [(USER, "a\ny")]


def test_the_older_half_is_forgotten_as_long_as_there_is_one():
    talk = history()
    talk.add("a", "b")
    talk.add("c", "d")
    assert talk.forget_older_half()
    assert prompt(talk) == [(USER, "c"), (ASSISTANT, "d"), (USER, "now")]
    assert talk.forget_older_half()
    assert talk.forget_older_half()
    assert prompt(talk) == [(USER, "now")]
    assert not talk.forget_older_half()
