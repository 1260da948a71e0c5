"""Starts the processes of one machine in order, watches them, and stops them in order."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from linly_mesh.proxy.readiness import Probe

_TAIL_LINES = 8
_CRASH_PATIENCE = 0.5
"""Seconds in which the end of a process is seen after a call to it has failed."""


@dataclass(frozen=True)
class Process:
    """One process."""

    name: str
    """Unique, short: names the log and the lock."""
    command: Sequence[str]
    """Program and arguments."""
    probe: Probe
    """How to tell that it is ready."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the launcher's own."""
    depends_on: Sequence[str] = ()
    """Names of those that are ready before this one starts, and stopped after it."""
    before_stop: Callable[[], Awaitable[None]] | None = None
    """Awaited before it is told to stop; an OSError means that there is nothing to do any more."""


class State(StrEnum):
    """What a process does."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


Pids = Mapping[str, int]
"""Process ids by the processes' names."""


class LaunchError(Exception):
    """A process could not be started or has ended; the message says which and why."""

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        """Holds one line for people and the last lines of the process's log."""
        super().__init__(message)
        self.log = tuple(log)


OnChange = Callable[[Process, State], None]


@asynccontextmanager
async def launched(
    processes: Sequence[Process],
    folder: Path,
    *,
    on_change: OnChange = lambda process, state: None,
    ready_timeout: float = 180.0,
    grace: float = 35.0,
) -> AsyncIterator[Pids]:
    """Runs ``processes`` while the block runs, and gives their ids.

    The block is entered when all are ready; those that do not depend on each other start side
    by side. If one ends by itself, the block is cancelled. When the block is left, however,
    every process gets SIGTERM in the reverse of the starting order and ``grace`` seconds to
    drain, then SIGKILL with all it started.

    Args:
        processes: dependencies that are not among them are taken to be there.
        folder: for ``<name>.log``, written anew, and ``<name>.lock``.
        on_change: told of every change of state.
        ready_timeout: seconds a process gets to become ready.
        grace: seconds a process gets to stop.

    Raises:
        LaunchError: a process runs already, did not start, or ended by itself.
    """
    with ExitStack() as locks:
        for process in processes:
            locks.enter_context(_lock(process, folder))
        fleet = _Fleet(processes, folder, on_change, ready_timeout, grace)
        try:
            async with asyncio.TaskGroup() as watchers:
                try:
                    await fleet.start(watchers)
                    yield fleet.pids()
                except Exception:
                    await fleet.look_for_crash()
                    raise
                finally:
                    await fleet.stop()
        except BaseExceptionGroup as group:
            raise _first(group) from None


class _Fleet:
    def __init__(
        self,
        processes: Sequence[Process],
        folder: Path,
        on_change: OnChange,
        ready_timeout: float,
        grace: float,
    ) -> None:
        self._processes = processes
        self._folder = folder
        self._on_change = on_change
        self._ready_timeout = ready_timeout
        self._grace = grace
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._ready = {process.name: asyncio.Event() for process in processes}
        self._gone = {process.name: asyncio.Event() for process in processes}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self, group: asyncio.TaskGroup) -> None:
        for process in self._processes:
            self._watchers.append(group.create_task(self._run(process), name=process.name))
        for ready in self._ready.values():
            await ready.wait()

    def pids(self) -> Pids:
        return {name: child.pid for name, child in self._running.items()}

    async def look_for_crash(self) -> None:
        """If a process has just ended, that is what is to be told: its watcher cancels us."""
        await asyncio.wait(
            self._watchers, timeout=_CRASH_PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )

    async def stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()  # from now on an end is no surprise, and nothing is started
        try:
            await asyncio.wait(self._watchers)
            async with asyncio.TaskGroup() as stopping:
                for process in self._processes:
                    stopping.create_task(self._stop(process))
        finally:  # a second Ctrl-C must not leave anything behind
            for child in self._running.values():
                _kill_group(child)

    async def _run(self, process: Process) -> None:
        for name in process.depends_on:
            if name in self._ready:
                await self._ready[name].wait()
        self._on_change(process, State.STARTING)
        if await process.probe.answers():
            raise LaunchError(f"{process.name}: something else answers in its place already")
        child = self._running[process.name] = await self._spawn(process)
        async with asyncio.TaskGroup() as group:
            ready = group.create_task(self._await_ready(process))
            code = await child.wait()
            ready.cancel()
        raise self._failure(process, _describe_exit(code))

    async def _await_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(self._ready_timeout):
                await process.probe.until_ready()
        except TimeoutError:
            what = f"was not ready after {self._ready_timeout:g} s"
            raise self._failure(process, what) from None
        self._on_change(process, State.READY)
        self._ready[process.name].set()

    async def _spawn(self, process: Process) -> asyncio.subprocess.Process:
        tether = (sys.executable, "-m", "linly_mesh.proxy.tether", str(os.getpid()))
        with self._log(process).open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *tether,
                *process.command,
                env={**os.environ, **process.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # The terminal's Ctrl-C is for the launcher, which stops them in order.
                start_new_session=True,
            )

    async def _stop(self, process: Process) -> None:
        for other in self._processes:
            if process.name in other.depends_on:
                await self._gone[other.name].wait()
        child = self._running.get(process.name)
        if child is not None and child.returncode is None:
            self._on_change(process, State.STOPPING)
            if process.before_stop is not None:
                with suppress(OSError):
                    await process.before_stop()
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._grace):
                    await child.wait()
            _kill_group(child)
            await child.wait()
            self._on_change(process, State.STOPPED)
        self._gone[process.name].set()

    def _failure(self, process: Process, what: str) -> LaunchError:
        path = self._log(process)
        lines = path.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:]
        return LaunchError(f"{process.name} {what}; its log: {path}", lines)

    def _log(self, process: Process) -> Path:
        return self._folder / f"{process.name}.log"


@contextmanager
def _lock(process: Process, folder: Path) -> Iterator[None]:
    """Two launchers would take each other's sockets away. The lock ends with its holder."""
    path = folder / f"{process.name}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LaunchError(
                f"{process.name} is already running, started by process {file.read()}"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What happened first; the rest followed from it."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _kill_group(child: asyncio.subprocess.Process) -> None:
    """Kills what is left of a process and of the workers that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended by itself with status {code}"
