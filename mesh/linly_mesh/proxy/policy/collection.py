"""Resources, checked against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.limits import check_counterpart
from linly_mesh.proxy.policy.authorization import AuthorizationPolicy
from linly_mesh.proxy.policy.authorization_reader import read_authorization_policy
from linly_mesh.proxy.policy.fields import Place, PolicyError
from linly_mesh.proxy.policy.mesh import Upstream, Workload
from linly_mesh.proxy.policy.resources import Resource, selects
from linly_mesh.proxy.policy.traffic import (
    DestinationRule,
    PeerAuthentication,
    VirtualService,
    read_destination_rule,
    read_peer_authentication,
    read_virtual_service,
)
from linly_mesh.proxy.policy.workloads import (
    Deployment,
    Service,
    check_namespace,
    read_deployment,
    read_service,
    read_service_account,
)

T = TypeVar("T")
_NOT_PASSED_OVER = ("Pod", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "List")
"""Workloads of other kinds than Deployment, which would have no proxy here, and what holds more."""


@dataclass
class Resources:
    """All resources by kind, in the order in which they were read."""

    peers: list[PeerAuthentication] = field(default_factory=list)
    policies: list[AuthorizationPolicy] = field(default_factory=list)
    rules: list[DestinationRule] = field(default_factory=list)
    routes: list[VirtualService] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    identities: list[SpiffeId] = field(default_factory=list)
    _places: dict[tuple[str, str, str, str], Place] = field(default_factory=dict)

    def add(self, found: Resource) -> None:
        """Reads one resource; what is neither policy nor a workload is passed over."""
        key = (found.group, found.kind, found.namespace, found.name)
        if key in self._places:  # a cluster would keep one of the two
            raise found.body.refuse(f"{found.kind} {found.name} is in {self._places[key]} already")
        self._places[key] = found.place
        match found.group, found.kind:
            case "security.istio.io", "AuthorizationPolicy":
                self.policies.append(read_authorization_policy(found))
            case "security.istio.io", "PeerAuthentication":
                self.peers.append(read_peer_authentication(found))
            case "networking.istio.io", "DestinationRule":
                self.rules.append(read_destination_rule(found))
            case "networking.istio.io", "VirtualService":
                self.routes.append(read_virtual_service(found))
            case "networking.istio.io", "EnvoyFilter":
                check_counterpart(found)
            case "", "Namespace":
                check_namespace(found)
            case "", "Service":
                self.services.append(read_service(found))
            case "", "ServiceAccount":
                self.identities.append(read_service_account(found))
            case "apps", "Deployment":
                self.deployments.append(read_deployment(found))
            case group, kind if found.is_istio or kind in _NOT_PASSED_OVER:
                raise found.body.refuse(f"kind {kind} of {group or 'v1'} is not supported")

    def check(self) -> None:
        """What holds nowhere is a mistake, and so is a namespace without mutual TLS."""
        for policy in self.policies:
            if not any(_selected(policy, item) for item in self.deployments):
                raise PolicyError(policy.place, f"{policy.name} selects no workload")
        strict = {peer.namespace for peer in self.peers}
        known = {(item.service_account, item.namespace) for item in self.identities}
        if len({account for account, _ in known}) < len(self.identities):
            raise ConfigurationError("two ServiceAccounts have one name")
        for item in self.deployments:
            if (item.service_account, item.namespace) not in known:
                raise PolicyError(item.place, f"no ServiceAccount {item.service_account}")
            if item.namespace not in strict:
                raise PolicyError(
                    item.place,
                    f"namespace {item.namespace} has no PeerAuthentication, so a cluster would "
                    "take plaintext",
                )

    def hosts(self) -> list[tuple[str, Place]]:
        """Every service that a rule or a route names, and where."""
        return [
            *((item.host, item.place) for item in self.rules),
            *((item.host, item.place) for item in self.routes),
        ]

    def workload(self, identity: SpiffeId, addresses: Mapping[str, str]) -> Workload:
        """The workload that runs as ``identity``."""
        mine = [
            item
            for item in self.deployments
            if (item.service_account, item.namespace)
            == (identity.service_account, identity.namespace)
        ]
        if not mine:
            return Workload(identity, (), "", ())
        deployment = _only(mine, f"Deployment with the service account {identity.service_account}")
        name = identity.service_account
        if name not in addresses:
            raise PolicyError(deployment.place, f"{name} has no address in addresses.toml")
        policies = tuple(item for item in self.policies if _selected(item, deployment))
        return Workload(identity, deployment.ports, addresses[name], policies)

    def upstream(self, host: str, service: Service, workloads: Mapping[str, Workload]) -> Upstream:
        """The gRPC service that is called ``host``."""
        behind = _only(
            [
                item
                for item in self.deployments
                if item.namespace == service.namespace and selects(service.selector, item.labels)
            ],
            f"Deployment behind the Service {service.name}",
        )
        workload = workloads[behind.service_account]
        port = _only(
            [
                port.number
                for port in workload.ports
                if port.protocol == "grpc" and {port.name, str(port.number)} & {*service.targets}
            ],
            f"gRPC port of the Service {service.name}",
        )
        rule = _only([item for item in self.rules if item.host == host], f"DestinationRule: {host}")
        # Without a VirtualService a cluster would repeat calls that fail.
        route = _only(
            [item for item in self.routes if item.host == host], f"VirtualService: {host}"
        )
        return Upstream(service.name, host, workload, port, rule, route)


def _selected(policy: AuthorizationPolicy, deployment: Deployment) -> bool:
    return policy.namespace == deployment.namespace and selects(policy.selector, deployment.labels)


def _only(items: Sequence[T], what: str) -> T:
    if len(items) != 1:
        raise ConfigurationError(f"{len(items)} instead of one {what}")
    return items[0]
