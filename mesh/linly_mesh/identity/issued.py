"""SVIDs of the development authority."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid, SvidError, SvidFiles, utc_now
from linly_mesh.identity.volume import Volume

_NAMES = ("cert-chain.pem", "key.pem", "root-cert.pem")
"""Of certificate, key and bundle: the names that Istio writes."""


class IssuedSvid:
    """An SVID of the development authority, published in a folder of this user's."""

    def __init__(
        self,
        authority: Authority,
        spiffe_id: SpiffeId,
        folder: Path,
        ttl: timedelta,
        extra_dns_names: Sequence[str] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Nothing is issued before the first ``refresh``.

        Args:
            authority: who signs.
            spiffe_id: whom it names.
            folder: for this SVID alone; made with mode 0700.
            ttl: how long each certificate is valid.
            extra_dns_names: beside those of the identity: ``localhost`` for what people reach
                under that name.
            clock: the wall clock.
        """
        self.id = spiffe_id
        self._authority = authority
        self._volume = Volume(folder)
        self._ttl = ttl
        self._extra_dns_names = extra_dns_names
        self._clock = clock

    def files(self) -> SvidFiles:
        """Where it is published."""
        return SvidFiles.named(self._volume.folder, _NAMES)

    def refresh(self) -> Svid:
        """Renews at half of the certificate's life, and whenever the roots have changed.

        Raises:
            ConfigurationError: others may read the folder or a key, or the authority can't
                issue. What was published before stays.
            OSError: a file can't be read or written; likewise.
        """
        current = self._published()
        if current is not None and self._is_good(current):
            return current
        return self.renew()

    def renew(self) -> Svid:
        """Issues and publishes a new one, whatever is there.

        Raises:
            ConfigurationError: as ``refresh``.
            OSError: likewise.
        """
        svid = self._authority.issue(self.id, self._ttl, self._extra_dns_names)
        content = (svid.certificate, svid.key, svid.bundle)
        with self._volume.locked():
            self._volume.write(dict(zip(_NAMES, content, strict=True)))
        return svid

    def _published(self) -> Svid | None:
        found = self._volume.read(_NAMES)
        try:
            return Svid.parse(*(found[name] for name in _NAMES))
        except (KeyError, SvidError):
            return None  # never issued, or damaged: a new one takes its place

    def _is_good(self, svid: Svid) -> bool:
        now = self._clock()
        young = svid.not_before <= now < svid.renew_at
        names = (*self.id.dns_names, *self._extra_dns_names)
        same = svid.id == self.id and svid.dns_names == names
        return young and same and self._authority.stands_behind(svid)
