"""What was said so far."""

from collections import deque
from collections.abc import Iterable

from linly.llm.v1 import llm_pb2

_USER = llm_pb2.ROLE_USER
_ASSISTANT = llm_pb2.ROLE_ASSISTANT


class History:
    """The conversation as the language model is to see it: only what was really heard."""

    def __init__(self, instruction: str, messages: Iterable[llm_pb2.Message], limit: int) -> None:
        """Begins with the messages that the talk brought; keeps the last ``limit``."""
        self._system = llm_pb2.Message(role=llm_pb2.ROLE_SYSTEM, content=instruction)
        self._messages = deque(messages, maxlen=limit)

    def prompt(self, text: str) -> list[llm_pb2.Message]:
        """The conversation with one more message of the person.

        After the instruction the roles alternate, beginning with the person: the templates of
        many models accept nothing else.
        """
        prompt = [self._system]
        for message in (*self._messages, llm_pb2.Message(role=_USER, content=text)):
            if message.role == prompt[-1].role:  # nothing came of the message before it
                both = f"{prompt[-1].content}\n{message.content}"
                prompt[-1] = llm_pb2.Message(role=message.role, content=both)
            elif message.role == _USER or len(prompt) > 1:
                prompt.append(message)
        return prompt

    def add(self, said: str, heard: str) -> None:
        """A turn is over: what the person said, and how much of the reply they heard."""
        if said:
            self._messages.append(llm_pb2.Message(role=_USER, content=said))
        if heard:
            self._messages.append(llm_pb2.Message(role=_ASSISTANT, content=heard))

    def forget_older_half(self) -> bool:
        """For a model that can't hold all of it; False if there was nothing to forget."""
        known = len(self._messages)
        for _ in range((known + 1) // 2):
            self._messages.popleft()
        return known > 0
