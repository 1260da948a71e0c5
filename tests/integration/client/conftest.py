"""A talk service that plays a script, and media to play."""

import array
import asyncio
import math
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import grpc
import pytest

from linly.animator.v1 import animator_pb2
from linly.common.v1 import common_pb2
from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_client.events import Frame
from linly_mesh.errors import ServiceError
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.rpc.status import to_status
from linly_mesh.workload import Workload

RATE = 22050
FRAME_RATE = 25
Response = talk_pb2.ConverseResponse


def encode(count: int) -> list[Frame]:
    """Live H.264 of a brightening picture, the first frame a key frame."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width = encoder.height = 128
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, FRAME_RATE)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "1000"}
    packets = []
    for index in range(count):
        picture = av.VideoFrame(128, 128, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([16 + index]) * plane.buffer_size)
        picture.pts = index
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    duration = 1 / FRAME_RATE
    return [
        Frame(bytes(packet), index * duration, duration, packet.is_keyframe)
        for index, packet in enumerate(packets)
    ]


def make_tone(seconds: float, rate: int = RATE) -> bytes:
    count = round(seconds * rate)
    wave = (int(8000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    return array.array("h", wave).tobytes()


@pytest.fixture(scope="session")
def frames() -> list[Frame]:
    return encode(25)


@pytest.fixture(scope="session")
def tone():
    return make_tone


class ScriptedTalk(talk_pb2_grpc.TalkServiceServicer):
    """Answers every turn with one second of a tone and of a brightening picture.

    What it hears it takes for ``transcript``. Text turns do as they are told: "fail" fails the
    turn, "crash" ends the call, "wait" speaks until it is interrupted, the rest is repeated.
    """

    def __init__(self, frames: list[Frame]) -> None:
        self.frames = frames
        self.transcript = "what time is it"
        self.configs: list[talk_pb2.TalkConfig] = []
        self.requests: list[talk_pb2.ConverseRequest] = []
        self.opened = asyncio.Event()
        self._turn = 0
        self._config = talk_pb2.TalkConfig()

    async def Converse(self, request_iterator, context) -> AsyncIterator[Response]:
        reader = RequestReader(request_iterator)
        self._config = (await reader.config()).config
        self.configs.append(self._config)
        self.opened.set()
        yield self._started()
        heard = 0
        async for kind, request in reader:
            self.requests.append(request)
            match kind:
                case "audio":
                    heard += len(request.audio)
                case "end_of_audio" if heard and self.transcript:
                    heard = 0
                    for response in self._answer("SPEECH", "It is nine.", self.transcript):
                        yield response
                case "text" if request.text.text == "crash":
                    raise ServiceError(grpc.StatusCode.UNAVAILABLE, "CRASHED", "gone")
                case "text" if request.text.text == "fail":
                    yield self._begin("TEXT")
                    yield self._end("tts", grpc.StatusCode.INTERNAL, "BROKEN", "no voice")
                case "text" if request.text.text == "wait":
                    yield self._begin("TEXT")
                    yield self._event(reply_text=talk_pb2.ReplyText(text="Once upon"))
                case "text":
                    for response in self._answer("TEXT", f"You said {request.text.text}."):
                        yield response
                case "say":
                    for response in self._answer("SAY", request.say.text):
                        yield response
                case "interrupt":
                    yield self._event(interrupted=talk_pb2.Interrupted(spoken_text="Once"))
                    yield self._end("talk", grpc.StatusCode.CANCELLED, "INTERRUPTED", "")
                case _:
                    pass

    def _event(self, **kind) -> Response:
        return Response(turn_id=f"turn-{self._turn}", generation=self._turn, **kind)

    def _started(self) -> Response:
        output = self._config.output
        started = talk_pb2.TalkStarted()
        if output.HasField("audio"):
            started.audio.encoding = common_pb2.AUDIO_ENCODING_LINEAR16
            started.audio.sample_rate_hertz = RATE
        if output.HasField("video"):
            started.animation.codec_string = "avc1.42c00b"
            started.animation.frame_rate = FRAME_RATE
        return Response(started=started)

    def _begin(self, cause: str) -> Response:
        self._turn += 1
        return self._event(turn_started=talk_pb2.TurnStarted(cause=f"CAUSE_{cause}"))

    def _end(self, stage, code, reason, message) -> Response:
        status = to_status(ServiceError(code, reason, message), stage)
        return self._event(turn_ended=talk_pb2.TurnEnded(status=status))

    def _answer(self, cause: str, reply: str, transcript: str = ""):
        output = self._config.output
        yield self._begin(cause)
        if transcript:
            for final in (False, True):
                words = talk_pb2.Transcript(text=transcript, is_final=final)
                yield self._event(transcript=words)
        yield self._event(reply_text=talk_pb2.ReplyText(text=reply))
        for tenth in range(10):
            if output.HasField("audio"):
                yield self._event(audio=self._audio(tenth / 10))
            if output.HasField("video"):
                yield self._event(frames=self._frames(tenth / 10))
        stage = talk_pb2.StageMetrics(
            stage="tts", start=to_duration(0.01), first_output=to_duration(0.02)
        )
        metrics = talk_pb2.TurnMetrics(first_audio=to_duration(0.02), stages=[stage])
        yield self._event(turn_ended=talk_pb2.TurnEnded(metrics=metrics))

    def _audio(self, start: float) -> talk_pb2.SpeechAudio:
        return talk_pb2.SpeechAudio(
            audio=make_tone(0.1), offset=to_duration(start), duration=to_duration(0.1)
        )

    def _frames(self, start: float) -> animator_pb2.Frames:
        due = [f for f in self.frames if start - 1e-9 <= f.offset < start + 0.1 - 1e-9]
        return animator_pb2.Frames(
            frames=[
                animator_pb2.Frame(
                    data=frame.data,
                    offset=to_duration(frame.offset),
                    duration=to_duration(frame.duration),
                    key_frame=frame.key_frame,
                )
                for frame in due
            ]
        )


@pytest.fixture
def service(frames) -> ScriptedTalk:
    return ScriptedTalk(frames)


@pytest.fixture
async def serve(tmp_path, service):
    """Starts the service; called again, it starts it anew on the same socket."""
    servers = []
    address = f"unix:{tmp_path}/orchestrator.sock"
    described = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]

    async def start() -> str:
        for server in servers:
            await server.stop(0)
        add = talk_pb2_grpc.add_TalkServiceServicer_to_server
        registration = Registration(described, service, add)
        server = create_server("talk", [registration], workload=Workload())
        server.add_insecure_port(address)
        await server.start()
        servers.append(server)
        return address

    yield start
    for server in servers:
        await server.stop(0)


@pytest.fixture
async def target(serve) -> str:
    return await serve()
