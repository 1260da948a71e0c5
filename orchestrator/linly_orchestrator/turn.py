"""One turn of a talk: what it begins with and how it ends."""

from dataclasses import dataclass, field

import grpc
from google.rpc.status_pb2 import Status

from linly.asr.v1 import asr_pb2
from linly.talk.v1 import talk_pb2
from linly_orchestrator.channel import Channel
from linly_orchestrator.playback import Playback, PlaybackStalledError
from linly_orchestrator.reply import Reply
from linly_orchestrator.stages.errors import StageError, make_status
from linly_orchestrator.timeline import Timeline

_HEARD = 64
"""Results of one utterance that may wait for their turn; interim ones are superseded anyway."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the recogniser makes of the person's speech, so far or for good."""

    text: str
    is_final: bool
    likely_final: bool = False
    """The person has been silent long enough that a reply may be prepared."""
    confidence: float | None = None


@dataclass(slots=True)
class Turn:
    """Made when its input begins, performed when it is its turn."""

    number: int
    """From 1, in the order in which the turns of a talk begin."""
    cause: "talk_pb2.TurnStarted.Cause"
    playback: Playback
    text: str = ""
    """What the person typed or said, or what is to be spoken."""
    incoming: Channel[asr_pb2.SpeechEvent | Utterance] = field(
        default_factory=lambda: Channel(_HEARD)
    )
    """For a spoken turn: what is heard, up to the final transcript."""
    timeline: Timeline = field(default_factory=Timeline)
    reply: Reply | None = None
    """Its reply; the last one prepared, if there were several."""
    replies: int = 0
    """Replies prepared so far."""
    refused: Status | None = None
    """Why it can't be performed at all."""
    interrupted: bool = False
    heard: str = ""
    """The part of the reply that was heard, once the turn is over."""

    @property
    def turn_id(self) -> str:
        """Its name towards the client."""
        return f"t{self.number}"

    def heard_until(self, played: float) -> str:
        """How much of the reply was heard when playback stopped after ``played`` seconds."""
        return self.reply.heard(played) if self.reply is not None else ""

    def metrics(self) -> talk_pb2.TurnMetrics:
        """How it went."""
        return self.timeline.metrics(self.playback.sent or None)


def no_speech() -> StageError:
    """Audio ended, or an utterance did, without any words."""
    code = grpc.StatusCode.INVALID_ARGUMENT
    return StageError(make_status(code, "asr", "NO_SPEECH", "no speech was heard in the audio"))


def interrupted_status() -> Status:
    """How a turn ends that was interrupted."""
    code = grpc.StatusCode.CANCELLED
    return make_status(code, "talk", "INTERRUPTED", "the turn was interrupted")


def status_of(error: BaseException) -> Status | None:
    """What a failure within a turn tells the client; None for one that is a defect of ours."""
    if isinstance(error, BaseExceptionGroup):
        found = (status_of(inner) for inner in error.exceptions)
        return next((status for status in found if status is not None), None)
    if isinstance(error, StageError):
        return error.status
    if isinstance(error, PlaybackStalledError):
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        message = "the client stopped reporting its playback"
        return make_status(code, "talk", "PLAYBACK_STALLED", message)
    return None
