"""One speech on its way through the animator."""

from collections.abc import Callable, Sequence

from linly.animator.v1 import animator_pb2
from linly.common.v1 import common_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_orchestrator.channel import Channel

_INCOMING = 8
"""Messages of frames that may wait for their time; then the animator waits."""
_DUE = 0.5
"""Seconds of audio that the animator may hold before frames are due: more than it looks ahead."""

Request = animator_pb2.StreamingAnimateRequest
Response = animator_pb2.StreamingAnimateResponse


class AnimatedSpeech:
    """What was given of it, and the frames that came back."""

    def __init__(
        self,
        speech_id: str,
        outgoing: Channel[Request],
        arrived: Callable[[animator_pb2.Frames], None],
    ) -> None:
        """Made by ``Animation.speech``."""
        self.speech_id = speech_id
        self.arrived = arrived
        """Told of frames as they arrive, before they wait for their time."""
        self.frames: Channel[animator_pb2.Frames] = Channel(_INCOMING)
        """Frames up to the end of the speech."""
        self.begun = False
        """Whether the animator knows of it."""
        self.given = 0.0
        """Seconds of audio written to the animator."""
        self.taken = 0.0
        """Where the last frame lay that came back, in seconds."""
        self.ended = False
        """Whether the animator knows that it is complete."""
        self.shown = False
        """Whether frames of it have come."""
        self._outgoing = outgoing
        self._unanswered: list[Request] = []

    def passed_on(self, request: Request, seconds: float) -> None:
        """A request of it, with so many seconds of audio, goes to the animator."""
        self.begun = True
        self.given += seconds
        self.ended |= request.HasField("end_speech")
        if not self.shown:
            self._unanswered.append(request)

    def presented(self, frames: animator_pb2.Frames) -> None:
        """Frames of it have come."""
        self.shown = True
        self.taken = to_seconds(frames.frames[-1].offset)
        self._unanswered.clear()

    def unanswered(self) -> Sequence[Request]:
        """What was given of it before any frame came: at most what the animator may hold."""
        return tuple(self._unanswered)

    @property
    def due(self) -> bool:
        """Whether the animator owes frames of it."""
        return self.ended or self.given - self.taken > _DUE

    def owns(self, request: Request) -> bool:
        """Whether a request is a part of it."""
        kind = request.WhichOneof("request")
        return kind in ("speech", "end_speech", "skip") and (
            getattr(request, kind).speech_id == self.speech_id
        )

    def gave(self, response: Response) -> bool:
        """Whether a response is a part of it."""
        kind = response.WhichOneof("response")
        return kind in ("frames", "speech_ended") and (
            getattr(response, kind).speech_id == self.speech_id
        )

    async def write(self, audio: bytes, visemes: Sequence[common_pb2.VisemeTiming]) -> None:
        """More audio with the visemes that begin in it."""
        speech = animator_pb2.SpeechInput(speech_id=self.speech_id, audio=audio, visemes=visemes)
        await self._outgoing.put(Request(speech=speech))

    async def end(self) -> None:
        """The speech is complete."""
        await self._outgoing.put(
            Request(end_speech=animator_pb2.EndSpeech(speech_id=self.speech_id))
        )

    def skip(self, offset: float) -> None:
        """Frames before ``offset`` seconds would be late."""
        message = animator_pb2.Skip(speech_id=self.speech_id, offset=to_duration(offset))
        self._outgoing.put_now(Request(skip=message))
