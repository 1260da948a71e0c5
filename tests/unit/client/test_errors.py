import asyncio

import grpc
import pytest

from linly_client.errors import connection_failure, from_call
from linly_mesh.proxy.readiness import check_serving


async def failure(target: str) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check_serving(target)
    return caught.value


async def test_a_missing_socket_is_told_in_the_systems_words(tmp_path):
    where = f"unix:{tmp_path}/s"
    error = from_call(await failure(where), where)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UNREACHABLE")
    assert error.message.endswith(f"not serving ({where}): no such file or directory")


async def test_a_closed_port_is_told_in_the_systems_words():
    listener = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    assert connection_failure(await failure(f"127.0.0.1:{port}")) == "connection refused"


async def test_a_status_without_details_still_names_a_stage_and_reason(tmp_path):
    server = grpc.aio.server()  # knows no service at all
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    error = from_call(await failure(f"unix:{tmp_path}/s"), "there")
    await server.stop(0)
    assert (error.stage, error.reason) == ("talk", "UNIMPLEMENTED")
    assert str(error) == "talk: Method not found! (UNIMPLEMENTED)"
