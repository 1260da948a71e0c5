"""The development certificate authority: a root in a folder of its user.

Where Istio or SPIRE runs, they are the authority and this one is not touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.certificates import (
    certificate_to_pem,
    key_from_pem,
    key_to_pem,
    make_leaf,
    make_root,
    new_key,
)
from linly_mesh.identity.spiffe import TRUST_DOMAIN, SpiffeId
from linly_mesh.identity.svid import Svid, utc_now
from linly_mesh.identity.volume import Volume

_ROOT_LIFETIME = timedelta(days=3650)
"""As Istio's self-signed root (``CITADEL_SELF_SIGNED_CA_CERT_TTL``)."""
_CURRENT, _NEXT, _PREVIOUS = "ca", "next", "previous"
_NAMES = tuple(f"{root}.{kind}" for root in (_CURRENT, _NEXT, _PREVIOUS) for kind in ("crt", "key"))


@dataclass(frozen=True, slots=True)
class _Root:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, now: datetime) -> Self:
        key = new_key()
        return cls(make_root(key, TRUST_DOMAIN, now, _ROOT_LIFETIME), key)

    def files(self, name: str) -> dict[str, bytes]:
        return {
            f"{name}.crt": certificate_to_pem(self.certificate),
            f"{name}.key": key_to_pem(self.key),
        }


class Authority:
    """Issues SVIDs, and replaces its root without a moment in which peers disbelieve each other.

    A roll-over is three steps, and each waits until every workload has seen the one before:
    ``stage_root`` makes a second root that all come to believe; ``promote_root`` signs with it
    from now on, and everyone renews; ``retire_root`` ends the belief in the first. Any number
    of processes may share the folder.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime] = utc_now) -> None:
        """Nothing is touched before the first use, which makes the root if there is none."""
        self._volume = Volume(folder)
        self._clock = clock

    def bundle(self) -> bytes:
        """The roots to believe, PEM.

        Raises:
            ConfigurationError: the folder or a key in it is open to others, or unreadable.
        """
        return _bundle(self._files())

    def issue(
        self, spiffe_id: SpiffeId, ttl: timedelta, extra_dns_names: Sequence[str] = ()
    ) -> Svid:
        """A new key and certificate, valid from now for ``ttl`` or until the root ends.

        Raises:
            ConfigurationError: as ``bundle``, or the root is not valid now, or the identity is of
                another trust domain.
        """
        if spiffe_id.trust_domain != TRUST_DOMAIN:
            raise ConfigurationError(f"{spiffe_id} is not of the trust domain {TRUST_DOMAIN}")
        files = self._files()
        root = _root(files, _CURRENT)
        now = self._clock()
        begin, end = root.certificate.not_valid_before_utc, root.certificate.not_valid_after_utc
        if not begin <= now < end:
            raise ConfigurationError(
                f"the authority in {self._volume.folder} is valid from {begin} to {end}, not now; "
                "check the clock, or remove the folder"
            )
        key = new_key()
        leaf = make_leaf(
            spiffe_id, key.public_key(), root.certificate, root.key, now, ttl, extra_dns_names
        )
        return Svid.parse(certificate_to_pem(leaf), key_to_pem(key), _bundle(files))

    def stands_behind(self, svid: Svid) -> bool:
        """Whether the SVID was signed by the root that signs now, and holds today's bundle."""
        files = self._files()
        signer = _root(files, _CURRENT).certificate
        return svid.bundle == _bundle(files) and _is_signed_by(svid.leaf, signer)

    def stage_root(self) -> None:
        """Makes the next root, which is believed and does not sign yet.

        Raises:
            ConfigurationError: a roll-over is under way.
        """
        self._change(self._with_next)

    def promote_root(self) -> None:
        """Signs with the staged root from now on; the key of the old one is deleted.

        Raises:
            ConfigurationError: no root is staged.
        """
        self._change(_promoted)

    def retire_root(self) -> None:
        """Ends the belief in the old root.

        Raises:
            ConfigurationError: there is none.
        """
        self._change(_retired)

    def _files(self) -> dict[str, bytes]:
        files = self._volume.read(_NAMES)
        if files:
            return files
        self._change(lambda found: found or _Root.make(self._clock()).files(_CURRENT))
        return self._volume.read(_NAMES)

    def _change(self, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
        with self._volume.locked():
            before = self._volume.read(_NAMES)
            after = change(before)
            if after != before:
                self._volume.write(after)

    def _with_next(self, files: dict[str, bytes]) -> dict[str, bytes]:
        if set(files) != {"ca.crt", "ca.key"}:
            raise ConfigurationError("a roll-over is under way, or there is no authority yet")
        return files | _Root.make(self._clock()).files(_NEXT)


def _promoted(files: dict[str, bytes]) -> dict[str, bytes]:
    if "next.crt" not in files:
        raise ConfigurationError("no root is staged")
    return {
        "ca.crt": files["next.crt"],
        "ca.key": files["next.key"],
        "previous.crt": files["ca.crt"],
    }


def _retired(files: dict[str, bytes]) -> dict[str, bytes]:
    if "previous.crt" not in files:
        raise ConfigurationError("no old root is left")
    return {name: files[name] for name in ("ca.crt", "ca.key")}


def _root(files: dict[str, bytes], name: str) -> _Root:
    try:
        certificate = x509.load_pem_x509_certificate(files[f"{name}.crt"])
        key = key_from_pem(files[f"{name}.key"])
    except (KeyError, ValueError):
        raise ConfigurationError("the authority's files are damaged; remove its folder") from None
    if certificate.public_key() != key.public_key():
        raise ConfigurationError("the authority's key is not that of its certificate")
    return _Root(certificate, key)


def _bundle(files: dict[str, bytes]) -> bytes:
    return b"".join(
        files[f"{root}.crt"] for root in (_CURRENT, _NEXT, _PREVIOUS) if f"{root}.crt" in files
    )


def _is_signed_by(leaf: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
