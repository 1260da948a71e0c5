"""Where the four services are."""

from dataclasses import dataclass

import grpc

from linly_mesh.rpc.channel import open_channel
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
    def open(cls, settings: Settings) -> "Stages":
        """Opens the channels; they connect when they are first used."""
        return cls(
            asr=open_channel(settings.asr_target),
            llm=open_channel(settings.llm_target),
            tts=open_channel(settings.tts_target),
            animator=open_channel(settings.animator_target),
            limits=StageLimits(
                connect=settings.connect_limit,
                first_output=settings.first_output_limit,
                gap=settings.gap_limit,
            ),
        )

    async def close(self) -> None:
        """Closes the channels."""
        for channel in (self.asr, self.llm, self.tts, self.animator):
            await channel.close()
