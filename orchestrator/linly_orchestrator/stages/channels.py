"""Where the four services are."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from linly.animator.v1 import animator_pb2
from linly.asr.v1 import asr_pb2
from linly.llm.v1 import llm_pb2
from linly.tts.v1 import tts_pb2
from linly_mesh.rpc.channel import open_channel
from linly_mesh.telemetry.rpc import ClientMetrics
from linly_orchestrator.config import Settings
from linly_orchestrator.stages.limits import StageLimits


@dataclass(frozen=True)
class Stages:
    """A channel to each service, shared by all talks."""

    asr: grpc.aio.Channel
    llm: grpc.aio.Channel
    tts: grpc.aio.Channel
    animator: grpc.aio.Channel
    limits: StageLimits

    @classmethod
    def open(cls, settings: Settings, metrics: ClientMetrics | None = None) -> "Stages":
        """Opens the channels; they connect when they are first used.

        ``metrics``: counts the calls that are made through them.
        """
        return cls(
            asr=open_channel(settings.asr_target, metrics=metrics),
            llm=open_channel(settings.llm_target, metrics=metrics),
            tts=open_channel(settings.tts_target, metrics=metrics),
            animator=open_channel(settings.animator_target, metrics=metrics),
            limits=StageLimits(
                connect=settings.connect_limit,
                first_output=settings.first_output_limit,
                gap=settings.gap_limit,
            ),
        )

    @staticmethod
    def services() -> Sequence[ServiceDescriptor]:
        """What is called through the channels."""
        return [
            module.DESCRIPTOR.services_by_name[name]
            for module, name in (
                (asr_pb2, "AsrService"),
                (llm_pb2, "LlmService"),
                (tts_pb2, "TtsService"),
                (animator_pb2, "AnimatorService"),
            )
        ]

    async def close(self) -> None:
        """Closes the channels."""
        for channel in (self.asr, self.llm, self.tts, self.animator):
            await channel.close()
