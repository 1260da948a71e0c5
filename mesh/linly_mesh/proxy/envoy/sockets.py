"""Where an application and the proxy in front of it meet.

Of no other module's concern, so that a health check, which is a process of its own each time, loads
nothing that it does not need.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where an application and its proxy meet, in a folder that only their user may enter."""

    runtime: Path
    """The folder of the sockets."""

    def application(self, port: str) -> Path:
        """The socket on which the application serves one of its ports, by the port's name."""
        return self.runtime / f"{port}.sock"

    def upstream(self, service: str) -> Path:
        """The socket on which the application calls another service.

        A socket and no port: whoever could connect would call with this workload's identity.
        """
        return self.runtime / f"to-{service}.sock"

    @property
    def admin(self) -> Path:
        """The socket of the proxy's admin interface."""
        return self.runtime / "envoy-admin.sock"
