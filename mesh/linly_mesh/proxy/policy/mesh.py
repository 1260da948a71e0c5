"""The whole mesh: every workload with the policies that hold for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import AuthorizationPolicy
from linly_mesh.proxy.policy.traffic import DestinationRule, VirtualService
from linly_mesh.proxy.policy.workloads import Port


class Network(StrEnum):
    """How workloads reach each other."""

    MACHINE = "machine"
    """All on one machine: each has a loopback address of its own, by a table."""
    CONTAINERS = "containers"
    """Each in a network of its own, and called by its name."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A process and its proxy."""

    identity: SpiffeId
    """Who it is."""
    ports: tuple[Port, ...]
    """What it serves; none: it only calls."""
    address: str
    """Where others reach it: its own on one machine, else its name; empty if it serves nothing."""
    policies: tuple[AuthorizationPolicy, ...]
    """Those that select it."""

    @property
    def name(self) -> str:
        """Short and unique in the mesh."""
        return self.identity.service_account

    @property
    def is_looked_up(self) -> bool:
        """Whether its address is a name, which stands for another address after a restart."""
        try:
            IPv4Address(self.address)
        except ValueError:
            return True
        return False

    @property
    def bound_to(self) -> str:
        """Where its proxy listens: a network of its own has no other workload to share with."""
        return "0.0.0.0" if self.is_looked_up else self.address


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
