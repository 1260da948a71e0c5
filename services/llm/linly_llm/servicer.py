"""The contract ``linly.llm.v1``."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

import grpc

from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly_llm.config import Settings
from linly_llm.convert import to_prompt, to_response
from linly_llm.engine import (
    Engine,
    Finished,
    ModelRestartedError,
    PromptRejectedError,
    PromptTooLongError,
    QueueFullError,
)
from linly_llm.metrics import LlmMetrics
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.server import Registration

_RETRY_AFTER = 1.0
"""Seconds: about the time that a reply of one sentence takes."""


class LlmServicer(llm_pb2_grpc.LlmServiceServicer):
    """Checks requests, has the engine answer them, and names its failures."""

    def __init__(self, engine: Engine, settings: Settings, metrics: LlmMetrics) -> None:
        """Answers with a started engine."""
        self._metrics = metrics
        self._engine = engine
        self._settings = settings

    async def Generate(  # noqa: N802
        self, request: llm_pb2.GenerateRequest, context: Any
    ) -> AsyncGenerator[llm_pb2.GenerateResponse]:
        """Streams a reply."""
        prompt = to_prompt(request, self._settings)
        try:
            async with aclosing(self._engine.generate(prompt)) as parts:
                async for part in parts:
                    if isinstance(part, Finished):
                        self._metrics.finished(part)
                    else:
                        self._metrics.gave(part.timing)
                    yield to_response(part)
        except PromptTooLongError:
            raise invalid_argument(
                "messages",
                f"prompt and reply must fit in {self._engine.context_tokens} tokens",
                reason="PROMPT_TOO_LONG",
            ) from None
        except PromptRejectedError as error:
            raise invalid_argument("messages", str(error), reason="PROMPT_REJECTED") from None
        except QueueFullError:
            raise ServiceError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "QUEUE_FULL",
                f"{self._settings.max_waiting} prompts are waiting already",
                retry_after=_RETRY_AFTER,
            ) from None
        except ModelRestartedError:
            raise ServiceError(
                grpc.StatusCode.UNAVAILABLE,
                "MODEL_RESTARTED",
                "the model failed and is started again",
                retry_after=_RETRY_AFTER,
            ) from None

    async def GetCapabilities(  # noqa: N802
        self, request: llm_pb2.GetCapabilitiesRequest, context: Any
    ) -> llm_pb2.GetCapabilitiesResponse:
        """Describes the service."""
        return llm_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(
                name="llm",
                version=version("linly-llm"),
                engine=self._settings.engine,
                model=self._engine.model,
                max_concurrency=self._engine.max_concurrency,
            ),
            context_tokens=self._engine.context_tokens,
            max_new_tokens=self._settings.max_new_tokens,
        )


def registration(engine: Engine, settings: Settings, metrics: LlmMetrics) -> Registration:
    """The servicer, ready to be served."""
    return Registration(
        service=llm_pb2.DESCRIPTOR.services_by_name["LlmService"],
        servicer=LlmServicer(engine, settings, metrics),
        add=llm_pb2_grpc.add_LlmServiceServicer_to_server,
    )
