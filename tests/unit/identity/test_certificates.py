"""What stands in the certificates that the authority makes."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid, SvidError

from .conftest import ASR, DAY


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


@pytest.fixture
def svid(authority):
    return authority.issue(ASR, DAY)


@pytest.fixture
def root(authority):
    return x509.load_pem_x509_certificate(authority.bundle())


def test_a_leaf_names_its_identity_once_and_every_dns_name_of_it(svid):
    names = extension(svid.leaf, x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [str(ASR)]
    assert names.get_values_for_type(x509.DNSName) == list(ASR.dns_names)
    assert names.get_values_for_type(x509.IPAddress) == []
    assert svid.id == ASR


def test_further_dns_names_stand_beside_them(authority):
    svid = authority.issue(ASR, DAY, ["localhost"])

    assert svid.dns_names == (*ASR.dns_names, "localhost")


def test_a_leaf_serves_at_both_ends_and_signs_no_other(svid):
    usage = extension(svid.leaf, x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    key_usage = extension(svid.leaf, x509.KeyUsage)
    assert key_usage.critical
    assert key_usage.value.digital_signature
    assert not key_usage.value.key_cert_sign
    assert extension(svid.leaf, x509.BasicConstraints).value.ca is False


def test_keys_are_ecdsa_on_p256(svid, root):
    for certificate in (svid.leaf, root):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)


def test_a_root_signs_leaves_of_its_trust_domain_alone(root):
    basic = extension(root, x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    constraints = extension(root, x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.UniformResourceIdentifier("cluster.local")]
    assert extension(root, x509.KeyUsage).value.key_cert_sign


def test_a_leaf_of_another_trust_domain_is_not_issued(authority):
    with pytest.raises(ConfigurationError, match="trust domain"):
        authority.issue(SpiffeId("asr", trust_domain="example.org"), DAY)


def test_a_leaf_is_valid_for_its_time_and_a_little_before(svid, clock):
    assert svid.not_after == clock.now + DAY
    assert svid.not_before == clock.now - timedelta(minutes=2)
    assert svid.is_valid(clock.now)
    assert not svid.is_valid(clock.now + DAY)
    assert not svid.is_valid(clock.now - timedelta(minutes=3))


@pytest.mark.parametrize("ttl", [timedelta(seconds=10), timedelta(minutes=1), DAY])
def test_half_of_any_life_is_ahead(authority, clock, ttl):
    svid = authority.issue(ASR, ttl)

    assert clock.now + 0.4 * ttl < svid.renew_at <= clock.now + 0.5 * ttl


def test_a_leaf_ends_with_its_root(authority, root, clock):
    clock.now = root.not_valid_after_utc - timedelta(hours=1)

    assert authority.issue(ASR, DAY).not_after == root.not_valid_after_utc


@pytest.mark.parametrize("years", [11, -1])
def test_a_root_that_is_not_valid_now_signs_nothing(authority, clock, years):
    authority.bundle()
    clock.advance(days=365 * years)

    with pytest.raises(ConfigurationError, match="not now; check the clock"):
        authority.issue(ASR, DAY)


def test_no_two_leaves_share_key_or_serial(authority, svid):
    other = authority.issue(ASR, DAY)

    assert other.key != svid.key
    assert other.leaf.serial_number != svid.leaf.serial_number


@pytest.mark.parametrize("mismatch", ["another's key", "no key", "no certificate", "no bundle"])
def test_files_that_do_not_belong_together_are_refused(authority, svid, mismatch):
    files = {"certificate": svid.certificate, "key": svid.key, "bundle": svid.bundle}
    files |= {
        "another's key": {"key": authority.issue(ASR, DAY).key},
        "no key": {"key": b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"},
        "no certificate": {"certificate": b"?"},
        "no bundle": {"bundle": b""},
    }[mismatch]

    with pytest.raises(SvidError) as refused:
        Svid.parse(**files)

    assert "c2VjcmV0" not in str(refused.value)


def test_a_certificate_that_is_no_svid_is_refused(authority, svid):
    root = authority.bundle()
    with pytest.raises(SvidError):
        Svid.parse(root, svid.key, root)


def test_what_is_printed_of_an_svid_holds_no_key(svid):
    body = svid.key.decode().splitlines()[1]

    assert body not in repr(svid)
    assert body not in str(svid)
    assert "asr" in repr(svid)
