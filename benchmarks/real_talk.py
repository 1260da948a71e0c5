"""Spoken questions to the real engines, in real time: how long the person waits."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from time import perf_counter as now

from benchmarks.accounting import memory
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Aim, Figure, at_least, at_most
from benchmarks.fleet import Fleet, real_mesh
from benchmarks.microphone import OpenMicrophone, open_microphone
from benchmarks.progress import say
from benchmarks.questions import Question, read_questions
from benchmarks.statistics import percentile
from linly_client.events import Audio, Event, Frames, TurnEnded
from linly_client.metrics import TurnMetrics
from linly_client.options import Microphone, TalkOptions
from linly_client.talk import TalkClient

_CONVERSATIONS, _TURNS = 4, 5
_REPLY_TOKENS = 48
"""A reply of two sentences or so: it is played to its end before the next question."""
_LIMIT = 300.0
"""Seconds after which a conversation has failed."""
_RATE = 16_000
_MS = 1000.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn; seconds from the last sample of speech, on the client's clock."""

    first_audio: float
    first_frame: float
    metrics: TurnMetrics


async def measure(*, brief: bool) -> list[Figure]:
    """From the end of speech to first audio and first frame, overhead, memory."""
    conversations, turns = (1, 2) if brief else (_CONVERSATIONS, _TURNS)
    questions = cycle(read_questions())
    done: list[_Turn] = []
    async with real_mesh() as fleet:
        await _converse(fleet, list(islice(questions, 1)))  # models make their first steps
        for index in range(conversations):
            say(f"real talk: conversation {index + 1} of {conversations}")
            done += await _converse(fleet, list(islice(questions, turns)))
        return [*_figures(done), *_memory(fleet)]


async def _converse(fleet: Fleet, questions: Sequence[Question]) -> list[_Turn]:
    options = TalkOptions(microphone=Microphone(sample_rate=_RATE), max_new_tokens=_REPLY_TOKENS)
    async with TalkClient(fleet.target("orchestrator")).converse(options, timeout=_LIMIT) as talk:
        events = aiter(talk)
        await anext(events)
        async with open_microphone(talk, _RATE) as microphone:
            return [await _ask(question, microphone, events) for question in questions]


async def _ask(
    question: Question, microphone: OpenMicrophone, events: AsyncIterator[Event]
) -> _Turn:
    speech_end = microphone.speak(question.wav) + question.speech_end
    first_audio = first_frame = None
    async for event in events:
        match event:
            case Audio() if first_audio is None:
                first_audio = now() - speech_end
            case Frames() if first_frame is None:
                first_frame = now() - speech_end
            case TurnEnded(interrupted=True):  # a pause was taken for the end
                first_audio = first_frame = None
            case TurnEnded(error=error, metrics=metrics):
                if error is not None or first_audio is None or first_frame is None:
                    raise BenchmarkError(f"a spoken turn failed: {error or 'nothing was said'}")
                return _Turn(first_audio, first_frame, metrics)
    raise BenchmarkError("the talk ended before its turn did")


def _figures(turns: Sequence[_Turn]) -> list[Figure]:
    def found(
        what: str, values: Sequence[float | None], percent: float, aim: Aim | None = None
    ) -> Figure:
        known = [_MS * value for value in values if value is not None]
        if not known:
            raise BenchmarkError(f"no turn told its {what}")
        name = f"real_talk.{what}_p{percent:g}"
        return Figure(name, percentile(known, percent), "ms", aim, min(known), max(known))

    audio = [turn.first_audio for turn in turns]
    frame = [turn.first_frame for turn in turns]
    told = [turn.metrics for turn in turns]
    return [
        found("end_of_speech_to_first_audio", audio, 50, at_most(800)),
        found("end_of_speech_to_first_audio", audio, 95),
        found("end_of_speech_to_first_frame", frame, 50),
        found("end_of_speech_to_first_frame", frame, 95),
        found("endpointing", [m.endpointing for m in told], 50, at_least(400)),
        found("overhead", [m.overhead for m in told], 50, at_most(15)),
        found("overhead", [m.overhead for m in told], 95),
        found("first_audio_own_account", [m.first_audio for m in told], 50),
        found("transcript", [m.transcript for m in told], 50),
        found("first_token", [m.first_token for m in told], 50),
        found("av_offset", [m.av_offset for m in told], 95),
    ]


def _memory(fleet: Fleet) -> list[Figure]:
    used = {name: memory(pid) for name, pid in fleet.pids.items()}
    return [
        figure
        for name, each in used.items()
        for figure in (
            Figure(f"memory.pss.{name}", each.pss, "MiB"),
            Figure(f"memory.rss.{name}", each.rss, "MiB"),
        )
    ]
