"""What holds on to memory in a running service is named, by line, tensor or process."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_client.cli.console import console
from linly_client.cli.memory import show
from linly_mesh.proxy.readiness import GrpcHealth
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.status import error_info, from_rpc_error

SCRIPT = Path(__file__).with_name("leaking_service.py")
LEAK = next(n for n, line in enumerate(SCRIPT.read_text().splitlines(), 1) if "# the leak" in line)
CALLS, SIZE = 20, 200_000


class Service:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.admin = admin_pb2_grpc.AdminServiceStub(channel)
        self.voices = tts_pb2_grpc.TtsServiceStub(channel)

    async def start(self, **fields) -> None:
        await self.admin.StartMemoryTrace(admin_pb2.StartMemoryTraceRequest(**fields))

    async def growth(self, **fields) -> admin_pb2.GetMemoryGrowthResponse:
        return await self.admin.GetMemoryGrowth(admin_pb2.GetMemoryGrowthRequest(**fields))

    async def stop(self) -> None:
        await self.admin.StopMemoryTrace(admin_pb2.StopMemoryTraceRequest())

    async def leak(self, calls: int = CALLS) -> None:
        for _ in range(calls):
            await self.voices.ListVoices(tts_pb2.ListVoicesRequest())


@asynccontextmanager
async def leaking(folder: Path, *mode: str):
    address = f"unix:{folder}/s"
    process = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), address, *mode)
    try:
        async with asyncio.timeout(30):
            await GrpcHealth(address).until_ready()
        async with open_channel(address) as channel:
            yield Service(channel)
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    async with leaking(tmp_path_factory.mktemp("leak")) as service:
        yield service


@pytest.fixture
async def service(running):
    yield running
    await running.stop()


async def refusal(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), error_info(from_rpc_error(caught.value, "leak")).reason


async def test_the_line_that_holds_on_is_named_first(service):
    await service.start()
    await service.leak()
    growth = await service.growth()
    worst = growth.allocations[0]
    assert worst.frames[0].file.endswith("leaking_service.py")
    assert worst.frames[0].line == LEAK
    assert worst.size_diff == pytest.approx(CALLS * SIZE, rel=0.01)
    assert CALLS <= worst.count_diff <= CALLS + 1  # the list that keeps them may have grown
    assert growth.traced_bytes > CALLS * SIZE


async def test_what_was_held_before_the_trace_does_not_count(service):
    await service.leak(50)
    await service.start()
    await service.leak(2)
    (worst,) = (await service.growth(max_results=1)).allocations
    assert 2 <= worst.count_diff <= 3


async def test_the_process_is_among_those_that_have_grown(service):
    await service.start()
    await service.leak(200)
    (main,) = (each for each in (await service.growth()).processes if each.main)
    assert main.rss_diff > 100 * SIZE


async def test_tensors_are_named_by_their_shape(tmp_path):
    async with leaking(tmp_path, "torch") as service:
        await service.leak(1)
        await service.start()
        await service.leak(5)
        worst = (await service.growth()).tensors[0]
    assert (worst.device, worst.dtype, list(worst.shape)) == ("cpu", "float32", [64, 1024])
    assert (worst.count_diff, worst.size_diff) == (5, 5 * 64 * 1024 * 4)


async def test_without_a_trace_there_is_nothing_to_tell(service):
    failed = (grpc.StatusCode.FAILED_PRECONDITION, "NO_TRACE")
    assert await refusal(service.growth()) == failed


async def test_there_is_one_trace_at_a_time(service):
    await service.start()
    failed = (grpc.StatusCode.FAILED_PRECONDITION, "TRACE_RUNNING")
    assert await refusal(service.start()) == failed
    await service.stop()
    await service.start()


async def test_a_forgotten_trace_ends_by_itself(service):
    await service.start(ttl=to_duration(0.3))
    async with asyncio.timeout(5):
        while True:
            try:
                await service.growth()
            except grpc.aio.AioRpcError:
                break
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "fields", [{"traceback_limit": 26}, {"ttl": to_duration(0)}, {"ttl": to_duration(4000)}]
)
async def test_limits_are_kept(service, fields):
    assert (await refusal(service.start(**fields)))[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_what_is_shown_fits_80_columns(service):
    await service.start(traceback_limit=3)
    await service.leak()
    growth = await service.growth(max_results=5)
    with console.capture() as captured:
        console.width = 80
        show(growth)
    assert f"leaking_service.py:{LEAK}" in captured.get()
    assert "MiB" in captured.get()
    assert max(len(line) for line in captured.get().splitlines()) <= 80
