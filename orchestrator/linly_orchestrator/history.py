"""What was said so far."""

from collections.abc import Iterable

from linly.llm.v1 import llm_pb2


class History:
    """The conversation as the language model is to see it: only what was really heard."""

    def __init__(self, instruction: str, messages: Iterable[llm_pb2.Message], limit: int) -> None:
        """Begins with the messages that the talk brought; keeps the last ``limit``."""
        self._system = llm_pb2.Message(role=llm_pb2.ROLE_SYSTEM, content=instruction)
        self._limit = limit
        self._messages = list(messages)

    def prompt(self, text: str) -> list[llm_pb2.Message]:
        """The conversation with one more message of the person."""
        return [self._system, *self._recent(), _user(text)]

    def add(self, said: str, heard: str) -> None:
        """A turn is over: what the person said, and how much of the reply they heard."""
        if said:
            self._messages.append(_user(said))
        if heard:
            reply = llm_pb2.Message(role=llm_pb2.ROLE_ASSISTANT, content=heard)
            self._messages.append(reply)

    def _recent(self) -> list[llm_pb2.Message]:
        recent = self._messages[-self._limit :] if self._limit else []
        while recent and recent[0].role == llm_pb2.ROLE_ASSISTANT:
            recent = recent[1:]  # a conversation begins with the person
        return recent


def _user(text: str) -> llm_pb2.Message:
    return llm_pb2.Message(role=llm_pb2.ROLE_USER, content=text)
