"""When a step of the model fails, its requests fail and the next ones are answered."""

import asyncio
from contextlib import suppress

import grpc
import pytest
from google.rpc.code_pb2 import UNAVAILABLE

from linly_llm.config import Settings
from linly_llm.engines.transformers import create, sampling
from linly_mesh.errors import ConfigurationError
from linly_mesh.rpc.status import error_info

from .conftest import serving
from .llm_service import request


@pytest.fixture
async def service(tiny_model, tmp_path):
    settings = Settings(model=str(tiny_model), dtype="float32", threads=1, cache_tokens=640)
    async with serving(tmp_path, settings) as service:
        yield service


async def test_a_generation_loop_that_dies_is_replaced(service, monkeypatch):
    other = asyncio.create_task(service.refusal(request("hi", max_new_tokens=500)))
    running = service.call("hi", max_new_tokens=500)
    await running.read()

    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(sampling, "choose", broken)
    statuses = [await service.refusal(request("hi")), await other]
    monkeypatch.undo()

    for status in statuses:
        assert status.code == UNAVAILABLE
        assert error_info(status).reason == "MODEL_RESTARTED"
        assert "secret" not in str(status)
    await service.idle()
    async with asyncio.timeout(10):
        while not await answers(service):
            await asyncio.sleep(0.05)


async def answers(service) -> bool:
    call = service.call("hi", max_new_tokens=3)
    with suppress(grpc.aio.AioRpcError):
        async for _ in call:
            pass
    return await call.code() is grpc.StatusCode.OK


async def test_a_stop_fails_what_runs_and_returns(tiny_model, tmp_path):
    settings = Settings(model=str(tiny_model), dtype="float32", threads=1, cache_tokens=640)
    async with serving(tmp_path, settings) as service:
        call = service.call("hi", max_new_tokens=500)
        await call.read()
    assert service.engine.workload.snapshot().idle


async def test_a_model_that_is_not_there_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot load the model"):
        await create(Settings(model=str(tmp_path))).start()


async def test_a_model_that_fails_at_once_is_a_configuration_error(tiny_model, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(sampling, "choose", broken)
    with pytest.raises(ConfigurationError, match="can't answer"):
        await create(Settings(model=str(tiny_model), threads=1, cache_tokens=640)).start()
