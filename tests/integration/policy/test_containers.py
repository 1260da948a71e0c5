"""Pairs in containers: the commands that compose.yaml gives them, in folders of a test's own."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from types import MappingProxyType

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from integration.policy.proxies import ENVOY, envoy, outcome, proxied

from linly_mesh.identity.svid import Svid
from linly_mesh.proxy.policy.workloads import Port

RECOGNIZE = "/linly.asr.v1.AsrService/StreamingRecognize"
NAMES = ("asr", "llm", "tts", "animator", "orchestrator", "prometheus")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def command(module, *arguments):
    return (sys.executable, "-m", f"linly_mesh.proxy.{module}", *arguments)


@pytest.fixture
def environment(tmp_path):
    """As in the container of the certificates."""
    for name in ("identity", "proxies", "talker"):
        (tmp_path / name).mkdir(mode=0o700)
    return {
        **os.environ,
        "MESH_IDENTITY_FOLDER": str(tmp_path / "identity"),
        "MESH_CONFIGURATION_FOLDER": str(tmp_path / "proxies"),
        "MESH_SOCKET_FOLDER": str(tmp_path / "talker"),
    }


@contextlib.asynccontextmanager
async def provisioning(environment, folder):
    """The service that issues and renews, once all is there."""
    process = await asyncio.create_subprocess_exec(*command("provision", *NAMES), env=environment)
    try:
        while not (folder / "proxies" / "complete").exists():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_every_proxy_gets_a_configuration_that_envoy_takes(environment, tmp_path):
    async with provisioning(environment, tmp_path) as process:
        for name in NAMES:
            bootstrap = tmp_path / "proxies" / name / "bootstrap.yaml"
            done = await asyncio.create_subprocess_exec(
                *(ENVOY, "--mode", "validate", "--log-level", "warning", "-c", bootstrap),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            said = (await done.communicate())[0].decode()
            assert done.returncode == 0, said
            assert "eprecat" not in said
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_every_workload_gets_its_own_certificate(environment, tmp_path):
    async with provisioning(environment, tmp_path):
        for name in NAMES:
            folder = tmp_path / "identity" / "svid" / name
            files = ("cert-chain.pem", "key.pem", "root-cert.pem")
            svid = Svid.parse(*((folder / file).read_bytes() for file in files))
            assert svid.id.service_account == name


async def test_what_is_there_is_kept_when_the_service_starts_again(environment, tmp_path):
    key = tmp_path / "identity" / "svid" / "asr" / "key.pem"
    async with provisioning(environment, tmp_path):
        before = key.read_bytes()
    async with provisioning(environment, tmp_path):
        assert key.read_bytes() == before


def test_a_workload_that_is_not_known_is_an_error_and_gets_no_certificate(environment, tmp_path):
    done = subprocess.run(
        command("provision", "asr", "vocoder"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no workload is called vocoder")
    assert not [*tmp_path.rglob("*.pem")]
    assert not (tmp_path / "proxies" / "complete").exists()


@pytest.mark.parametrize(
    ("state", "has_proxy", "complaint"),
    [
        (SERVING, True, None),
        (NOT_SERVING, True, "the application does not serve"),
        (None, True, "the application does not answer: UNAVAILABLE"),
        (SERVING, False, "the proxy is not ready"),
    ],
    ids=["both", "draining", "no application", "no proxy"],
)
async def test_a_pair_is_healthy_if_both_are(world, tmp_path, state, has_proxy, complaint):
    files = dataclasses.replace(world.files("pair", "prometheus"), proxy=tmp_path / "configuration")
    async with contextlib.AsyncExitStack() as stack:
        if state is not None:
            server = grpc.aio.server()
            servicer = health.aio.HealthServicer()
            await servicer.set("", state)
            health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
            server.add_insecure_port(f"unix:{files.application('grpc')}")
            await server.start()
            stack.push_async_callback(server.stop, 0)
        if has_proxy:
            await stack.enter_async_context(envoy(world, "prometheus", files))
        checked = await asyncio.create_subprocess_exec(
            *command("health", files.runtime), stderr=subprocess.PIPE
        )
        said = (await checked.communicate())[1].decode().strip()
    assert (checked.returncode, said) == ((0, "") if complaint is None else (1, complaint))


async def test_a_workload_is_called_by_its_name(world):
    """The one name that every machine knows stands for the name of a service."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    mesh = world.mesh
    asr = dataclasses.replace(
        mesh.workloads["asr"], address="localhost", ports=(Port("grpc", port),)
    )
    upstream = dataclasses.replace(mesh.upstreams["asr"], workload=asr, port=port)
    named = dataclasses.replace(
        mesh,
        workloads=MappingProxyType({**mesh.workloads, "asr": asr}),
        upstreams=MappingProxyType({**mesh.upstreams, "asr": upstream}),
    )
    there = dataclasses.replace(world, mesh=named)
    async with (
        proxied(there, "asr"),
        proxied(there, "orchestrator") as files,
        grpc.aio.insecure_channel(f"unix:{files.upstream('asr')}") as opened,
    ):
        assert await outcome(opened, RECOGNIZE) is grpc.StatusCode.OK
