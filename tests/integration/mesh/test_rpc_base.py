"""The base of every server and client, driven with the TTS contract as the example."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc.code_pb2 import INVALID_ARGUMENT
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.errors import ServiceError, invalid_argument
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.rpc.requests import RequestReader
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.rpc.status import bad_request, error_info, from_rpc_error
from linly_mesh.workload import Workload

Request = tts_pb2.StreamingSynthesizeRequest
Response = tts_pb2.StreamingSynthesizeResponse


class Scripted(tts_pb2_grpc.TtsServiceServicer):
    """Fails in the way that the text asks for."""

    async def StreamingSynthesize(self, request_iterator, context) -> AsyncIterator[Response]:
        reader = RequestReader(request_iterator)
        await reader.config()
        async for _, request in reader:
            match request.text.text:
                case "bad":
                    raise invalid_argument("text.text", "is bad")
                case "full":
                    raise ServiceError(
                        grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", "later", retry_after=1.5
                    )
                case "crash":
                    raise RuntimeError("secret detail")
            yield Response(flushed=tts_pb2.Flushed())
        yield Response(finished=tts_pb2.Finished())


@pytest.fixture
async def target(tmp_path):
    workload = Workload()
    service = tts_pb2.DESCRIPTOR.services_by_name["TtsService"]
    registration = Registration(service, Scripted(), tts_pb2_grpc.add_TtsServiceServicer_to_server)
    server = create_server("tts", [registration], workload=workload)
    address = f"unix:{tmp_path}/s"
    server.add_insecure_port(address)
    await server.start()
    yield address
    await server.stop(0)


CONFIG = Request(config=tts_pb2.SynthesisConfig())


def text(value: str) -> Request:
    return Request(text=tts_pb2.TextInput(text=value))


async def status_of(target: str, *requests: Request):
    async with open_channel(target) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async with open_duplex(stub.StreamingSynthesize) as call:
                for request in requests:
                    await call.write(request)
                await call.done_writing()
                async for _ in call:
                    pass
    return from_rpc_error(caught.value, "tts")


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ((), "expected config first, got the end of the stream"),
        ((text("a"),), "expected config first, got text"),
        ((Request(),), "expected config first, got an empty message"),
        ((CONFIG, CONFIG), "got a second config"),
        ((CONFIG, Request()), "got an empty message"),
    ],
)
async def test_wrong_order_says_what_was_expected(target, requests, expected):
    status = await status_of(target, *requests)
    assert status.code == INVALID_ARGUMENT
    assert expected in status.message
    assert error_info(status).reason == "OUT_OF_ORDER"
    assert bad_request(status).field_violations[0].field == "request"


async def test_end_is_enough_for_a_client_that_forgets_to_half_close(target):
    async with open_channel(target) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        async with open_duplex(stub.StreamingSynthesize) as call:
            await call.write(CONFIG)
            await call.write(Request(end=tts_pb2.End()))
            assert [r.WhichOneof("response") async for r in call] == ["finished"]


async def test_an_error_names_its_stage_reason_and_field(target):
    status = await status_of(target, CONFIG, text("bad"))
    assert error_info(status).domain == "tts"
    assert bad_request(status).field_violations[0].field == "text.text"


async def test_a_full_queue_hints_when_to_retry(target):
    status = await status_of(target, CONFIG, text("full"))
    assert grpc.StatusCode.RESOURCE_EXHAUSTED.value[0] == status.code
    assert any("RetryInfo" in detail.type_url for detail in status.details)


async def test_a_crash_tells_nothing_of_itself(target):
    status = await status_of(target, CONFIG, text("crash"))
    assert grpc.StatusCode.INTERNAL.value[0] == status.code
    assert "secret" not in str(status)
    assert "Traceback" not in str(status)


async def test_the_real_status_survives_a_client_that_never_stops_writing(target):
    """grpc.aio itself reports INTERNAL for most of these (grpc issue 36066)."""
    async with open_channel(target) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        for _ in range(50):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async with open_duplex(stub.StreamingSynthesize) as call:
                    await call.write(CONFIG)
                    await call.write(text("bad"))
                    while True:
                        await call.write(text("x" * 1000))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_leaving_a_duplex_block_cancels_the_call(target):
    async with open_channel(target) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        async with open_duplex(stub.StreamingSynthesize) as call:
            await call.write(CONFIG)
        with pytest.raises(asyncio.CancelledError):
            await call.read()


async def test_an_unreachable_server_is_unavailable(tmp_path):
    async with open_channel(f"unix:{tmp_path}/nobody") as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async with open_duplex(stub.StreamingSynthesize):
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_every_server_answers_reflection_and_admin(target):
    async with open_channel(target) as channel:
        workload = await admin_pb2_grpc.AdminServiceStub(channel).GetWorkload(
            admin_pb2.GetWorkloadRequest()
        )
        assert workload.started_total == 0
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        async with open_duplex(stub.ServerReflectionInfo) as call:
            await call.write(reflection_pb2.ServerReflectionRequest(list_services="*"))
            answer = await call.read()
    names = {service.name for service in answer.list_services_response.service}
    assert {"linly.tts.v1.TtsService", "linly.admin.v1.AdminService"} <= names
