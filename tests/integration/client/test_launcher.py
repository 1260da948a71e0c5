"""The launcher, with processes that are small and do as they are told."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linly_mesh.proxy.launcher import LaunchError, Process, State, launched
from linly_mesh.proxy.readiness import GrpcHealth

SCRIPT = Path(__file__).with_name("fake_process.py")
LAUNCH = """
import asyncio, sys
from pathlib import Path
from linly_mesh.proxy.launcher import Process, launched
from linly_mesh.proxy.readiness import GrpcHealth
async def main():
    name, target, folder, *command = sys.argv[1:]
    async with launched([Process(name, command, GrpcHealth(target))], Path(folder)):
        print("ready", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Stage:
    """Where processes are made and what they have done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal"

    def process(self, name: str, *mode: str, after: tuple[str, ...] = ()) -> Process:
        target = f"unix:{self.folder}/{name}.sock"
        command = (sys.executable, str(SCRIPT), name, target, str(self.path), *mode)
        return Process(name, command, GrpcHealth(target), depends_on=after)

    @property
    def journal(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def pid(self) -> int:
        """Of the worker that an "orphan" left."""
        return next(int(line.split()[-1]) for line in self.journal if "worker" in line)


@pytest.fixture
def stage(tmp_path) -> Stage:
    return Stage(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    """Other processes give no event to wait for."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rsplit(") ", 1)[1].startswith("Z")  # its heir has not noticed yet


async def lose_connection(process: Process, folder: Path) -> None:
    async with launched([process], folder):
        _kill_child_of(folder)
        raise ConnectionError("the connection was lost")


async def test_each_starts_when_those_it_needs_are_ready_and_stops_before_them(stage):
    processes = [stage.process("c", after=("a", "b")), stage.process("a"), stage.process("b")]
    seen = []
    async with launched(
        processes, stage.folder, on_change=lambda p, state: seen.append((p.name, state))
    ):
        order = stage.journal
        assert order.index("c started") > order.index("a serves")
        assert order.index("c started") > order.index("b serves")
        assert seen[-1] == ("c", State.READY)
    assert stage.journal[-3] == "c stopped"
    assert set(stage.journal[-2:]) == {"a stopped", "b stopped"}
    assert {state for name, state in seen if name == "a"} == set(State)


async def test_independent_ones_start_side_by_side(stage):
    seen = []
    async with launched(
        [stage.process("a"), stage.process("b")],
        stage.folder,
        on_change=lambda p, state: seen.append(state),
    ):
        assert seen[:2] == [State.STARTING, State.STARTING]


async def test_a_dependency_that_is_not_ours_is_taken_to_be_there(stage):
    async with launched([stage.process("c", after=("a",))], stage.folder):
        assert "c serves" in stage.journal


async def test_one_that_does_not_start_is_named_with_its_last_words(stage):
    processes = [stage.process("a"), stage.process("b", "crash", after=("a",))]
    with pytest.raises(LaunchError, match="b ended by itself with status 3") as caught:
        async with launched(processes, stage.folder):
            pytest.fail("nobody was ready")
    assert caught.value.log[-1] == "ValueError: the model is broken"
    assert stage.journal[-1] == "a stopped"


async def test_a_command_that_does_not_exist_is_told(stage):
    process = Process("a", ("/no/such/program",), GrpcHealth("unix:/tmp/none"))
    with pytest.raises(LaunchError, match="a ended by itself with status 1") as caught:
        async with launched([process], stage.folder):
            pytest.fail("nobody was ready")
    assert (
        "/no/such/program" in " ".join(caught.value.log) or "No such file" in caught.value.log[-1]
    )


async def test_a_crash_cancels_the_block_and_is_what_is_told(stage):
    async def watch():
        async with launched([stage.process("a", "orphan")], stage.folder):
            _kill_child_of(stage.folder)
            await asyncio.Event().wait()

    with pytest.raises(LaunchError, match="a was killed by SIGKILL"):
        await asyncio.wait_for(watch(), 20)
    await until(lambda: is_gone(stage.pid()))  # nor does its worker stay behind


