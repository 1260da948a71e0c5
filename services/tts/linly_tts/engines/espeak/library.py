"""The part of libespeak-ng's C interface that speech needs, by ctypes.

Written from the public header ``speak_lib.h`` of espeak-ng 1.52 and ``sonic.h``.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2
_BUFFER_MS = 20
"""How much speech the library makes between two questions whether to go on."""
_PHONEME_EVENTS_IN_IPA = 0b11
_DONT_EXIT = 0x8000
_UTF8 = 1
_END_PAUSE = 0x1000
_RATE_PARAMETER = 1
_BY_CHARACTER = 1


class EventType(IntEnum):
    """What an event marks; other types of the library are left out."""

    LIST_END = 0
    WORD = 1
    PHONEME = 7


@dataclass(frozen=True, slots=True)
class Event:
    """Something that begins at a sample."""

    type: EventType
    """Word or phoneme."""
    sample: int
    """Samples from the beginning."""
    position: int
    """First code point of the word in the text, from 0."""
    phoneme: str
    """IPA; empty for a pause, and for words."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the library made of a text."""

    samples: NDArray[np.int16]
    """Shape (n,)."""
    events: tuple[Event, ...]
    """Words and phonemes in order."""


class Recording:
    """What the library has made of a text so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.audio = bytearray()
        """Signed 16-bit samples."""
        self.events: list[Event] = []
        """Words and phonemes in order, a little ahead of the audio."""

    @property
    def length(self) -> int:
        """Samples."""
        return len(self.audio) // 2

    def samples(self, begin: int, end: int | None = None) -> NDArray[np.int16]:
        """A copy of the samples from ``begin`` to ``end``; shape (n,)."""
        return np.frombuffer(
            bytes(self.audio[2 * begin : None if end is None else 2 * end]), np.int16
        )


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A voice as the library lists it."""

    identifier: str
    """Its file in the library's data, such as "gmw/en-US"."""
    languages: tuple[tuple[str, int], ...]
    """Language tags, its own first, each with a priority; a lower number is preferred."""


class _EventName(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_ubyte * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventName),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("rest", ctypes.c_ubyte * 32),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class EspeakLibrary:
    """The library, of which a process can have one; not to be used from two threads at once."""

    def __init__(self) -> None:
        """Loads it with the data of its wheel.

        Raises:
            OSError: the library or its data can't be read.
        """
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._library.espeak_Info.restype = ctypes.c_char_p
        self._library.sonicCreateStream.restype = ctypes.c_void_p
        self._callback = _Callback(self._receive)  # the library keeps only a pointer to it
        data = Path(espeakng_loader.get_data_path())
        self.sample_rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, str(data).encode(), _PHONEME_EVENTS_IN_IPA | _DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise OSError(f"libespeak-ng can't read its data in {data}")
        self._library.espeak_SetSynthCallback(self._callback)
        self._go_on: Callable[[Recording], bool] = lambda _: True
        self._recording = Recording()

    @property
    def version(self) -> str:
        """The library's version, such as "1.52.0"."""
        text: bytes = self._library.espeak_Info(None)
        return text.decode().split()[0]

    def voices(self) -> Iterator[VoiceFile]:
        """The voices that the data holds."""
        voices = self._library.espeak_ListVoices(None)
        for index in range(1 << 16):
            if not voices[index]:
                return
            voice = voices[index].contents
            yield VoiceFile(voice.identifier.decode(), tuple(_languages(voice.languages)))

    def synthesize(
        self,
        text: str,
        voice: str,
        words_per_minute: int,
        *,
        pause: bool,
        go_on: Callable[[Recording], bool],
    ) -> Utterance:
        """Speaks a text.

        Args:
            text: without control characters.
            voice: a ``VoiceFile.identifier``.
            words_per_minute: 80 to 449; from 450 on the library's event times are wrong.
            pause: whether the pause that the last mark asks for belongs to the speech.
            go_on: asked every 20 ms of speech, with what there is of it; once it is false, the
                rest is not made.
        """
        self._go_on, self._recording = go_on, Recording()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise LookupError(f"libespeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
        encoded = text.encode()
        flags = _UTF8 | (_END_PAUSE if pause else 0)
        self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded) + 1), 0, _BY_CHARACTER, 0, flags, None, None
        )
        return Utterance(self._recording.samples(0), tuple(self._recording.events))

    def change_speed(self, samples: NDArray[np.int16], speed: float) -> NDArray[np.int16]:
        """Speech at another speed and the same pitch, by the Sonic in the library.

        Args:
            samples: shape (n,).
            speed: above 1 is faster.
        """
        sonic = self._library
        stream = ctypes.c_void_p(sonic.sonicCreateStream(self.sample_rate, 1))
        try:
            sonic.sonicSetSpeed(stream, ctypes.c_float(speed))
            samples = np.ascontiguousarray(samples)
            sonic.sonicWriteShortToStream(stream, _address(samples), len(samples))
            sonic.sonicFlushStream(stream)
            changed = np.empty(sonic.sonicSamplesAvailable(stream), dtype=np.int16)
            sonic.sonicReadShortFromStream(stream, _address(changed), len(changed))
        finally:
            sonic.sonicDestroyStream(stream)
        return changed

    def _receive(self, audio: object, count: int, events: "ctypes._Pointer[_Event]") -> int:
        """Called by the library with what it made; 1 tells it to stop."""
        if audio and count > 0:
            self._recording.audio += ctypes.string_at(audio, 2 * count)  # type: ignore[arg-type]
        index = 0
        while (event := events[index]).type != EventType.LIST_END:
            index += 1
            if event.type in (EventType.WORD, EventType.PHONEME):
                self._recording.events.append(_event(event))
        return 0 if self._go_on(self._recording) else 1


def _address(samples: NDArray[np.int16]) -> ctypes.c_void_p:
    return samples.ctypes.data_as(ctypes.c_void_p)


def _event(event: _Event) -> Event:
    kind = EventType(event.type)
    name = bytes(event.id.string) if kind is EventType.PHONEME else b""
    phoneme = name.split(b"\0")[0].decode(errors="ignore")  # cut after eight bytes
    return Event(kind, event.sample, event.text_position - 1, phoneme)


def _languages(address: int) -> Iterator[tuple[str, int]]:
    """Reads pairs of a priority byte and a C string, up to a zero byte."""
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        yield tag.decode(), priority
        address += len(tag) + 2
