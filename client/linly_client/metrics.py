"""How a turn went, as the server measured it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMetrics:
    """How one stage of a turn went. What does not exist is None, never 0."""

    stage: str
    """``asr``, ``llm``, ``tts`` or ``animator``."""
    start: float | None = None
    """When it was first given work: seconds from the end of the person's input."""
    first_output: float | None = None
    """When its first output arrived: seconds from the end of the person's input."""
    end: float | None = None
    """When its last output arrived: seconds from the end of the person's input."""
    queue_wait: float | None = None
    """Seconds its first unit waited for the model."""
    compute: float | None = None
    """Seconds its model worked up to the first output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMetrics:
    """Seconds from the end of the person's input, unless said otherwise.

    What does not exist is None, never 0.
    """

    endpointing: float | None = None
    """Seconds of silence waited for to be sure that the person had finished."""
    transcript: float | None = None
    """To the final transcript."""
    first_token: float | None = None
    """To the language model's first text."""
    first_audio: float | None = None
    """To the first audio out: the turn's latency."""
    first_frame: float | None = None
    """To the first frame or blendshapes out."""
    overhead: float | None = None
    """What no stage and no endpointing accounts for in ``first_audio``."""
    interrupt: float | None = None
    """Seconds from interruption to its event."""
    av_offset: float | None = None
    """Largest time by which a frame came behind its audio, in seconds; negative: ahead."""
    speech_duration: float | None = None
    """Length of the speech that was sent, in seconds."""
    frames_sent: int | None = None
    """Frames sent."""
    frames_dropped: int | None = None
    """Frames left out because they were late."""
    prompt_tokens: int | None = None
    """What the language model read."""
    completion_tokens: int | None = None
    """What the language model wrote."""
    stages: tuple[StageMetrics, ...] = ()
    """The stages that took part, in the order of the pipeline."""
