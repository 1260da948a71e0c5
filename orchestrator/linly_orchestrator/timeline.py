"""What happened when in a turn, and the figures that follow from it."""

from dataclasses import dataclass, field

from linly.asr.v1 import asr_pb2
from linly.common.v1 import common_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_duration, to_seconds
from linly_orchestrator import clock


@dataclass(slots=True)
class StageRecord:
    """One stage of a turn; moments on this process's monotonic clock."""

    start: float | None = None
    """When it was first given work."""
    first_output: float | None = None
    """When its first output arrived."""
    end: float | None = None
    """When its last output arrived."""
    timing: common_pb2.StageTiming | None = None
    """Its own account of its first unit."""

    def began(self) -> None:
        """It was given work."""
        if self.start is None:
            self.start = clock.now()

    def gave(self, timing: common_pb2.StageTiming | None = None) -> None:
        """It gave output."""
        self.end = clock.now()
        if self.first_output is None:
            self.first_output = self.end
            self.timing = timing


@dataclass(slots=True)
class Timeline:
    """Observes one turn. Filled in by those who do the work; read once, when it is over."""

    input_end: float | None = None
    """When the person's input ended."""
    endpointing: float | None = None
    """Seconds of silence that were waited for."""
    transcript: float | None = None
    """When the final transcript arrived."""
    released: float | None = None
    """When a reply that was prepared early was allowed out."""
    first_audio: float | None = None
    """When the first audio went out."""
    first_frame: float | None = None
    """When the first frame went out."""
    av_offset: float | None = None
    """The latest that a frame went out after its audio was to be played, in seconds."""
    interrupted: float | None = None
    """When it was interrupted."""
    interrupt: float | None = None
    """Seconds from interruption to the event that tells it."""
    frames_sent: int = 0
    frames_dropped: int = 0
    usage: llm_pb2.Usage | None = None
    asr: StageRecord = field(default_factory=StageRecord)
    llm: StageRecord = field(default_factory=StageRecord)
    tts: StageRecord = field(default_factory=StageRecord)
    animator: StageRecord = field(default_factory=StageRecord)
    text_passed_on: list[tuple[float, float]] = field(default_factory=list)
    """For each delta up to the first audio: when it was given to the speech service, and the
    language model's own time up to it."""

    def interruption_told(self) -> None:
        """The client has been sent the event that tells of the interruption."""
        if self.interrupted is not None:
            self.interrupt = clock.now() - self.interrupted

    def restart_reply(self) -> None:
        """A reply that was prepared for another transcript is thrown away."""
        self.llm, self.tts, self.animator = StageRecord(), StageRecord(), StageRecord()
        self.text_passed_on.clear()
        self.usage = None

    def overhead(self) -> float | None:
        """What remains of the time to first audio without endpointing and the stages' own.

        The critical path ends at the first audio. It runs back through the speech service
        and the language model to the transcript; where the reply was prepared early and was
        ready before the transcript was final, it runs through the recogniser alone.
        """
        if self.first_audio is None or self.input_end is None:
            return None
        listening = (self.endpointing or 0.0) + _first_output(self.asr)
        waited_for_release = (
            self.released is not None
            and self.tts.first_output is not None
            and self.tts.first_output <= self.released
        )
        if waited_for_release:
            return self.first_audio - self.input_end - listening
        reply = self._first_clause_written() + _first_output(self.tts)
        begin = self.llm.start if self.llm.start is not None else self.tts.start
        if self.released is None or begin is None:
            return self.first_audio - self.input_end - listening - reply
        # prepared early: from the early transcript on, plus what the recogniser's way took
        return self.first_audio - begin - reply

    def metrics(self, speech_duration: float | None) -> talk_pb2.TurnMetrics:
        """The figures; what does not exist stays unset."""
        metrics = talk_pb2.TurnMetrics()
        moments = {
            "transcript": self.transcript,
            "first_token": self.llm.first_output,
            "first_audio": self.first_audio,
            "first_frame": self.first_frame,
        }
        for name, moment in moments.items():
            if moment is not None and self.input_end is not None:
                getattr(metrics, name).CopyFrom(to_duration(moment - self.input_end))
        spans = {
            "endpointing": self.endpointing,
            "overhead": self.overhead(),
            "interrupt": self.interrupt,
            "av_offset": self.av_offset,
            "speech_duration": speech_duration,
        }
        for name, seconds in spans.items():
            if seconds is not None:
                getattr(metrics, name).CopyFrom(to_duration(seconds))
        if self.first_frame is not None:
            metrics.frames_sent = self.frames_sent
            metrics.frames_dropped = self.frames_dropped
        if self.usage is not None:
            metrics.usage.CopyFrom(self.usage)
        for stage in ("asr", "llm", "tts", "animator"):
            record: StageRecord = getattr(self, stage)
            if record.start is not None:
                metrics.stages.append(self._stage(stage, record))
        return metrics

    def _first_clause_written(self) -> float:
        """The language model's own time up to the text that completed the first clause.

        Which text that was, the speech service does not say; it is the last that was passed
        on before the service's own account of the clause begins.
        """
        if self.tts.first_output is None:
            return 0.0
        complete = self.tts.first_output - _first_output(self.tts)
        own = 0.0
        for passed_on, elapsed in self.text_passed_on:
            if passed_on > complete:
                break
            own = elapsed
        return own

    def _stage(self, stage: str, record: StageRecord) -> talk_pb2.StageMetrics:
        message = talk_pb2.StageMetrics(stage=stage)
        if self.input_end is not None:
            for name in ("start", "first_output", "end"):
                moment = getattr(record, name)
                if moment is not None:
                    getattr(message, name).CopyFrom(to_duration(moment - self.input_end))
        if record.timing is not None:
            message.timing.CopyFrom(record.timing)
        return message


def silence_before(event: asr_pb2.SpeechEvent) -> float:
    """Seconds of silence that proved the end of speech."""
    return to_seconds(event.detection_offset) - to_seconds(event.offset)


def _first_output(record: StageRecord) -> float:
    if record.timing is None or not record.timing.HasField("first_output"):
        return 0.0
    return to_seconds(record.timing.first_output)
