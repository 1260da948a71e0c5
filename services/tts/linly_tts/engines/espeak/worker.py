"""The processes in which the library lives, and the handles of their parent."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
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
    """One process with the library, which begins each clause in a copy of itself."""

    def __init__(self) -> None:
        """Starts the process and waits until the library is loaded.

        Raises:
            EngineError: it can't be loaded.
        """
        context = multiprocessing.get_context("spawn")  # gRPC's threads don't survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="espeak", daemon=True)
        self._process.start()
        theirs.close()  # so that the process's death ends the connection
        self.loaded: Loaded = _receive(self._connection)
        self._spare: Connection | None = None

    @property
    def alive(self) -> bool:
        """Whether it can take an order."""
        return self._process.is_alive()

    def prepare(self) -> None:
        """Has a copy of the process ready for the next clause, which then begins sooner.

        Raises:
            EngineError: the process has died.
        """
        if self._spare is None:
            self._spare = self._copy()

    def begin(self, order: Order) -> tuple[Connection, int]:
        """Has a copy of the process speak one clause.

        Returns:
            The connection to the copy, and its process id.

        Raises:
            EngineError: the process has died.
        """
        spare, self._spare = self._spare, None
        if spare is not None:
            with suppress(EngineError):  # somebody killed it: that is not the clause's fault
                return _ordered(spare, order)
        return _ordered(self._copy(), order)

    def _copy(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        try:
            with theirs:
                send_handle(self._connection, theirs.fileno(), self._process.pid)
        except OSError as error:
            ours.close()
            raise EngineError("the speech library crashed") from error
        return ours

    def close(self) -> None:
        """Ends the process; copies end with their clauses."""
        if self._spare is not None:
            self._spare.close()
        self._connection.close()
        self._process.kill()
        self._process.join()


class SpokenClause:
    """A clause that is being spoken. For one thread, but ``stop`` may come from any."""

    def __init__(self, order: Order) -> None:
        """Not begun yet."""
        self._order = order
        self._connection: Connection | None = None
        self._pid: int | None = None
        self._stopped = False

    def more(self, worker: EspeakWorker, seconds: float) -> tuple[Speech | None, bool]:
        """The next piece, of about ``seconds``, and whether it is the last.

        Args:
            worker: begins the clause, if it has not begun.
            seconds: see ``speak``.

        Raises:
            EngineError: the library crashed or hangs, or the clause was stopped.
        """
        if self._connection is None:
            self._connection, self._pid = worker.begin(self._order)
        if self._stopped:
            self.stop()
        try:
            self._connection.send(seconds)
            piece: tuple[Speech | None, bool] = _receive(self._connection)
        except (OSError, EngineError) as error:
            self.stop()
            raise EngineError(f"the speech library failed: {error}") from error
        if piece[1]:
            self._pid = None  # it ends by itself
        return piece

    def stop(self) -> None:
        """Makes no more of it, at once."""
        self._stopped = True
        if (pid := self._pid) is not None:
            self._pid = None
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Lets go of it; no piece is being waited for."""
        self.stop()
        if self._connection is not None:
            self._connection.close()


def _ordered(copy: Connection, order: Order) -> tuple[Connection, int]:
    try:
        pid: int = _receive(copy)
        copy.send(order)
    except (OSError, EngineError) as error:
        copy.close()
        raise EngineError("the speech library crashed") from error
    return copy, pid


def _receive(connection: Connection) -> Any:
    try:
        if connection.poll(_PATIENCE):
            return connection.recv()
    except (EOFError, OSError) as error:
        raise EngineError("the speech library crashed") from error
    raise EngineError(f"the speech library gave no answer for {_PATIENCE:g} s")


def _serve(connection: Connection) -> None:
    """What the process does: begins clauses until its parent closes the connection.

    A copy of a process shares its memory until one of them writes to it, so it costs a few
    milliseconds and megabytes; and each clause finds the library as it was loaded, so that a text
    is always spoken in the same way.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies are not waited for
    library = EspeakLibrary()
    connection.send(Loaded(library.version, library.sample_rate, tuple(library.voices())))
    gc.freeze()  # a collection in a copy would write to all that is shared
    while True:
        try:
            handle = recv_handle(connection)
        except (EOFError, RuntimeError):  # which of them depends on the version of Python
            return
        if os.fork():
            os.close(handle)
        else:
            try:
                connection.close()
                _speak(library, Connection(handle))
            finally:
                os._exit(0)  # nothing of the parent's is to be tidied up here


def _speak(library: EspeakLibrary, connection: Connection) -> None:
    """Speaks a clause as it is asked for; ends the process when nobody asks any more."""

    def asked() -> float:
        try:
            seconds: float = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # the library would ignore an exception
        return seconds

    def hand_over(piece: Speech) -> float:
        connection.send((piece, False))
        return asked()

    connection.send(os.getpid())
    try:
        order = connection.recv()
    except (EOFError, OSError):
        return
    connection.send((speak(library, order, hand_over, asked()), True))
