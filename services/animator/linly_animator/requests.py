"""The order of a StreamingAnimate call, checked while it is translated for the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

from linly.animator.v1 import animator_pb2 as pb
from linly_animator import convert
from linly_animator.engine import (
    AnimationInput,
    KeyFrameRequest,
    SpeechCancel,
    SpeechChunk,
    SpeechEnd,
    SpeechSkip,
)
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.convert import to_seconds
from linly_mesh.rpc.requests import RequestReader


class SpeechRequests:
    """One speech at a time; each is ended or cancelled, and its id is never used again.

    A speech that was ended may still be cancelled: its frames may be on their way.
    """

    def __init__(self, reader: RequestReader[pb.StreamingAnimateRequest], encoding: str) -> None:
        """`reader` has already given its config; `encoding` is that of the audio."""
        self._reader = reader
        self._encoding = encoding
        self._open = ""
        self._closed: set[str] = set()
        self.under_way: set[str] = set()
        """Speeches that were begun and not yet answered; who answers takes them out."""

    async def inputs(self) -> AsyncIterator[AnimationInput]:
        """What the engine is to do.

        Raises:
            ServiceError: INVALID_ARGUMENT that says what was expected.
        """
        async for kind, request in self._reader:
            match kind:
                case "speech":
                    yield self._speech(request.speech)
                case "end_speech":
                    yield self._end(request.end_speech.speech_id)
                case "cancel_speech":
                    yield self._cancel(request.cancel_speech.speech_id)
                case "skip":
                    yield self._skip(request.skip)
                case "key_frame":
                    yield KeyFrameRequest()
        if self._open:
            raise _out_of_order("request", "expected end_speech or cancel_speech, got the end")

    def _speech(self, speech: pb.SpeechInput) -> SpeechChunk:
        self._enter("speech", speech.speech_id)
        self._open = speech.speech_id
        self.under_way.add(speech.speech_id)
        return SpeechChunk(
            speech.speech_id,
            convert.samples(speech.audio, self._encoding),
            convert.visemes(list(speech.visemes)),
        )

    def _end(self, speech_id: str) -> SpeechEnd:
        self._enter("end_speech", speech_id)
        self._close(speech_id)
        return SpeechEnd(speech_id)

    def _cancel(self, speech_id: str) -> SpeechCancel:
        if speech_id not in self._closed:
            self._enter("cancel_speech", speech_id)
            self._close(speech_id)
        return SpeechCancel(speech_id)

    def _skip(self, skip: pb.Skip) -> SpeechSkip:
        if skip.speech_id not in self._closed:  # one that has ended may have frames on their way
            self._enter("skip", skip.speech_id)
        return SpeechSkip(skip.speech_id, to_seconds(skip.offset))

    def _close(self, speech_id: str) -> None:
        self._open = ""
        self._closed.add(speech_id)

    def _enter(self, kind: str, speech_id: str) -> None:
        field = f"{kind}.speech_id"
        if not speech_id:
            raise invalid_argument(field, "must not be empty")
        if speech_id in self._closed:
            raise _out_of_order(field, "expected an id that was not used before in this stream")
        if self._open and speech_id != self._open:
            raise _out_of_order(
                field,
                "expected the end_speech of the speech before, got another id",
            )


def _out_of_order(field: str, description: str) -> ServiceError:
    return invalid_argument(field, description, reason="OUT_OF_ORDER")
