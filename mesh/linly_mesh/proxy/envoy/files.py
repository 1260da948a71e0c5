"""Where the proxy of one workload finds its sockets and its secrets."""

from dataclasses import dataclass
from pathlib import Path

from linly_mesh.identity.svid import SvidFiles
from linly_mesh.proxy.envoy.sockets import Sockets


@dataclass(frozen=True, slots=True)
class Files(Sockets):
    """All files of one workload, in folders that only its user may enter."""

    svid: SvidFiles
    """Certificate, key and roots."""
    proxy: Path | None = None
    """Where its configuration is kept; None: beside the sockets."""

    @property
    def configuration(self) -> Path:
        """A folder of the proxy's own: it wakes for every change in there."""
        return self.proxy or self.runtime / "envoy"

    @property
    def bootstrap(self) -> Path:
        """What the proxy is started with."""
        return self.configuration / "bootstrap.yaml"

    @property
    def certificate(self) -> Path:
        """What tells the proxy of its certificate."""
        return self.configuration / "certificate.yaml"

    @property
    def roots(self) -> Path:
        """What tells the proxy whose certificates to trust."""
        return self.configuration / "roots.yaml"
