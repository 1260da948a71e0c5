"""Talk with a portrait from Python: ``TalkClient`` and what it gives and takes."""

from linly_client.errors import TalkError
from linly_client.events import (
    Audio,
    Event,
    Frame,
    Frames,
    InterruptCause,
    Interrupted,
    ReplyText,
    SpeechActivity,
    SpeechEvent,
    TalkStarted,
    Transcript,
    TurnCause,
    TurnEnded,
    TurnStarted,
    Viseme,
    Word,
)
from linly_client.metrics import StageMetrics, TurnMetrics
from linly_client.options import (
    Message,
    Microphone,
    Playback,
    Sampling,
    TalkOptions,
    Video,
)
from linly_client.talk import Talk, TalkClient

__all__ = [
    "Audio",
    "Event",
    "Frame",
    "Frames",
    "InterruptCause",
    "Interrupted",
    "Message",
    "Microphone",
    "Playback",
    "ReplyText",
    "Sampling",
    "SpeechActivity",
    "SpeechEvent",
    "StageMetrics",
    "Talk",
    "TalkClient",
    "TalkError",
    "TalkOptions",
    "TalkStarted",
    "Transcript",
    "TurnCause",
    "TurnEnded",
    "TurnMetrics",
    "TurnStarted",
    "Video",
    "Viseme",
    "Word",
]
