"""A server, and how it is spoken to."""

from dataclasses import dataclass

import grpc

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Both ends prove who they are."""

    svid: Svid
    """Who we are, and by which roots we believe others."""
    server: SpiffeId
    """Who has to answer. gRPC in Python verifies DNS names alone, so the identity's full name in
    DNS is asked for, which no other certificate of the mesh holds."""

    @property
    def server_name(self) -> str:
        """What the server's certificate is checked against."""
        return self.server.dns_names[-1]

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel; a renewed certificate needs a new one."""
        return grpc.ssl_channel_credentials(self.svid.bundle, self.svid.key, self.svid.certificate)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server answers."""

    address: str
    """``unix:/path`` or ``host:port``."""
    tls: MutualTls | None = None
    """None: in the clear, for a socket that only this user can open."""

    def __str__(self) -> str:
        return self.address
