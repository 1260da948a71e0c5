"""Envoy follows the folder of an SVID: it is who reads it in earnest."""

import asyncio
import contextlib
import http.client
import json
import socket
import subprocess
import sysconfig
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.volume import Volume

from .conftest import Conversation, Echo, ask, presented

ASR = SpiffeId("asr")
CALLER = SpiffeId("orchestrator")
HOUR = timedelta(hours=1)
RENEWALS = 200
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

pytest.importorskip("envoy", reason="needs linly-mesh[proxy]")


def sds(folder, name, content):
    """A file that holds one secret, and the reference to it."""
    resource = {"@type": f"{TLS}.Secret", "name": name, **content}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"resources": [resource]}))
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}
    return {"name": name, "sds_config": source}


def bootstrap(folder, files, application):
    """Terminates mTLS with the SVID in ``files``, in front of the socket ``application``."""
    watched = {"watched_directory": {"path": str(files.folder)}}
    certificate = {
        "certificate_chain": {"filename": str(files.certificate)},
        "private_key": {"filename": str(files.key)},
    }
    roots = {"trusted_ca": {"filename": str(files.bundle)}}
    tls = {
        "@type": f"{TLS}.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "alpn_protocols": ["h2"],
            "tls_certificate_sds_secret_configs": [
                sds(folder, "own", {"tls_certificate": certificate | watched})
            ],
            "validation_context_sds_secret_config": sds(
                folder, "roots", {"validation_context": roots | watched}
            ),
        },
    }
    connections = {
        "@type": f"type.googleapis.com/{HTTP}",
        "stat_prefix": "in",
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "app",
                    "domains": ["*"],
                    "routes": [
                        {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}
                    ],
                }
            ]
        },
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [
            {
                "filters": [{"name": "http", "typed_config": connections}],
                "transport_socket": {"name": "tls", "typed_config": tls},
            }
        ],
    }
    cluster = {
        "name": "app",
        "load_assignment": {
            "cluster_name": "app",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": application}}}}]}
            ],
        },
        "typed_extension_protocol_options": {
            OPTIONS: {
                "@type": f"type.googleapis.com/{OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
    }
    return {
        "node": {"id": "asr", "cluster": "asr"},
        "admin": {"address": {"pipe": {"path": str(folder / "admin.sock"), "mode": 0o600}}},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


async def ask_admin(folder, path):
    def ask():
        connection = http.client.HTTPConnection("admin")
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.connect(str(folder / "admin.sock"))
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None

    return await asyncio.to_thread(ask)


async def listening_port(envoy, folder):
    """Where Envoy listens, once it is ready."""
    async with asyncio.timeout(20):
        while True:
            assert envoy.poll() is None, (folder / "log").read_text()[-500:]
            try:
                if await ask_admin(folder, "/ready"):
                    text = await ask_admin(folder, "/listeners")
                    return text.strip().rsplit(":", 1)[1]
            except OSError:
                pass  # it does not listen yet
            await asyncio.sleep(0.02)


@pytest.fixture
def server_svid(authority, tmp_path):
    svid = IssuedSvid(authority, ASR, tmp_path / "asr", HOUR)
    svid.refresh()
    return svid


@pytest.fixture
async def target(server_svid, tmp_path):
    folder = tmp_path / "e"
    folder.mkdir()
    server = grpc.aio.server(handlers=[Echo()])
    server.add_insecure_port(f"unix:{folder}/app.sock")
    await server.start()
    configuration = bootstrap(folder, server_svid.files(), f"{folder}/app.sock")
    (folder / "envoy.json").write_text(json.dumps(configuration))
    binary = Path(sysconfig.get_path("scripts")) / "envoy"
    command = [binary, "-c", folder / "envoy.json", "--concurrency", "1", "--use-dynamic-base-id"]
    with (folder / "log").open("wb") as log:
        envoy = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"127.0.0.1:{await listening_port(envoy, folder)}"
    finally:
        envoy.terminate()
        envoy.wait(10)
        await server.stop(0)


async def until_presented(target, caller, svid):
    async with asyncio.timeout(5):
        while await presented(target, caller) != svid.leaf:
            await asyncio.sleep(0.005)


async def rejections(folder):
    """How often Envoy could not use what it found."""
    text = await ask_admin(folder, "/stats?filter=key_rotation_failed|update_rejected")
    counts = [int(line.rsplit(": ", 1)[1]) for line in text.splitlines() if line]
    assert counts
    return sum(counts)


async def test_it_takes_every_renewal_and_never_a_mismatched_pair(
    target, server_svid, authority, tmp_path
):
    caller = authority.issue(CALLER, HOUR)
    stream = Conversation(target, caller)
    for _ in range(RENEWALS):
        renewed = server_svid.renew()
        await stream.exchange()
    await until_presented(target, caller, renewed)

    assert await rejections(tmp_path / "e") == 0
    assert await stream.close() is grpc.StatusCode.OK


async def test_a_roll_over_of_the_root_drops_nothing(target, server_svid, authority, tmp_path):
    callers = IssuedSvid(authority, CALLER, tmp_path / "orchestrator", HOUR)
    of_old_root = callers.refresh()
    streams = [Conversation(target, of_old_root)]

    for step in (authority.stage_root, authority.promote_root, authority.retire_root):
        step()
        await until_presented(target, callers.refresh(), server_svid.refresh())
        await ask(target, callers.refresh())
        streams.append(Conversation(target, callers.refresh()))
        for stream in streams:
            await stream.exchange()

    async with asyncio.timeout(5):
        with pytest.raises(grpc.aio.AioRpcError):
            while True:  # until the bundle without the old root has arrived
                await ask(target, of_old_root, bundle=callers.refresh().bundle)
    assert {await stream.close() for stream in streams} == {grpc.StatusCode.OK}


async def test_a_mismatched_pair_is_rejected_and_the_old_one_serves(
    target, server_svid, authority, tmp_path
):
    caller = authority.issue(CALLER, HOUR)
    before = server_svid.refresh()
    files = server_svid.files()
    volume = Volume(files.folder)
    with volume.locked():
        content = {
            files.certificate.name: before.certificate,
            files.key.name: authority.issue(ASR, HOUR).key,
            files.bundle.name: before.bundle,
        }
        volume.write(content)
    async with asyncio.timeout(5):
        while await rejections(tmp_path / "e") == 0:
            await asyncio.sleep(0.01)

    assert await presented(target, caller) == before.leaf

    await until_presented(target, caller, server_svid.refresh())
    await ask(target, caller)
