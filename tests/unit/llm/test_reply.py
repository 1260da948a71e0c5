"""A reply ends where the model or a stop string ends it."""

from linly_llm.engines.transformers.reply import Reply

END = 0


def reply(stops=()) -> Reply:
    return Reply(lambda ids: "".join(map(chr, ids)), [END], stops)


def tokens(text: str) -> list[int]:
    return [ord(character) for character in text]


def test_gives_each_character_once():
    r = reply()
    assert r.advance(tokens("He"), finished=False) == "He"
    assert r.advance(tokens("Hello"), finished=False) == "llo"
    assert not r.stopped


def test_the_end_token_stops_it_and_is_no_text():
    r = reply()
    assert r.advance([*tokens("Hi"), END], finished=True) == "Hi"
    assert r.stopped
    assert r.tokens == 3


def test_a_stop_string_in_the_last_tokens_is_a_stop():
    r = reply(["llo"])
    assert r.advance(tokens("Hello"), finished=True) == "He"
    assert r.stopped


def test_what_was_held_back_comes_when_the_limit_is_reached():
    r = reply(["\nUser:"])
    assert r.advance(tokens("Hi\nUs"), finished=False) == "Hi"
    assert r.advance(tokens("Hi\nUse"), finished=True) == "\nUse"
    assert not r.stopped
