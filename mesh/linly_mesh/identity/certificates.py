"""The certificates of the mesh: what stands in a root and in a leaf, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId

_CLOCK_SKEW = timedelta(minutes=2)
"""Certificates begin so much earlier, for peers whose clocks are behind (Istio's figure)."""
_SIGNING = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
_PROVING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def new_key() -> ec.EllipticCurvePrivateKey:
    """ECDSA on P-256, which every TLS library takes."""
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8 in PEM, without a password: the file's mode protects it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_from_pem(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The opposite of ``key_to_pem``.

    Raises:
        ConfigurationError: it is not such a key.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise ConfigurationError("the authority's key can't be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the authority's key is not of an elliptic curve")
    return key


def certificate_to_pem(certificate: x509.Certificate) -> bytes:
    """PEM."""
    return certificate.public_bytes(Encoding.PEM)


def make_root(
    key: ec.EllipticCurvePrivateKey, trust_domain: str, begin: datetime, lifetime: timedelta
) -> x509.Certificate:
    """A self-signed root that can sign leaves of its trust domain and nothing else.

    Its name constraints hold for URIs and IP addresses. DNS names can't be constrained to the
    trust domain, because the mesh's short ones (``asr``) are outside of it.
    """
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The key's identifier in the name keeps two roots apart while one replaces the other.
    name = f"linly-talker development {subject_key.digest.hex()[:8]}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.UniformResourceIdentifier(trust_domain)],
        excluded_subtrees=[
            x509.IPAddress(IPv4Network("0.0.0.0/0")),
            x509.IPAddress(IPv6Network("::/0")),
        ],
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _CLOCK_SKEW)
        .not_valid_after(begin + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNING, critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(subject_key, critical=False)
        .sign(key, hashes.SHA256())
    )


def make_leaf(
    spiffe_id: SpiffeId,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    begin: datetime,
    ttl: timedelta,
    extra_dns_names: Sequence[str] = (),
) -> x509.Certificate:
    """A certificate of one workload or person, for both ends of a connection.

    It ends with its issuer if that ends first: nobody would believe it longer.
    """
    # A tenth at most, so that half of a very short life is still ahead.
    begins = begin - min(_CLOCK_SKEW, ttl / 10)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(str(spiffe_id))]
    names += [x509.DNSName(name) for name in (*spiffe_id.dns_names, *extra_dns_names)]
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    issuer_public = issuer_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, spiffe_id.service_account)])
        )
        .issuer_name(issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(begins, issuer.not_valid_before_utc))
        .not_valid_after(min(begin + ttl, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_PROVING, critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
