"""Who is believed, by a real server and a real client."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.certificates import (
    certificate_to_pem,
    key_from_pem,
    key_to_pem,
    make_leaf,
    new_key,
)
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid

from .conftest import ECHO, ask, days_ago, serving

ASR = SpiffeId("asr")
CALLER = SpiffeId("orchestrator")
HOUR = timedelta(hours=1)


@pytest.fixture
async def target(authority, tmp_path):
    async with serving(IssuedSvid(authority, ASR, tmp_path / "asr", HOUR)) as address:
        yield address


@pytest.fixture
def caller(authority):
    return authority.issue(CALLER, HOUR)


@pytest.mark.parametrize("name", ASR.dns_names)
async def test_the_right_pair_believes_each_other(target, caller, name):
    assert await ask(target, caller, name=name) == str(CALLER)


@pytest.mark.parametrize("name", ["llm", "localhost", "asr.other", "127.0.0.1"])
async def test_a_server_is_not_taken_for_another(target, caller, name):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(target, caller, name=name)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_expired_client_is_refused(target, caller, authority_of_yesterday):
    expired = authority_of_yesterday.issue(CALLER, HOUR)
    assert expired.bundle == caller.bundle

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(target, expired)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_expired_server_is_refused(caller, authority_of_yesterday, tmp_path):
    # By the clock that it renews by, its certificate is good.
    stale = IssuedSvid(
        authority_of_yesterday, ASR, tmp_path / "stale", HOUR, clock=lambda: days_ago(1)
    )
    async with serving(stale) as target:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(target, caller)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.details())


async def test_the_authority_s_key_makes_nobody_of_another_trust_domain(target, caller, tmp_path):
    root = x509.load_pem_x509_certificate((tmp_path / "authority" / "ca.crt").read_bytes())
    root_key = key_from_pem((tmp_path / "authority" / "ca.key").read_bytes())
    key = new_key()
    foreign = SpiffeId("orchestrator", trust_domain="example.org")
    leaf = make_leaf(foreign, key.public_key(), root, root_key, datetime.now(UTC), HOUR)
    svid = Svid.parse(certificate_to_pem(leaf), key_to_pem(key), caller.bundle)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(target, svid)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_another_authority_is_refused(target, tmp_path, caller):
    stranger = Authority(tmp_path / "stranger").issue(CALLER, HOUR)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(target, stranger, bundle=caller.bundle)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_of_another_authority_is_refused(target, tmp_path, caller):
    stranger = Authority(tmp_path / "stranger")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(target, caller, bundle=stranger.bundle())

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.details())


async def test_no_certificate_is_refused(target, caller):
    credentials = grpc.ssl_channel_credentials(caller.bundle)
    options = (("grpc.default_authority", "asr"),)
    async with grpc.aio.secure_channel(target, credentials, options=options) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            call = opened.stream_stream(ECHO)(timeout=10)
            await call.write(b"?")
            await call.read()

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_plaintext_is_refused(target):
    async with grpc.aio.insecure_channel(target) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            call = opened.stream_stream(ECHO)(timeout=10)
            await call.write(b"?")
            await call.read()

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
