"""A language model that says what the test says it says."""

import asyncio
from collections.abc import AsyncIterator

from fake_stages.clock import Clock

from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2, llm_pb2_grpc
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.server import Registration
from linly_mesh.workload import Workload

_Response = llm_pb2.GenerateResponse


class FakeLlm(llm_pb2_grpc.LlmServiceServicer):
    """Streams a fixed reply, token by token."""

    def __init__(self) -> None:
        self.workload = Workload()
        self.tokens: list[str] = ["Hello ", "there. ", "How ", "are ", "you?"]
        self.first_token = 0.0
        """Seconds to the first token."""
        self.per_token = 0.0
        """Seconds from token to token."""
        self.error: ServiceError | None = None
        self.fail_after: int | None = None
        """Raises ``error`` after this many tokens instead of at once."""
        self.pause_after: tuple[int, float] | None = None
        """Says nothing for some seconds after so many tokens."""
        self.silent_after: int | None = None
        """Says nothing more after this many tokens."""
        self.context: int | None = None
        """Messages that a prompt may have."""
        self.prompts: list[list[tuple[int, str]]] = []
        self.deadlines: list[float | None] = []
        self.metadata: list[dict[str, str]] = []
        """What came with each call."""

    @property
    def registration(self) -> Registration:
        return Registration(
            llm_pb2.DESCRIPTOR.services_by_name["LlmService"],
            self,
            llm_pb2_grpc.add_LlmServiceServicer_to_server,
        )

    async def Generate(self, request, context) -> AsyncIterator[_Response]:
        self.prompts.append([(m.role, m.content) for m in request.messages])
        self.deadlines.append(context.time_remaining())
        self.metadata.append(dict(context.invocation_metadata()))
        if self.error is not None and self.fail_after is None:
            raise self.error
        if self.context is not None and len(request.messages) > self.context:
            raise invalid_argument("messages", "too many", reason="PROMPT_TOO_LONG")
        clock = Clock()
        elapsed = 0.0
        with self.workload.unit() as unit:
            unit.begin()
            for index, token in enumerate(self.tokens):
                if index == self.silent_after:
                    await asyncio.Event().wait()
                if index == self.fail_after:
                    raise self.error
                step = self.per_token if index else self.first_token
                if self.pause_after is not None and index == self.pause_after[0]:
                    step += self.pause_after[1]
                await clock.advance(step)
                elapsed += step
                delta = llm_pb2.Delta(text=token, elapsed=to_duration(elapsed))
                if index == 0:
                    delta.timing.first_output.CopyFrom(to_duration(self.first_token))
                yield _Response(delta=delta)
            usage = llm_pb2.Usage(prompt_tokens=1, completion_tokens=len(self.tokens))
            reason = llm_pb2.FINISH_REASON_STOP
            yield _Response(
                finished=llm_pb2.Finished(
                    finish_reason=reason, usage=usage, elapsed=to_duration(elapsed)
                )
            )

    async def GetCapabilities(self, request, context) -> llm_pb2.GetCapabilitiesResponse:
        return llm_pb2.GetCapabilitiesResponse(
            service=common_pb2.ServiceInfo(name="llm", version="0.1.0", engine="fake")
        )
