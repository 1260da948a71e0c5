"""How a turn is performed: what is answered, and when the answer may begin."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from linly.asr.v1 import asr_pb2
from linly.llm.v1 import llm_pb2
from linly.talk.v1 import talk_pb2
from linly_mesh.rpc.convert import to_seconds
from linly_orchestrator import clock
from linly_orchestrator.history import History
from linly_orchestrator.reply import Emit, Reply, Voice, Written
from linly_orchestrator.stages.errors import StageError
from linly_orchestrator.stages.language import Language
from linly_orchestrator.turn import Turn, Utterance, no_speech

_SAY = talk_pb2.TurnStarted.CAUSE_SAY
_SPEECH = talk_pb2.TurnStarted.CAUSE_SPEECH


@dataclass(slots=True)
class _Prepared:
    """A reply that is being made for a transcript that is likely final."""

    transcript: str
    reply: Reply
    task: asyncio.Task[Exception | None]
    """Ends with the reply's failure: one that is not wanted may fail unseen."""

    async def drop(self) -> None:
        """The person went on speaking, or said something else."""
        self.task.cancel()
        await asyncio.wait([self.task])  # not its result: our own cancellation must come through


class Performance:
    """Performs the turns of one talk."""

    def __init__(
        self,
        config: talk_pb2.TalkConfig,
        language: Language,
        history: History,
        voice: Voice | None,
        time_remaining: Callable[[], float | None],
        *,
        speculate: bool,
    ) -> None:
        """Answers with ``language`` and ``voice``; ``speculate`` prepares replies early."""
        self._config = config
        self._language = language
        self._history = history
        self._voice = voice
        self._time_remaining = time_remaining
        self._speculate = speculate

    async def perform(self, turn: Turn, emit: Emit, sessions: asyncio.TaskGroup) -> None:
        """Performs ``turn`` until all of its reply has been sent."""
        if turn.cause == _SPEECH:
            await self._answer_speech(turn, emit, sessions)
        else:
            reply = self._reply(turn, emit)
            reply.released.set()
            source = _verbatim(turn.text) if turn.cause == _SAY else self._answer(turn, turn.text)
            await reply.run(source, sessions)

    async def _answer_speech(self, turn: Turn, emit: Emit, sessions: asyncio.TaskGroup) -> None:
        prepared: _Prepared | None = None
        async with asyncio.TaskGroup() as group:

            def prepare(transcript: str) -> _Prepared:
                reply = self._reply(turn, emit)
                run = reply.run(self._answer(turn, transcript), sessions)
                return _Prepared(transcript, reply, group.create_task(_failure(run)))

            async for heard in turn.incoming:
                if isinstance(heard, asr_pb2.SpeechEvent):
                    await emit(talk_pb2.ConverseResponse(speech_event=heard))
                    continue
                await self._tell(heard, emit)
                if prepared is not None and heard.text != prepared.transcript:
                    await prepared.drop()
                    turn.timeline.restart_reply()
                    prepared = None
                if heard.is_final:
                    if not heard.text:
                        raise no_speech()
                    turn.text = heard.text
                    prepared = prepared or prepare(heard.text)
                elif self._speculate and heard.likely_final and heard.text and prepared is None:
                    prepared = prepare(heard.text)
            if prepared is not None:
                if turn.timeline.llm.start is not None:
                    turn.timeline.released = clock.now()
                prepared.reply.released.set()
                if (failure := await prepared.task) is not None:
                    raise failure

    async def _tell(self, heard: Utterance, emit: Emit) -> None:
        if heard.is_final or self._config.audio_input.interim_results:
            transcript = talk_pb2.Transcript(text=heard.text, is_final=heard.is_final)
            if heard.confidence is not None:
                transcript.confidence = heard.confidence
            await emit(talk_pb2.ConverseResponse(transcript=transcript))

    def _reply(self, turn: Turn, emit: Emit) -> Reply:
        turn.replies += 1
        turn.reply = Reply(
            f"{turn.turn_id}.{turn.replies}",
            self._voice,
            emit,
            turn.timeline,
            turn.playback,
            self._time_remaining,
        )
        return turn.reply

    async def _answer(self, turn: Turn, text: str) -> AsyncGenerator[Written, None]:
        timeline = turn.timeline
        timeline.llm.began()
        async with aclosing(self._responses(text)) as responses:
            async for response in responses:
                if response.HasField("delta"):
                    delta = response.delta
                    timeline.llm.gave(delta.timing if delta.HasField("timing") else None)
                    yield Written(delta.text, to_seconds(delta.elapsed))
                else:
                    finished = response.finished
                    timeline.usage = finished.usage
                    yield Written("", to_seconds(finished.elapsed))

    async def _responses(self, text: str) -> AsyncGenerator[llm_pb2.GenerateResponse, None]:
        """Of the model, to as much of the conversation as it can hold."""
        while True:
            prompt = self._history.prompt(text)
            answer = self._language.generate(prompt, self._config, self._time_remaining())
            try:
                async with aclosing(answer):
                    async for response in answer:
                        yield response
                return
            except StageError as error:
                # A conversation that has grown too long would otherwise fail at each turn.
                if not (error.prompt_too_long and self._history.forget_older_half()):
                    raise


async def _failure(run: Awaitable[None]) -> Exception | None:
    try:
        await run
    except Exception as error:
        return error
    return None


async def _verbatim(text: str) -> AsyncGenerator[Written, None]:
    yield Written(text)
