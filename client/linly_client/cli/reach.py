"""Who this command line is to the services that it calls."""

from linly_mesh.proxy.local import LocalMesh
from linly_mesh.rpc.target import Target

CALLER = "client"
"""The identity of whoever talks."""
OPERATOR = "debug"
"""The identity of whoever looks into a service."""


def talk_service(address: str | None) -> Target:
    """The service that holds talks: at ``address``, or of the mesh on this machine.

    Raises:
        ConfigurationError: there is no certificate for it.
    """
    return LocalMesh.read().target("orchestrator", CALLER, address)
