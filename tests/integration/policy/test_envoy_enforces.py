"""Real Envoys do what the policy says: every caller, every method, every workload."""

import asyncio
import http.client
import socket
import ssl
from datetime import timedelta

import grpc
import pytest
from integration.policy.proxies import METRICS, OLD, born_earlier, channel, outcome, proxied
from unit.policy.test_shipped_policy import CALLERS, PAGES, PATHS, WORKLOADS

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import Request
from linly_mesh.proxy.policy.decision import decide

OK = grpc.StatusCode.OK
REFUSED = grpc.StatusCode.PERMISSION_DENIED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
METHODS = [path for path in PATHS if path != "/"]  # which gRPC itself would not send
HEALTH = "/grpc.health.v1.Health/Check"


@pytest.fixture(scope="module", params=WORKLOADS)
async def workload(world, request):
    async with proxied(world, request.param):
        yield request.param


def allows(world, workload, caller, method, path, port):
    request = Request(SpiffeId(caller), method, path, port)
    return decide(world.mesh.workloads[workload].policies, request).allowed


async def test_every_caller_and_every_method(world, workload):
    async def measure(caller):
        async with channel(world, workload, world.svid(caller)) as opened:
            codes = await asyncio.gather(*(outcome(opened, path) for path in METHODS))
        return {(caller, path): code for path, code in zip(METHODS, codes, strict=True)}

    measured, expected = {}, {}
    for caller in CALLERS:
        measured |= await measure(caller)
        for path in METHODS:
            allowed = allows(world, workload, caller, "POST", path, 50051)
            expected[caller, path] = OK if allowed else REFUSED
    assert measured == expected
    assert {*measured.values()} == {OK, REFUSED}


def get(world, workload, caller, page):
    svid = world.source(caller).files()
    context = ssl.create_default_context(cafile=svid.bundle)
    context.load_cert_chain(svid.certificate, svid.key)
    host, port = world.target(workload, "http-metrics")
    with (
        socket.create_connection((host, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=workload) as secure,
    ):
        secure.sendall(f"GET {page} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        return answer.status, answer.read()


async def test_metrics_are_for_prometheus_alone(world, workload):
    for caller in CALLERS:
        world.svid(caller)
        for page in PAGES:
            status, body = await asyncio.to_thread(get, world, workload, caller, page)
            allowed = allows(world, workload, caller, "GET", page, 9090)
            assert status == (200 if allowed else 403), (caller, page)
            if status == 200:
                assert body == METRICS if page == "/metrics" else b"envoy_" in body


async def test_without_a_certificate_nothing_is_served(world, workload):
    bundle = world.svid("debug").bundle
    async with channel(world, workload, None, bundle) as opened:
        assert await outcome(opened, HEALTH) is UNAVAILABLE


async def test_a_certificate_of_another_authority_is_worth_nothing(world, workload, tmp_path):
    other = Authority(tmp_path / "other").issue(SpiffeId("debug"), timedelta(hours=1), ())
    async with channel(world, workload, other, world.svid("debug").bundle) as opened:
        assert await outcome(opened, HEALTH) is UNAVAILABLE


async def test_an_expired_certificate_is_worth_nothing(world, workload):
    """The same certificate is taken while it lasts: what is refused is its age."""
    late = born_earlier(world.folder / "authority", OLD)
    for ttl, expected in ((OLD * 2, OK), (OLD / 2, UNAVAILABLE)):
        svid = late.issue(SpiffeId("debug"), ttl, ())
        async with channel(world, workload, svid) as opened:
            assert await outcome(opened, HEALTH) is expected


async def test_plaintext_is_refused(world, workload):
    host, port = world.target(workload)
    async with grpc.aio.insecure_channel(f"{host}:{port}") as opened:
        assert await outcome(opened, HEALTH) is UNAVAILABLE
