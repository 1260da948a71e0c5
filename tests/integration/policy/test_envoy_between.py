"""A call between two workloads, through both of their proxies."""

import contextlib

import grpc
from integration.policy.proxies import FORWARDED, ask_admin, outcome, proxied

RECOGNIZE = "/linly.asr.v1.AsrService/StreamingRecognize"
CREATE_AVATAR = "/linly.animator.v1.AnimatorService/CreateAvatar"
SPOOFED = ((FORWARDED, "URI=spiffe://cluster.local/ns/talker/sa/debug"),)


@contextlib.asynccontextmanager
async def calling_asr(world, *, shown_by_asr="asr"):
    """What the orchestrator's application has: a plaintext channel on its own socket."""
    async with (
        proxied(world, "asr", shown_by_asr),
        proxied(world, "orchestrator") as files,
        grpc.aio.insecure_channel(f"unix:{files.upstream('asr')}") as opened,
    ):
        yield opened, files


async def test_the_application_learns_who_calls_and_not_what_is_claimed(world):
    async with calling_asr(world) as (opened, _):
        caller = await opened.unary_unary(RECOGNIZE)(b"", timeout=10, metadata=SPOOFED)
    names = dict(item.split("=", 1) for item in caller.decode().split(";"))
    assert names["URI"] == "spiffe://cluster.local/ns/talker/sa/orchestrator"
    assert names["By"] == "spiffe://cluster.local/ns/talker/sa/asr"


async def test_what_is_not_allowed_comes_back_as_permission_denied(world):
    async with calling_asr(world) as (opened, _):
        assert await outcome(opened, CREATE_AVATAR) is grpc.StatusCode.PERMISSION_DENIED


async def test_a_server_of_another_identity_is_not_called(world):
    async with calling_asr(world, shown_by_asr="llm") as (opened, files):
        assert await outcome(opened, RECOGNIZE) is grpc.StatusCode.UNAVAILABLE
        statistics = await ask_admin(files.admin, "/stats?filter=asr.*fail_verify_san")
    assert "fail_verify_san: 1" in statistics
