"""A step that nobody wants is broken off; one that anybody wants is not."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from .llm_service import greedy


class StandStill:
    """Stops the model between its two layers while ``requests`` take part in the step."""

    def __init__(self, service) -> None:
        self._service = service
        self._inside, self._go_on = threading.Event(), threading.Event()
        self.requests = 0
        self.second_layer = 0
        """Steps that came to the second layer since the model stood still."""

    @contextmanager
    def installed(self) -> Iterator[None]:
        first, second = self._service.engine._batch._model.model.layers
        hooks = [first.register_forward_hook(self._after_first)]
        hooks.append(second.register_forward_hook(self._after_second))
        try:
            yield
        finally:
            self._go_on.set()
            for hook in hooks:
                hook.remove()

    def _after_first(self, *_) -> None:
        if len(self._batch()) == self.requests and not self._go_on.is_set():
            self.second_layer = 0
            self._inside.set()
            self._go_on.wait(30)

    def _after_second(self, *_) -> None:
        self.second_layer += 1

    def _batch(self) -> list:
        manager = self._service.engine._batch._manager
        return manager.batch_processor.inputs_and_outputs.requests_in_batch

    @asynccontextmanager
    async def cancelling(self, *calls) -> AsyncIterator[None]:
        """The model stands still and the cancels of ``calls`` have reached the engine."""
        await asyncio.to_thread(self._inside.wait, 10)
        requests = list(self._service.engine._batch._requests.values())
        for call in calls:
            call.cancel()
        async with asyncio.timeout(10):
            while sum(request.cancelled for request in requests) < len(calls):
                await asyncio.sleep(0.001)
        yield
        self._go_on.set()


@pytest.fixture
def model(tiny) -> Iterator[StandStill]:
    model = StandStill(tiny)
    with model.installed():
        yield model


async def test_a_step_that_nobody_wants_is_not_finished(tiny, model):
    expected = (await tiny.reply("hello", sampling=greedy(), max_new_tokens=20)).text
    model.requests = 1
    async with model.cancelling(tiny.call("hello", max_new_tokens=400)):
        pass
    await tiny.idle()
    assert model.second_layer == 0
    # nothing of the broken step is taken for the beginning of another prompt
    assert (await tiny.reply("hello", sampling=greedy(), max_new_tokens=20)).text == expected


async def test_a_step_that_one_still_wants_is_finished(tiny, model):
    alone = (await tiny.reply("good day", sampling=greedy(), max_new_tokens=60)).text
    model.requests = 2
    unwanted = tiny.call("hello", max_new_tokens=400)
    wanted = asyncio.create_task(tiny.reply("good day", sampling=greedy(), max_new_tokens=60))
    async with model.cancelling(unwanted):
        pass
    assert (await wanted).text == alone
    assert model.second_layer > 0
    await tiny.idle()


async def test_broken_steps_cost_no_room_in_the_cache(tiny, model):
    for _ in range(30):  # each would hold a sixth of the cache
        model.requests, model._inside, model._go_on = 1, threading.Event(), threading.Event()
        async with model.cancelling(tiny.call("x" * 60, max_new_tokens=300)):
            pass
        await tiny.idle()
    assert len((await tiny.reply("hi", max_new_tokens=400)).text) == 400
