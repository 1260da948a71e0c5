"""The mesh of this machine: who runs in it, where, and how it is called."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.source import SvidSource, svid_source
from linly_mesh.proxy.endpoints import runtime_folder, socket_path
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.policy.mesh import Mesh
from linly_mesh.proxy.policy.shipped import read_source
from linly_mesh.proxy.settings import ProxySettings
from linly_mesh.rpc.target import MutualTls, Target
from linly_mesh.settings import read_settings

_UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class LocalMesh:
    """What policy, settings and this user's folders say together."""

    mesh: Mesh
    """Workloads and policies."""
    identity: IdentitySettings
    """Where identities come from."""
    runtime: Path
    """The folder of the sockets, private to this user."""

    @classmethod
    def read(cls) -> Self:
        """As the environment says.

        Raises:
            ConfigurationError: a setting or a file of the policy is wrong, or the runtime
                folder is unsafe.
        """
        mesh = read_source(read_settings(ProxySettings).source)
        return cls(mesh, read_settings(IdentitySettings), runtime_folder())

    def svid(self, name: str) -> SvidSource:
        """Where the SVID of a workload, a person or a back end comes from."""
        return svid_source(name, self.identity)

    def files(self, workload: str) -> Files:
        """Where the sockets and the secrets of a workload are.

        Raises:
            ConfigurationError: there is no SVID.
        """
        return Files(self.runtime / workload, self.svid(workload).files())

    def listen(self, workload: str, port: str) -> str:
        """The address at which an application serves one of its ports, behind its proxy."""
        return _unix(socket_path(self.files(workload).application(port)))

    def upstream(self, workload: str, service: str) -> str:
        """The address at which an application calls another service, through its proxy."""
        return _unix(socket_path(self.files(workload).upstream(service)))

    def target(self, service: str, caller: str, address: str | None = None) -> Target:
        """How ``caller``, who has no proxy of its own, reaches a service.

        Over TCP always by mutual TLS, with the caller's SVID; in the clear on a Unix socket.

        Args:
            service: who is called.
            caller: a service account that the policy knows.
            address: ``host:port`` or ``unix:/path``; None: where the service is on this machine.

        Raises:
            ConfigurationError: there is no such service, or no SVID for the caller.
        """
        if address is not None and address.startswith(_UNIX):
            return Target(address)
        upstream = self.mesh.upstreams.get(service)
        if upstream is None:
            known = ", ".join(self.mesh.upstreams)
            raise ConfigurationError(f"no service is called {service}; there are {known}")
        where = address or f"{upstream.workload.address}:{upstream.port}"
        return Target(where, MutualTls(self.svid(caller).refresh(), upstream.workload.identity))


def _unix(path: object) -> str:
    return f"{_UNIX}{path}"
