"""From a conversation to the model's tokens."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from linly_llm.engine import Message, PromptRejectedError, PromptTooLongError

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n"
    "{% endfor %}Assistant:"
)
"""For a model without a chat template: a transcript, as such models know it from their texts."""
PLAIN_STOP = "\nUser:"
"""Where a model that continues a transcript begins to speak for the person."""


class PromptEncoder:
    """Applies a model's chat template and tokenises the result."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        """Encodes for a model that takes prompts of at most ``max_tokens``."""
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._template = None if tokenizer.chat_template else PLAIN_TEMPLATE
        self._special = sorted(
            {t.content for t in tokenizer.added_tokens_decoder.values() if t.special},
            key=len,
            reverse=True,
        )
        self._longest_token = max(map(len, tokenizer.get_vocab()))

    @property
    def stop(self) -> tuple[str, ...]:
        """Stop strings that the template needs."""
        return (PLAIN_STOP,) if self._template else ()

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The conversation as token ids, ready for the assistant to speak.

        Raises:
            PromptTooLongError: more than ``max_tokens``.
            PromptRejectedError: the template refuses the messages.
        """
        characters = sum(len(message.content) for message in messages)
        if characters > self._max_tokens * self._longest_token:
            raise PromptTooLongError  # without spending seconds on tokenising megabytes
        conversation = [
            {"role": message.role.value, "content": self._neutralise(message.content)}
            for message in messages
        ]
        try:
            tokens: list[int] = self._tokenizer.apply_chat_template(
                conversation,
                chat_template=self._template,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
            )
        except TemplateError as error:
            raise PromptRejectedError(str(error)) from error
        if len(tokens) > self._max_tokens:
            raise PromptTooLongError
        return tokens

    def _neutralise(self, content: str) -> str:
        """Breaks every spelling of a special token, so that content can't end its turn.

        A space goes in rather than the token out: what is left after a removal may spell a
        special token again.
        """
        for token in self._special:
            content = content.replace(token, f"{token[0]} {token[1:]}")
        return content
