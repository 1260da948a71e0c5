"""What is good stays, whatever goes wrong."""

import asyncio
import contextlib
import logging

import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.rotation import Rotation

from .conftest import ASR, DAY


class Scripted:
    """Answers each refresh with the next of its script, the last for ever."""

    id = ASR

    def __init__(self, loop, *script):
        self._loop = loop
        self._script = list(script)
        self.asked = asyncio.Queue()

    def files(self):
        raise AssertionError("a rotation reads what refresh gives, and no files")

    def refresh(self):
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self._loop.call_soon_threadsafe(self.asked.put_nowait, step)
        if isinstance(step, Exception):
            raise step
        return step


@contextlib.asynccontextmanager
async def running(rotation):
    task = asyncio.create_task(rotation.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def svid(authority):
    return authority.issue(ASR, DAY)


@pytest.fixture
def renewed(authority):
    return authority.issue(ASR, DAY)


async def test_a_workload_that_can_have_no_certificate_does_not_start():
    source = Scripted(asyncio.get_running_loop(), ConfigurationError("no authority"))

    with pytest.raises(ConfigurationError, match="no authority"):
        await Rotation([source]).start()


async def test_it_goes_on_after_failures_and_keeps_what_it_had(svid, renewed, clock, caplog):
    failures = (ConfigurationError("authority is damaged"), OSError("disk full"))
    source = Scripted(asyncio.get_running_loop(), svid, *failures, svid, renewed)
    rotation = Rotation([source], interval=0.01, first_retry=0.01, clock=clock)
    await rotation.start()
    caplog.set_level(logging.INFO)

    async with running(rotation):
        while await source.asked.get() is not failures[1]:
            pass
        assert rotation.current("asr") == svid
        while await source.asked.get() is not renewed:
            pass
        await source.asked.get()  # once more: the last answer has been taken in
        assert rotation.current("asr") == renewed

    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [text for text in warnings if "disk full" in text]
    assert all("keeps its certificate until 2026-03-02 12:00:00 UTC" in text for text in warnings)
    assert svid.key.decode().splitlines()[1] not in caplog.text


async def test_an_expired_certificate_is_called_so(svid, clock, caplog):
    failure = ConfigurationError("no authority")
    source = Scripted(asyncio.get_running_loop(), svid, failure)
    rotation = Rotation([source], interval=0.01, first_retry=0.01, clock=clock)
    await rotation.start()
    clock.advance(hours=25)

    async with running(rotation):
        await source.asked.get()
        for _ in range(3):
            assert await source.asked.get() is failure

    assert "has an expired certificate" in caplog.text


async def test_one_that_fails_does_not_hold_up_another(svid, renewed, clock):
    loop = asyncio.get_running_loop()
    failing = Scripted(loop, svid, OSError("disk full"))
    good = Scripted(loop, svid, renewed)
    failing.id = ASR
    rotation = Rotation([failing, good], interval=0.01, first_retry=60, clock=clock)
    await rotation.start()

    async with running(rotation):
        async with asyncio.timeout(5):
            while await good.asked.get() is not renewed:
                pass


async def test_cancelling_it_ends_it(svid):
    source = Scripted(asyncio.get_running_loop(), svid)
    task = asyncio.create_task(Rotation([source], interval=60).run())
    await source.asked.get()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
