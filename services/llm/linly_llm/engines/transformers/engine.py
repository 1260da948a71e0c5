"""The engine ``transformers``."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import perf_counter
from typing import Any

from linly_llm.admission import Admission
from linly_llm.config import Settings
from linly_llm.engine import (
    Delta,
    Finished,
    FinishReason,
    Message,
    ModelRestartedError,
    Prompt,
    Role,
    Sampling,
)
from linly_llm.engines.transformers.batch import ContinuousBatch
from linly_llm.engines.transformers.loading import load, model_name
from linly_llm.engines.transformers.prompt import PromptEncoder
from linly_llm.engines.transformers.reply import Reply
from linly_llm.engines.transformers.request import Progress
from linly_mesh.errors import ConfigurationError
from linly_mesh.timing import Timing
from linly_mesh.workload import Workload

_WARM_UP = (Message(Role.SYSTEM, "You are brief."), Message(Role.USER, "Hello! Who are you?"))
_GREEDY = Sampling(temperature=0, top_p=1, top_k=1, seed=0)


class TransformersEngine:
    """Answers with a causal language model of Hugging Face, several prompts at once."""

    def __init__(self, settings: Settings) -> None:
        """Loads nothing yet."""
        self.workload = Workload()
        self._settings = settings
        self._admission = Admission(settings.max_concurrency, settings.max_waiting)

    @property
    def model(self) -> str:
        """Name of the model."""
        return model_name(self._settings)

    @property
    def context_tokens(self) -> int:
        """What the model and the cache both hold."""
        return self._context_tokens

    @property
    def max_concurrency(self) -> int:
        """Prompts in the batch at once."""
        return self._settings.max_concurrency

    async def start(self) -> None:
        """Loads the model and answers a few prompts, so that the first caller waits no longer."""
        model, self._tokenizer = await asyncio.to_thread(load, self._settings)
        self._batch = ContinuousBatch(
            model,
            cache_tokens=self._settings.cache_tokens,
            batch_tokens=self._settings.batch_tokens,
            max_requests=self._settings.max_concurrency,
        )
        known = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._context_tokens = min(known or self._batch.cache_tokens, self._batch.cache_tokens)
        self._encoder = PromptEncoder(self._tokenizer, max_tokens=self._context_tokens - 1)
        self._end = _end_tokens(model, self._tokenizer)
        try:
            await self._batch.start()
            await asyncio.gather(*(self._warm_up() for _ in range(self.max_concurrency)))
        except (ModelRestartedError, ValueError) as error:
            await self._batch.stop()
            raise ConfigurationError(
                f"the model '{self.model}' can't answer in a batch: {error or 'see the log'}"
            ) from error

    async def stop(self) -> None:
        """Ends the batch and its threads."""
        await self._batch.stop()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Delta | Finished]:
        """See ``Engine.generate``."""
        started = perf_counter()
        with self.workload.unit() as unit:
            tokens = await asyncio.to_thread(self._encoder.encode, prompt.messages)
            async with self._admission.place():
                unit.begin()
                async with aclosing(self._reply(prompt, tokens, started)) as parts:
                    async for part in parts:
                        yield part

    async def _reply(
        self, prompt: Prompt, tokens: list[int], started: float
    ) -> AsyncGenerator[Delta | Finished]:
        room = min(prompt.max_new_tokens, self._context_tokens - len(tokens))
        reply = Reply(self._decode, self._end, (*prompt.stop, *self._encoder.stop))
        timing_is_due = True
        async with aclosing(
            self._batch.generate(tokens, room, self._end, prompt.sampling)
        ) as steps:
            async for progress in steps:
                text = reply.advance(progress.tokens, finished=progress.finished)
                if text:
                    elapsed = perf_counter() - started
                    timing = _timing(started, progress, elapsed) if timing_is_due else None
                    timing_is_due = False
                    yield Delta(text, elapsed, timing)
                if reply.stopped:
                    break
            yield Finished(
                reason=FinishReason.STOP if reply.stopped else FinishReason.LENGTH,
                prompt_tokens=len(tokens),
                completion_tokens=reply.tokens,
                elapsed=perf_counter() - started,
            )

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    async def _warm_up(self) -> None:
        tokens = self._encoder.encode(_WARM_UP)
        async with aclosing(self._batch.generate(tokens, 4, self._end, _GREEDY)) as steps:
            async for _ in steps:
                pass


def _timing(started: float, progress: Progress, elapsed: float) -> Timing:
    queue_wait = progress.taken_up - started
    return Timing(queue_wait=queue_wait, compute=elapsed - queue_wait, first_output=elapsed)


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end a reply: what the model says, and the end of a turn of its template."""
    known = model.generation_config.eos_token_id
    end = set(known) if isinstance(known, list) else {known}
    return sorted((end | {tokenizer.eos_token_id}) - {None})
