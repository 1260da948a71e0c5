"""What the service knows of language models, and what an engine has to do."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from linly_mesh.timing import Timing
from linly_mesh.workload import Workload


class Role(StrEnum):
    """Who says a message; the values are those of chat templates."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    """Who says it."""
    content: str
    """What is said."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float
    """0 takes the likeliest token every time."""
    top_p: float
    """Choose among the likeliest tokens that make up this probability, in (0, 1]."""
    top_k: int
    """Choose among this many likeliest tokens, at least 1."""
    seed: int
    """Together with the prompt and the other fields it determines the reply."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation to continue; valid in itself, but perhaps too long for the model."""

    messages: tuple[Message, ...]
    """Oldest first; at least one, the last not from the assistant."""
    sampling: Sampling
    """How tokens are chosen."""
    stop: tuple[str, ...]
    """The reply ends before the first of these; none is empty."""
    max_new_tokens: int
    """The most tokens to make, at least 1."""


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of the reply."""

    text: str
    """Whole code points, never empty."""
    elapsed: float
    """Seconds since the prompt was complete."""
    timing: Timing | None = None
    """In the first delta."""


class FinishReason(Enum):
    """Why a reply is over."""

    STOP = auto()
    LENGTH = auto()


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a reply."""

    reason: FinishReason
    """STOP: the model or a stop string ended it. LENGTH: the limit of tokens was reached."""
    prompt_tokens: int
    """Tokens of the prompt, chat template included."""
    completion_tokens: int
    """Tokens of the reply."""
    elapsed: float
    """Seconds from the prompt to the end."""


class PromptTooLongError(Exception):
    """The prompt leaves no room for a reply."""


class PromptRejectedError(Exception):
    """The model's chat template refuses this order of messages."""


class QueueFullError(Exception):
    """As many prompts wait as may wait."""


class ModelRestartedError(Exception):
    """The model failed while it worked on the prompt, and is started again."""


class Engine(Protocol):
    """A language model that answers several prompts at once."""

    workload: Workload
    """Counts prompts."""

    @property
    def model(self) -> str:
        """Name of the model. Known once started, like the properties below."""

    @property
    def context_tokens(self) -> int:
        """The most tokens of prompt and reply together."""

    @property
    def max_concurrency(self) -> int:
        """How many prompts are worked on at once; more wait."""

    async def start(self) -> None:
        """Loads the model and warms it up.

        Raises:
            ConfigurationError: the model can't be loaded as it is configured.
        """

    async def stop(self) -> None:
        """Unloads the model; prompts that still run fail."""

    def generate(self, prompt: Prompt) -> AsyncGenerator[Delta | Finished]:
        """Continues the conversation: deltas, then exactly one ``Finished``.

        Closing the generator or cancelling its consumer stops the model at its next step;
        the close returns when the prompt has left the model.

        Raises:
            PromptTooLongError: nothing was made.
            PromptRejectedError: nothing was made.
            QueueFullError: nothing was made.
            ModelRestartedError: at any time.
        """
