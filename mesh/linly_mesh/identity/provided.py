"""SVIDs that something else keeps in a folder: Istio, SPIRE, cert-manager, a person."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid, SvidFiles, utc_now
from linly_mesh.identity.volume import read_volume

_LAYOUTS = (
    ("cert-chain.pem", "key.pem", "root-cert.pem"),  # Istio's OUTPUT_CERTS, and ours
    ("tls.crt", "tls.key", "ca.crt"),  # as in a Kubernetes TLS secret or one of cert-manager's
    ("svid.pem", "svid_key.pem", "svid_bundle.pem"),  # spiffe-helper, beside a SPIRE agent
)
"""Names of certificate, key and bundle."""


class ProvidedSvid:
    """An SVID that something else keeps fresh; the folder is used as it is, never written."""

    def __init__(
        self, spiffe_id: SpiffeId, folder: Path, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Nothing is read before the first use.

        Args:
            spiffe_id: whom it has to name.
            folder: holds the three files by the names of one of the known layouts.
            clock: the wall clock.
        """
        self.id = spiffe_id
        self._folder = folder
        self._clock = clock

    def files(self) -> SvidFiles:
        """Where it lies.

        Raises:
            ConfigurationError: not all files of one layout are there.
        """
        return SvidFiles.named(self._folder, self._layout())

    def refresh(self) -> Svid:
        """Reads it.

        Raises:
            ConfigurationError: it is missing, damaged, expired, somebody else's, or others may
                read its key.
            OSError: a file can't be read.
        """
        names = self._layout()
        _, key, _ = names
        found = read_volume(self._folder, names, private={key})
        missing = [name for name in names if name not in found]
        if missing:
            raise ConfigurationError(f"{self._folder / missing[0]} is missing")
        svid = Svid.parse(*(found[name] for name in names))
        if svid.id != self.id:
            raise ConfigurationError(f"{self._folder} holds {svid.id}, not {self.id}")
        if not svid.is_valid(self._clock()):
            raise ConfigurationError(
                f"{self._folder}: the certificate is valid from {svid.not_before} to "
                f"{svid.not_after}, not now; renew it where it comes from"
            )
        return svid

    def _layout(self) -> tuple[str, str, str]:
        for names in _LAYOUTS:
            if all((self._folder / name).exists() for name in names):
                return names
        known = "; ".join(", ".join(names) for names in _LAYOUTS)
        raise ConfigurationError(f"{self._folder} holds no SVID; looked for {known}")
