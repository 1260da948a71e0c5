"""The language model."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc

from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly.talk.v1 import talk_pb2
from linly_orchestrator.stages.errors import StallGuard, calling
from linly_orchestrator.stages.limits import StageLimits
from linly_orchestrator.stages.reaching import reach

STAGE = "llm"


class Language:
    """Asks the language model for replies."""

    def __init__(self, channel: grpc.aio.Channel, limits: StageLimits) -> None:
        """Calls over ``channel``."""
        self._stub = llm_pb2_grpc.LlmServiceStub(channel)
        self._limits = limits

    async def generate(
        self,
        messages: Sequence[llm_pb2.Message],
        config: talk_pb2.TalkConfig,
        timeout: float | None,
    ) -> AsyncGenerator[llm_pb2.GenerateResponse, None]:
        """Deltas and then the end of one reply; leaving the iteration stops the model.

        Raises:
            StageError: the model failed, or was silent for too long.
        """
        request = llm_pb2.GenerateRequest(messages=messages, sampling=config.sampling)
        if config.HasField("max_new_tokens"):
            request.max_new_tokens = config.max_new_tokens
        guard = StallGuard(STAGE, self._limits.first_output, self._limits.gap)
        guard.owe()
        async with AsyncExitStack() as stack:

            async def begin() -> tuple[Any, Any]:
                call = self._stub.Generate(request, timeout=timeout)
                stack.callback(call.cancel)
                return call, await guard.read(call.read)

            with calling(STAGE):
                call, response = await reach(STAGE, self._limits.connect, begin)
                while response is not grpc.aio.EOF:
                    yield response
                    response = await guard.read(call.read)
