"""The process in which the library lives, and the handle of its parent."""

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from linly_tts.engine import EngineError, Speech
from linly_tts.engines.espeak.library import EspeakLibrary, VoiceFile
from linly_tts.engines.espeak.speaking import Order, speak

_PATIENCE = 30.0
"""Seconds without an answer after which the process is taken to hang. The costliest clause, letters
that the voice spells out in another language, as slowly as it can, takes two."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a worker says once the library is loaded."""

    version: str
    """Of the library."""
    sample_rate: int
    """Samples per second of all voices."""
    voices: Sequence[VoiceFile]
    """The voices that the data holds."""


class EspeakWorker:
    """One process with the library. For one thread, but ``cancel`` may come from any."""

    def __init__(self) -> None:
        """Starts the process and waits until the library is loaded.

        Raises:
            EngineError: it can't be loaded.
        """
        context = multiprocessing.get_context("spawn")  # gRPC's threads don't survive a fork
        self._cancelled: Any = context.Value("Q", 0, lock=False)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._cancelled), name="espeak", daemon=True
        )
        self._process.start()
        theirs.close()  # so that the process's death ends the connection
        self.loaded: Loaded = self._receive()

    @property
    def alive(self) -> bool:
        """Whether it can take an order."""
        return not self._connection.closed and self._process.is_alive()

    def speak(self, number: int, order: Order) -> Speech | None:
        """Speaks one clause; None if it has no sound or was cancelled.

        Args:
            number: tells this clause from those before it.
            order: what to speak.

        Raises:
            EngineError: the library crashed or hangs; the worker can't be used any more.
        """
        try:
            self._connection.send((number, order))
        except OSError as error:
            self.close()
            raise EngineError("the speech library crashed") from error
        speech: Speech | None = self._receive()
        return speech

    def cancel(self, number: int) -> None:
        """The clause of that number is not wanted any more; another one is not disturbed."""
        self._cancelled.value = number

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.kill()
        self._process.join()

    def _receive(self) -> Any:
        try:
            if self._connection.poll(_PATIENCE):
                return self._connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise EngineError("the speech library crashed") from error
        self.close()
        raise EngineError(f"the speech library gave no answer for {_PATIENCE:g} s")


def _serve(connection: Connection, cancelled: Any) -> None:
    """What the process does: speaks orders until its parent closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    library = EspeakLibrary()
    connection.send(Loaded(library.version, library.sample_rate, tuple(library.voices())))
    while True:
        try:
            number, order = connection.recv()
        except EOFError:
            return
        connection.send(speak(library, order, partial(_wanted, number, cancelled)))


def _wanted(number: int, cancelled: Any) -> bool:
    return bool(cancelled.value != number)
