"""How a client talks to the animator."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import grpc
import numpy as np
import numpy.typing as npt

from linly.animator.v1 import animator_pb2 as pb
from linly.common.v1 import common_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_mesh.rpc.status import bad_request, error_info, from_rpc_error

RATE = 16_000


def config(**fields: Any) -> pb.StreamingAnimateRequest:
    """H.264 at 256 x 256 unless told otherwise: small pictures make quick tests."""
    wanted = {
        "codec": pb.VIDEO_CODEC_H264, "width": 256, "height": 256, "sample_rate_hertz": RATE,
    } | fields  # fmt: skip
    return pb.StreamingAnimateRequest(config=pb.AnimationConfig(**wanted))


def speech(
    speech_id: str,
    samples: npt.NDArray[np.float64] | bytes,
    visemes: Iterable[tuple[str, float, float]] = (),
) -> pb.StreamingAnimateRequest:
    """Visemes are (name, start, duration) in seconds."""
    if not isinstance(samples, bytes):
        samples = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    timings = [
        common_pb2.VisemeTiming(
            viseme=common_pb2.Viseme.Value(f"VISEME_{name}"),
            offset=to_duration(start),
            duration=to_duration(duration),
        )
        for name, start, duration in visemes
    ]
    message = pb.SpeechInput(speech_id=speech_id, audio=samples, visemes=timings)
    return pb.StreamingAnimateRequest(speech=message)


def end_speech(speech_id: str) -> pb.StreamingAnimateRequest:
    return pb.StreamingAnimateRequest(end_speech=pb.EndSpeech(speech_id=speech_id))


def cancel_speech(speech_id: str) -> pb.StreamingAnimateRequest:
    return pb.StreamingAnimateRequest(cancel_speech=pb.CancelSpeech(speech_id=speech_id))


def skip(speech_id: str, seconds: float) -> pb.StreamingAnimateRequest:
    return pb.StreamingAnimateRequest(
        skip=pb.Skip(speech_id=speech_id, offset=to_duration(seconds))
    )


def key_frame() -> pb.StreamingAnimateRequest:
    return pb.StreamingAnimateRequest(key_frame=pb.KeyFrame())


def end() -> pb.StreamingAnimateRequest:
    return pb.StreamingAnimateRequest(end=pb.End())


@dataclass
class Animation:
    """All that a stream gave."""

    header: pb.AnimationHeader
    responses: list[pb.StreamingAnimateResponse] = field(default_factory=list)

    def frames(self, speech_id: str) -> list[pb.Frame]:
        """Those of one speech; of the empty id, the idle ones."""
        return [
            frame
            for response in self.responses
            if response.WhichOneof("response") == "frames"
            and response.frames.speech_id == speech_id
            for frame in response.frames.frames
        ]

    def kinds(self) -> list[str]:
        """What came, in order, runs of frames counted once."""
        kinds: list[str] = []
        for response in self.responses:
            kind = response.WhichOneof("response") or ""
            if kind == "frames":
                kind += f" {response.frames.speech_id}".rstrip()
            if not kinds or kinds[-1] != kind:
                kinds.append(kind)
        return kinds


async def animate(stub: Any, *requests: pb.StreamingAnimateRequest) -> Animation:
    """Sends everything, then reads everything."""

    async def sent() -> AsyncIterator[pb.StreamingAnimateRequest]:
        for request in requests:
            yield request

    responses = [response async for response in stub.StreamingAnimate(sent())]
    assert responses[0].WhichOneof("response") == "header"
    return Animation(responses[0].header, responses[1:])


async def create_avatar(stub: Any, image: bytes, chunk: int = 1 << 20) -> pb.CreateAvatarResponse:
    async def sent() -> AsyncIterator[pb.CreateAvatarRequest]:
        yield pb.CreateAvatarRequest(config=pb.AvatarConfig())
        for start in range(0, len(image), chunk):
            yield pb.CreateAvatarRequest(image=image[start : start + chunk])

    response: pb.CreateAvatarResponse = await stub.CreateAvatar(sent())
    return response


def decoded(frames: Sequence[pb.Frame]) -> list[npt.NDArray[np.uint8]]:
    """The pictures, BGR, of access units that begin with a key frame."""
    decoder = av.CodecContext.create("h264", "r")
    pictures = [p for frame in frames for p in decoder.decode(av.Packet(frame.data))]
    pictures += decoder.decode(None)
    return [picture.to_ndarray(format="bgr24") for picture in pictures]


def offsets(frames: Iterable[pb.Frame]) -> list[float]:
    return [to_seconds(frame.offset) for frame in frames]


@dataclass(frozen=True)
class Refusal:
    """How a call failed."""

    code: grpc.StatusCode
    reason: str
    field: str


def refusal(error: grpc.aio.AioRpcError) -> Refusal:
    status = from_rpc_error(error, "animator")
    info, request = error_info(status), bad_request(status)
    assert info is not None
    assert info.domain == "animator"
    field_name = request.field_violations[0].field if request else ""
    return Refusal(error.code(), info.reason, field_name)


def voice(seconds: float, start: float = 0.0) -> npt.NDArray[np.float64]:
    """A steady vowel."""
    time = start + np.arange(round(seconds * RATE)) / RATE
    return 0.15 * sum(np.sin(2 * np.pi * f * time) for f in (150, 750, 1200)) / 1.5
