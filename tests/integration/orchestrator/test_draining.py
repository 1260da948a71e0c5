"""The orchestrator as a process that is told to stop."""

import asyncio
import signal
import sys

import grpc
import pytest
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.draining import DRAINING
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.rpc.status import error_info, from_rpc_error

from .conftest import Request, TalkCall, talk_config

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
async def process(house, tmp_path):
    """An orchestrator of its own before the stages of the house."""
    environment = {
        f"ORCHESTRATOR_{name.upper()}_TARGET": f"unix:{tmp_path}/{name}" for name in house.stages
    }
    environment["ORCHESTRATOR_LISTEN"] = f"unix:{tmp_path}/own"
    environment["ORCHESTRATOR_METRICS_LISTEN"] = ""
    environment["ORCHESTRATOR_DRAIN_GRACE"] = "10"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "linly_orchestrator", env=environment
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_running_talks_finish_and_new_ones_are_refused(house, process, tmp_path):
    house.llm.tokens = [f"Sentence {n}. " for n in range(8)]  # 1.6 s
    async with open_channel(f"unix:{tmp_path}/own") as channel:
        await channel.channel_ready()
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await health.read()).status == SERVING
        stub = talk_pb2_grpc.TalkServiceStub(channel)
        async with open_duplex(stub.Converse) as call:
            talk = TalkCall(call)
            config = talk_config(mode=talk_pb2.PLAYBACK_MODE_REAL_TIME)
            await talk.send(config=config)
            await talk.text("hi")
            await talk.until("audio")
            process.send_signal(signal.SIGTERM)
            assert (await health.read()).status == NOT_SERVING
            health.cancel()
            await talk.until("audio")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async with (
                    open_channel(f"unix:{tmp_path}/own") as another,
                    open_duplex(talk_pb2_grpc.TalkServiceStub(another).Converse, timeout=1) as new,
                ):
                    await new.write(Request(config=config))
                    await new.read()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert process.returncode is None
            assert (await talk.until("turn_ended"))[-1].turn_ended.status.code == code_pb2.OK
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await talk.rest()
            assert error_info(from_rpc_error(caught.value, "talk")).reason == DRAINING
        assert await asyncio.wait_for(process.wait(), 5) == 0