async def test_a_call_that_failed_because_of_a_crash_tells_of_the_crash(stage):
    with pytest.raises(LaunchError, match="a was killed by SIGKILL"):
        await lose_connection(stage.process("a"), stage.folder)


async def test_what_fails_in_the_block_is_what_is_told(stage):
    with pytest.raises(ValueError, match="mine"):
        async with launched([stage.process("a")], stage.folder):
            raise ValueError("mine")
    assert stage.journal[-1] == "a stopped"


async def test_one_that_never_gets_ready_is_named_with_the_time_it_had(stage):
    with pytest.raises(LaunchError, match="a was not ready after 1 s"):
        async with launched([stage.process("a", "silent")], stage.folder, ready_timeout=1):
            pytest.fail("it was not ready")
    assert stage.journal[-1] == "a stopped"


async def test_one_that_does_not_stop_is_killed_with_all_it_started(stage):
    async with launched([stage.process("a", "stubborn", "orphan")], stage.folder, grace=0.3):
        pass
    assert "a stopped" not in stage.journal
    await until(lambda: is_gone(stage.pid()))


async def test_a_second_launcher_is_told_who_runs_it(stage):
    async with launched([stage.process("a")], stage.folder):
        started = f"a is already running, started by process {os.getpid()}"
        with pytest.raises(LaunchError, match=started):
            async with launched([stage.process("a")], stage.folder):
                pytest.fail("it took the first one's socket")
        assert stage.journal.count("a started") == 1


async def test_a_socket_that_somebody_else_serves_is_left_alone(stage, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with launched([stage.process("a")], stage.folder):
        with pytest.raises(LaunchError, match="something else answers"):
            async with launched([stage.process("a")], elsewhere):
                pytest.fail("it took the first one's socket")


async def test_a_name_is_free_again_after_the_block(stage):
    for _ in range(2):
        async with launched([stage.process("a")], stage.folder):
            pass
    assert stage.journal.count("a stopped") == 2


async def test_cancelling_while_they_start_leaves_nothing_behind(stage):
    async def start():
        async with launched([stage.process("a"), stage.process("b", "silent")], stage.folder):
            pytest.fail("b is never ready")

    starting = asyncio.create_task(start())
    await until(lambda: "b started" in stage.journal)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not _children_in(stage.folder)


async def test_a_second_cancel_does_not_wait_for_those_that_do_not_stop(stage):
    stopping = asyncio.Event()

    def watch(process, state):
        if state is State.STOPPING:
            stopping.set()

    async def run():
        processes = [stage.process("a", "stubborn")]
        async with launched(processes, stage.folder, on_change=watch, grace=600):
            pass

    running = asyncio.create_task(run())
    await stopping.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not _children_in(stage.folder))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's own")
async def test_a_launcher_that_is_killed_takes_its_processes_along(stage):
    process = stage.process("a")
    launcher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LAUNCH, "a", f"unix:{stage.folder}/a.sock", str(stage.folder)),
        *process.command,
        stdout=asyncio.subprocess.PIPE,
    )
    assert launcher.stdout is not None
    await launcher.stdout.readline()
    (child,) = _children_of(launcher.pid)
    launcher.kill()
    await launcher.wait()
    await until(lambda: is_gone(child))
    assert stage.journal[-1] == "a stopped"


def _kill_child_of(folder: Path) -> None:
    (child,) = _children_in(folder)
    os.kill(child, signal.SIGKILL)


def _children_in(folder: Path) -> list[int]:
    """Those of this test: it shares its process with others that have children of their own."""
    return [pid for pid in _children_of(os.getpid()) if str(folder) in _command_line(pid)]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""  # it has just ended


def _children_of(pid: int) -> list[int]:
    """Those that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rsplit(") ", 1)[1].split()[:2]
        except OSError:
            continue  # it has just ended
        if int(parent) == pid and state != "Z":
            found.append(int(path.parent.name))
    return found
