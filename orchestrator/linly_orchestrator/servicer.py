"""linly.talk.v1.TalkService."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.draining import Draining, replaced
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.status import trailing_metadata
from linly_mesh.workload import Workload
from linly_orchestrator import __version__
from linly_orchestrator.config import Settings
from linly_orchestrator.metrics import TalkMetrics
from linly_orchestrator.preparation import check
from linly_orchestrator.stages.channels import Stages
from linly_orchestrator.talk import Talk
from linly_orchestrator.turn import status_of

_log = logging.getLogger(__name__)
_STAGE_ANSWER_LIMIT = 2.0
"""Seconds that a stage gets to describe itself."""

_Context = grpc.aio.ServicerContext[Any, Any]


class TalkServicer(talk_pb2_grpc.TalkServiceServicer):
    """Admits talks and passes their events on."""

    def __init__(
        self,
        settings: Settings,
        stages: Stages,
        workload: Workload,
        draining: Draining,
        metrics: TalkMetrics,
    ) -> None:
        """Serves with the services behind ``stages``; ``draining`` ends talks between turns."""
        self._metrics = metrics
        self._draining = draining
        self._settings = settings
        self._stages = stages
        self._workload = workload
        self._talks = 0

    async def Converse(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[talk_pb2.ConverseRequest], context: _Context
    ) -> None:
        """One talk."""
        if self._talks >= self._settings.max_talks:
            raise ServiceError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "TOO_MANY_TALKS",
                f"{self._settings.max_talks} talks are running already",
                retry_after=1.0,
            )
        self._talks += 1
        self._metrics.sessions.set(self._talks)
        try:
            reader = RequestReader(request_iterator)
            config = (await reader.config()).config
            check(config)
            talk = Talk(
                config, self._settings, self._stages, self._workload, context.time_remaining
            )
            await self._converse(talk, reader, context)
        finally:
            self._talks -= 1
            self._metrics.sessions.set(self._talks)

    async def _converse(
        self, talk: Talk, reader: RequestReader[talk_pb2.ConverseRequest], context: _Context
    ) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(talk.run(reader))
                watching = group.create_task(_end_at_rest(talk, reader, self._draining))
                async for event in talk.events():
                    await context.write(event)
                    self._metrics.left(event)
                watching.cancel()
        except ExceptionGroup as failures:
            status = status_of(failures)
            if status is None:
                raise _our_own(failures) from None
            code = next(c for c in grpc.StatusCode if c.value[0] == status.code)
            await context.abort(code, status.message, trailing_metadata(status))

    async def GetCapabilities(  # noqa: N802  # gRPC's name
        self, request: talk_pb2.GetCapabilitiesRequest, context: _Context
    ) -> talk_pb2.GetCapabilitiesResponse:
        """Who answers, and which stages stand behind it."""
        service = common_pb2.ServiceInfo(
            name="talk", version=__version__, max_concurrency=self._settings.max_talks
        )
        asked: list[Any] = [
            (asr_pb2_grpc.AsrServiceStub(self._stages.asr), asr_pb2),
            (llm_pb2_grpc.LlmServiceStub(self._stages.llm), llm_pb2),
            (tts_pb2_grpc.TtsServiceStub(self._stages.tts), tts_pb2),
            (animator_pb2_grpc.AnimatorServiceStub(self._stages.animator), animator_pb2),
        ]
        answers = await asyncio.gather(*(_describe(stub, module) for stub, module in asked))
        stages = [answer for answer in answers if answer is not None]
        return talk_pb2.GetCapabilitiesResponse(service=service, stages=stages)


async def _end_at_rest(
    talk: Talk, reader: RequestReader[talk_pb2.ConverseRequest], draining: Draining
) -> None:
    await draining.begun()
    await talk.at_rest()
    if not reader.ended:  # else it ends by itself
        talk.end(replaced())


def _our_own(failure: Exception) -> Exception:
    """The first failure that is not a stage's: wrong messages, or a defect."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return failure


async def _describe(stub: Any, module: Any) -> common_pb2.ServiceInfo | None:
    try:
        answer = await stub.GetCapabilities(
            module.GetCapabilitiesRequest(), timeout=_STAGE_ANSWER_LIMIT
        )
    except grpc.aio.AioRpcError:
        return None  # a stage that does not answer is not listed
    return answer.service  # type: ignore[no-any-return]  # stubs are typed loosely
