"""The service as a process of its own."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from linly.asr.v1 import asr_pb2_grpc
from linly_mesh.rpc.channel import open_channel

from .asr_service import Request, config, finals


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_drains_and_leaves_no_process(
    tmp_path: Path, question: bytes, ending: signal.Signals
) -> None:
    address = f"unix:{tmp_path}/asr.sock"
    environment = {**os.environ, "ASR_LISTEN": address, "ASR_METRICS_LISTEN": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "linly_asr", env=environment, start_new_session=True
    )
    try:
        async with open_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            asked = health_pb2.HealthCheckRequest(service="linly.asr.v1.AsrService")
            answer = await health.Check(asked, wait_for_ready=True, timeout=30)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

            call = asr_pb2_grpc.AsrServiceStub(channel).StreamingRecognize()
            await call.initial_metadata()
            await call.write(config())
            await call.write(Request(audio=question[:40_000]))
            assert (await call.read()).HasField("speech_event")
            children = psutil.Process(process.pid).children(recursive=True)
            assert children
            os.killpg(process.pid, ending)  # as a terminal does, to the whole group
            await call.write(Request(audio=question[40_000:]))
            responses = []
            with pytest.raises(grpc.aio.AioRpcError, match="open the stream anew"):
                while (response := await call.read()) is not grpc.aio.EOF:
                    responses.append(response)
            assert finals(responses) == ["what is the capital of france"]
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert not psutil.wait_procs(children, timeout=2)[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_further_decoder_is_started_without_grpcs_fork_handlers(
    tmp_path: Path, question: bytes
) -> None:
    """They complain of threads that call into gRPC while they run."""
    address = f"unix:{tmp_path}/asr.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "linly_asr",
        env={**os.environ, "ASR_LISTEN": address, "ASR_METRICS_LISTEN": "", "ASR_DECODERS": "3"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with open_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            calls = [asr_pb2_grpc.AsrServiceStub(channel).StreamingRecognize() for _ in range(3)]
            for call in calls:
                await call.write(config(interim_results=True))
                await call.write(Request(audio=question[:40_000]))
            for call in calls:
                assert (await call.read()).HasField("speech_event")
                assert (await call.read()).HasField("result")  # its decoder has begun
            assert len(psutil.Process(process.pid).children()) >= len(calls)
            for call in calls:
                call.cancel()
        process.terminate()
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert b"fork" not in said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_model_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "linly_asr",
        env={
            **os.environ,
            "LINLY_CACHE": str(tmp_path),
            "ASR_LISTEN": f"unix:{tmp_path}/s",
            "ASR_METRICS_LISTEN": "",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate()
    assert process.returncode
    assert error.decode().splitlines() == [
        "error: the weights 'silero-vad' are missing; fetch them with: talker models fetch"
    ]
