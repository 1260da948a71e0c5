"""How a talk is to be held."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from linly.animator.v1 import animator_pb2
from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration


class Playback(StrEnum):
    """What the server is told about playback."""

    REAL_TIME = "real_time"
    """The reply is played in real time from the first audio on."""
    REPORTED = "client_reports"
    """``Talk.report_playback`` says how far it has been played."""
    SENT = "sent"
    """What was sent counts as played: for files."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said before."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Microphone:
    """The audio that will be sent: signed 16-bit little-endian mono PCM."""

    sample_rate: int
    """Samples per second, 8000 to 48000."""
    interim_results: bool = True
    """Give transcripts that may still change."""
    end_silence: float | None = None
    """Seconds of silence that end a turn; None: the recogniser's setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """The video that is wanted: H.264. None: the server's defaults, 512×512 at 25 fps."""

    width: int | None = None
    """Pixels, even, 128 to 1024."""
    height: int | None = None
    """Pixels, even, 128 to 1024."""
    frame_rate: int | None = None
    """Frames per second, 10 to 60."""
    idle_frames: bool = False
    """Give the portrait at rest between turns, in real time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the language model chooses. None: its own setting."""

    temperature: float | None = None
    """0 takes the likeliest token every time; 0 to 2."""
    top_p: float | None = None
    """Choose among the likeliest tokens that make up this probability."""
    top_k: int | None = None
    """Choose among this many likeliest tokens."""
    seed: int | None = None
    """The same seed, prompt and sampling give the same reply, where the engine can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """Everything about a talk that is settled before it begins."""

    system_instruction: str = ""
    """Instructions to the language model; empty: the server's own."""
    history: tuple[Message, ...] = ()
    """What was said before, oldest first."""
    sampling: Sampling = field(default_factory=Sampling)
    max_new_tokens: int | None = None
    """The most tokens of a reply; None: the language model's setting."""
    language: str = ""
    """BCP-47, such as ``en-US``; empty: each service's own."""
    microphone: Microphone | None = None
    """None: no audio will be sent."""
    voice: str = ""
    """A name of the speech service; empty: one of the language."""
    speaking_rate: float | None = None
    """0.25 to 4; None: 1."""
    portrait: bytes | None = None
    """A JPEG, PNG or WebP file, at most 16 MiB; None: ``avatar_id``, or the shipped portrait."""
    avatar_id: str = ""
    """An avatar of an earlier talk."""
    audio: bool = True
    """Speak the reply."""
    audio_sample_rate: int | None = None
    """Samples per second of the reply; None: the voice's own."""
    video: Video | None = field(default_factory=Video)
    """None: no video."""
    blendshapes: bool = False
    """Give ARKit blendshape values."""
    max_lead: float | None = None
    """Seconds that output may be ahead of playback; None: the server's 0.4."""
    max_ahead: float | None = 0.85
    """Seconds of speech that may be made beyond what was read of the events, at least 0.85; None:
    as much as the buffers between hold."""
    playback: Playback = Playback.REAL_TIME
    barge_in: bool = True
    """A person who speaks or types interrupts the reply; otherwise they wait for its end."""
    region: str = ""
    """Where the caller is, for services that route by region."""


def to_config(options: TalkOptions) -> talk_pb2.TalkConfig:
    """The options as the contract has them."""
    config = talk_pb2.TalkConfig(
        system_instruction=options.system_instruction,
        history=[
            llm_pb2.Message(role=f"ROLE_{m.role.upper()}", content=m.content)
            for m in options.history
        ],
        sampling=llm_pb2.Sampling(
            temperature=options.sampling.temperature,
            top_p=options.sampling.top_p,
            top_k=options.sampling.top_k,
            seed=options.sampling.seed,
        ),
        max_new_tokens=options.max_new_tokens,
        language_code=options.language,
        audio_input=_microphone(options.microphone),
        voice=talk_pb2.VoiceConfig(name=options.voice, speaking_rate=options.speaking_rate),
        output=_output(options),
        max_lead=None if options.max_lead is None else to_duration(options.max_lead),
        max_ahead=None if options.max_ahead is None else to_duration(options.max_ahead),
        playback_mode=f"PLAYBACK_MODE_{options.playback.upper()}",
        barge_in=options.barge_in,
        region=options.region,
    )
    if options.portrait is not None:
        config.image = options.portrait
    elif options.avatar_id:
        config.avatar_id = options.avatar_id
    return config


def _microphone(microphone: Microphone | None) -> talk_pb2.AudioInputConfig | None:
    if microphone is None:
        return None
    end_silence = microphone.end_silence
    return talk_pb2.AudioInputConfig(
        encoding=common_pb2.AUDIO_ENCODING_LINEAR16,
        sample_rate_hertz=microphone.sample_rate,
        interim_results=microphone.interim_results,
        endpointing=None
        if end_silence is None
        else asr_pb2.EndpointingConfig(end_silence=to_duration(end_silence)),
    )


def _output(options: TalkOptions) -> talk_pb2.OutputConfig:
    output = talk_pb2.OutputConfig(blendshapes=options.blendshapes)
    if options.audio:
        output.audio.encoding = common_pb2.AUDIO_ENCODING_LINEAR16
        if options.audio_sample_rate is not None:
            output.audio.sample_rate_hertz = options.audio_sample_rate
    if options.video is not None:
        video = options.video
        output.video.CopyFrom(
            talk_pb2.VideoOutputConfig(
                codec=animator_pb2.VIDEO_CODEC_H264,
                width=video.width,
                height=video.height,
                frame_rate=video.frame_rate,
                idle_frames=video.idle_frames,
            )
        )
    return output
