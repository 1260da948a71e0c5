"""The whole mesh: every workload with the policies that hold for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import AuthorizationPolicy
from linly_mesh.proxy.policy.traffic import DestinationRule, VirtualService
from linly_mesh.proxy.policy.workloads import Port


@dataclass(frozen=True, slots=True)
class Workload:
    """A process and its proxy."""

    identity: SpiffeId
    """Who it is."""
    ports: tuple[Port, ...]
    """What it serves; none: it only calls."""
    address: str
    """Its own on one machine; empty if it serves nothing."""
    policies: tuple[AuthorizationPolicy, ...]
    """Those that select it."""

    @property
    def name(self) -> str:
        """Short and unique in the mesh."""
        return self.identity.service_account


@dataclass(frozen=True, slots=True)
class Upstream:
    """A gRPC service as its callers see it."""

    name: str
    """``asr``."""
    host: str
    """``asr.talker.svc.cluster.local``."""
    workload: Workload
    """What answers."""
    port: int
    """Where it answers."""
    rule: DestinationRule
    """How connections are made."""
    route: VirtualService
    """How calls are routed."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """What was read, put together."""

    workloads: Mapping[str, Workload]
    """By name."""
    upstreams: Mapping[str, Upstream]
    """By name."""
