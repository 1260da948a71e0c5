"""A SPIFFE verifiable identity document (X.509-SVID): what a workload proves itself with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId


class SvidError(ConfigurationError):
    """The files are not a certificate, its key and its roots."""


@dataclass(frozen=True, slots=True)
class SvidFiles:
    """Where an Envoy or a client finds an SVID; the folder is what it watches for changes."""

    folder: Path
    """Holds the three files; a change shows as a rename in it."""
    certificate: Path
    """PEM, the leaf first."""
    key: Path
    """PEM, PKCS #8."""
    bundle: Path
    """PEM, the roots to believe others by."""

    @classmethod
    def named(cls, folder: Path, names: tuple[str, str, str]) -> Self:
        """The files by these names, in the order of the fields."""
        certificate, key, bundle = (folder / name for name in names)
        return cls(folder, certificate, key, bundle)


@dataclass(frozen=True, slots=True)
class Svid:
    """A certificate with its key, and the roots by which others are believed."""

    id: SpiffeId
    """Whom it names: the one URI among the certificate's subject alternative names."""
    not_before: datetime
    """UTC."""
    not_after: datetime
    """UTC."""
    certificate: bytes = field(repr=False)
    """PEM, the leaf first."""
    key: bytes = field(repr=False)
    """PEM, PKCS #8, not encrypted."""
    bundle: bytes = field(repr=False)
    """PEM, one root or, during a roll-over, more."""

    @classmethod
    def parse(cls, certificate: bytes, key: bytes, bundle: bytes) -> Self:
        """Reads PEM, and checks that key and certificate belong together.

        Raises:
            SvidError: they don't, or one of the three is not what it should be. The message
                holds nothing of the key.
        """
        leaf = _load("certificate", certificate)
        _load("bundle", bundle)
        try:
            public = load_pem_private_key(key, password=None).public_key()
        except (ValueError, TypeError):
            # Not chained: the parser's own words could quote what it read.
            raise SvidError("the key is not a private key in PEM without a password") from None
        if public != leaf.public_key():
            raise SvidError("the key is not that of the certificate")
        return cls(
            id=_spiffe_id(leaf),
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            certificate=certificate,
            key=key,
            bundle=bundle,
        )

    @property
    def leaf(self) -> x509.Certificate:
        """The workload's own certificate."""
        return x509.load_pem_x509_certificate(self.certificate)

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The certificate's DNS names, in its order."""
        names = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(names.get_values_for_type(x509.DNSName))

    @property
    def renew_at(self) -> datetime:
        """Half of its life: as much time again is left to try."""
        return self.not_before + (self.not_after - self.not_before) / 2

    def is_valid(self, now: datetime) -> bool:
        """Whether a peer whose clock shows ``now`` takes it."""
        return self.not_before <= now < self.not_after


def utc_now() -> datetime:
    """The wall clock, which is what certificates are valid by."""
    return datetime.now(UTC)


def _load(what: str, pem: bytes) -> x509.Certificate:
    """The first of the certificates, all of which are read."""
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError as error:
        raise SvidError(f"the {what} is not PEM: {error}") from error


def _spiffe_id(leaf: x509.Certificate) -> SpiffeId:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise SvidError("the certificate names nobody") from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:  # X.509-SVID §2: exactly one
        raise SvidError(f"the certificate has {len(uris)} URI names; an SVID has one")
    return SpiffeId.parse(uris[0])
