"""A server behind a proxy stops: what a call and a connection meet then."""

import asyncio

import grpc
import pytest

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.rpc.gate import CallGate
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.rpc.status import is_signed
from linly_mesh.workload import Workload

Response = tts_pb2.StreamingSynthesizeResponse
SERVICE = tts_pb2.DESCRIPTOR.services_by_name["TtsService"]


class Patient(tts_pb2_grpc.TtsServiceServicer):
    """Answers once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def StreamingSynthesize(self, requests, context):
        await self.may.wait()
        yield Response(finished=tts_pb2.Finished())


@pytest.fixture
def servicer():
    return Patient()


@pytest.fixture
def gate():
    return CallGate([SERVICE])


@pytest.fixture
async def server(tmp_path, servicer, gate):
    add = tts_pb2_grpc.add_TtsServiceServicer_to_server
    server = create_server(
        "tts",
        [Registration(SERVICE, servicer, add)],
        workload=Workload(),
        gate=gate,
    )
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def channel(server, tmp_path):
    async with open_channel(f"unix:{tmp_path}/s") as channel:
        yield channel


@pytest.fixture
def method(channel):
    return tts_pb2_grpc.TtsServiceStub(channel).StreamingSynthesize


async def test_a_running_call_is_answered_and_a_further_one_refused(servicer, gate, method):
    async with open_duplex(method) as running:
        closing = asyncio.create_task(gate.close(10))
        await asyncio.sleep(0)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with open_duplex(method):
                pass
        assert not closing.done()
        servicer.may.set()
        assert [response async for response in running]
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not is_signed(refused.value)  # so that whoever reaches for the service tries again
    await asyncio.wait_for(closing, 5)


async def test_the_connection_outlives_its_last_call(servicer, gate, channel, method):
    """Who reads late, or writes before he reads, finds what was sent."""
    async with open_duplex(method) as running:
        closing = asyncio.create_task(gate.close(10))
        servicer.may.set()
        assert [response async for response in running]
    assert not closing.done()
    assert channel.get_state() is grpc.ChannelConnectivity.READY
    await asyncio.wait_for(closing, 5)
    assert channel.get_state() is grpc.ChannelConnectivity.READY


async def test_no_call_is_waited_for_beyond_the_grace(gate, method):
    async with open_duplex(method):
        await asyncio.wait_for(gate.close(0.1), 5)


async def test_a_server_at_rest_is_waited_for_a_moment_only(gate, server):
    await asyncio.wait_for(gate.close(30), 5)
