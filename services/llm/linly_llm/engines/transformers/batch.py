"""Several requests at once, by transformers' continuous batching."""

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.requests import GenerationOutput, RequestStatus
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING, FIFOScheduler

from linly_llm.engine import ModelRestartedError, Sampling
from linly_llm.engines.transformers.breaking import breaking_off
from linly_llm.engines.transformers.request import BatchRequest, Progress
from linly_llm.engines.transformers.sampling import per_request_sampling

_log = logging.getLogger(__name__)

_PAGE = 16
"""Tokens in a page of the cache; also how finely a prompt's known beginning is shared."""
_POLL = 0.1
"""Seconds after which the delivering thread looks whether the generation thread still lives."""
_RESTART_PAUSE = 0.5
"""Seconds before a generation loop that failed is replaced, so that one which fails at once
does not take the processor from everybody."""


class _ReportingScheduler(FIFOScheduler):  # type: ignore[misc]  # untyped
    """Tells a cancelled request when it has left the batch; the manager itself tells nobody.

    It looks at the requests themselves: the manager's queue of cancels may be read before the
    request that a cancel means, which would then run on.
    """

    def clear_cancelled_requests(self) -> list[Any]:
        for state in (*self.active_requests.values(), *self.waiting_requests.values()):
            if state.logit_processor_kwargs["request"].cancelled:
                self.set_request_cancellation(state.request_id)
        states: list[Any] = super().clear_cancelled_requests()
        for state in states:
            state.logit_processor_kwargs["request"].leave()
        return states


SCHEDULER_MAPPING["linly_reporting"] = _ReportingScheduler


class ContinuousBatch:
    """Owns transformers' manager: starts it, feeds it, and replaces it when it has died.

    All of the manager's life is in one thread, which also takes its results to the event
    loop. An exception in a step of the model ends the generation thread for all its requests;
    they fail with ModelRestartedError and a new manager is started.
    """

    def __init__(
        self, model: Any, *, cache_tokens: int, batch_tokens: int, max_requests: int
    ) -> None:
        """Describes the batch.

        Args:
            model: a causal language model of transformers.
            cache_tokens: what the cache holds; rounded down to whole pages.
            batch_tokens: the most tokens in one step.
            max_requests: the most requests in one step.
        """
        self._model = model
        self._blocks = cache_tokens // _PAGE
        self._batch_tokens = batch_tokens
        self._max_requests = max_requests
        self._ids = itertools.count()
        self._requests: dict[str, BatchRequest] = {}
        self._manager: Any = None
        self._ready = asyncio.Event()
        self._stopping = threading.Event()
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def cache_tokens(self) -> int:
        """The most tokens that one request may come to."""
        return self._blocks * _PAGE

    async def start(self) -> None:
        """Returns when requests are taken; raises what transformers raises at its first start."""
        self._supervisor = asyncio.create_task(self._supervise())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._supervisor, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._supervisor

    async def stop(self) -> None:
        """Fails what still runs and ends the threads."""
        self._stopping.set()
        if self._supervisor is not None:
            await self._supervisor

    async def generate(
        self, prompt: Sequence[int], max_new_tokens: int, end: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Progress]:
        """Yields the progress of a new request, the last time when it has finished.

        Args:
            prompt: token ids; with ``max_new_tokens`` at most ``cache_tokens``. A longer one
                would end the generation thread for everybody.
            max_new_tokens: the most tokens to make.
            end: tokens that end the reply.
            sampling: how tokens are chosen.

        Raises:
            ModelRestartedError: the generation loop failed.
        """
        manager = self._manager
        request = BatchRequest(sampling)
        identity = str(next(self._ids))
        if manager is None or not manager.add_request(
            list(prompt),
            request_id=identity,
            max_new_tokens=max_new_tokens,
            eos_token_id=list(end),
            streaming=True,
            request=request,
        ):
            raise ModelRestartedError
        self._requests[identity] = request
        try:
            while True:
                await request.changed.wait()
                request.changed.clear()
                progress = request.progress
                if progress is None:
                    raise ModelRestartedError
                yield progress
                if progress.finished:
                    return
        finally:
            if not request.left.is_set():
                request.cancelled = True
                manager.cancel_request(identity)  # wakes the generation thread
                await request.left.wait()  # the step that runs is its last
            del self._requests[identity]

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            try:
                await asyncio.to_thread(self._run_manager, loop)
            except Exception:
                if not self._ready.is_set():
                    raise
                _log.exception("the generation loop could not be run")
            self._manager = None
            for request in self._requests.values():
                request.fail()
            if not self._stopping.is_set():
                _log.error("the generation loop has died; a new one is started")
                await asyncio.sleep(_RESTART_PAUSE)

    def _run_manager(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs one manager until it dies or is to stop; in a thread of its own."""
        manager = self._model.init_continuous_batching(
            generation_config=GenerationConfig(do_sample=False, eos_token_id=-1),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=_PAGE,
                num_blocks=self._blocks,
                max_batch_tokens=self._batch_tokens,
                max_requests_per_batch=self._max_requests,
                scheduler_type="linly_reporting",
                use_async_batching=False,  # per-request sampling looks at each step's logits
                use_cuda_graph=False,  # likewise
            ),
        )
        manager.logit_processor = per_request_sampling()
        with breaking_off(self._model, manager):
            self._serve(manager, loop)

    def _serve(self, manager: Any, loop: asyncio.AbstractEventLoop) -> None:
        manager.start()
        loop.call_soon_threadsafe(self._opened, manager)
        while manager.is_running() and not self._stopping.is_set():
            output = manager.get_result(timeout=_POLL)
            if output is not None:
                loop.call_soon_threadsafe(self._deliver, output)
        manager.stop(block=True, hard_stop=True)

    def _opened(self, manager: Any) -> None:
        self._manager = manager
        self._ready.set()

    def _deliver(self, output: GenerationOutput) -> None:
        request = self._requests.get(output.request_id)
        if request is None:
            return  # it was cancelled, and this token was already made
        if output.status == RequestStatus.FAILED:
            request.fail()
            return
        request.update(Progress(output.generated_tokens, output.lifespan[0], output.is_finished()))
