"""What the policies select, from the Kubernetes manifests.

A manifest is not policy: what is not needed here is passed over, except for what would lead
traffic around the proxy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.fields import Field, Place
from linly_mesh.proxy.policy.resources import Labels, Resource, read_labels

_PROTOCOLS = ("grpc", "http")


@dataclass(frozen=True, slots=True)
class Port:
    """Where a workload listens."""

    name: str
    """``grpc``, ``http-metrics``: protocol, then a suffix, as Istio selects protocols."""
    number: int
    """In the container, and on one machine at the workload's own address."""

    @property
    def protocol(self) -> str:
        """``grpc`` or ``http``."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One workload."""

    name: str
    """Unique in its namespace."""
    namespace: str
    """Where it runs."""
    place: Place
    """Where it is written."""
    service_account: str
    """Its identity."""
    labels: Labels
    """Of its pods."""
    ports: tuple[Port, ...]
    """Of its containers."""


@dataclass(frozen=True, slots=True)
class Service:
    """A name under which workloads are called."""

    name: str
    """Unique in its namespace."""
    namespace: str
    """Where it holds."""
    place: Place
    """Where it is written."""
    selector: Labels
    """Of the pods behind it."""
    targets: tuple[str, ...]
    """Names or numbers of the pods' ports that it leads to."""

    def host(self, domain: str) -> str:
        """Its full name in DNS."""
        return f"{self.name}.{self.namespace}.svc.{domain}"


def read_service_account(found: Resource) -> SpiffeId:
    """The identity of a ServiceAccount."""
    return SpiffeId(found.name, found.namespace)


def read_service(found: Resource) -> Service:
    """Reads a Service that selects pods."""
    entries = found.body.entries()
    spec = found.body.required(entries, "spec")
    fields = spec.entries()
    targets = []
    for port in spec.required(fields, "ports").items():
        given = port.entries()
        _check_protocol(port.required(given, "name"))
        if "appProtocol" in given:
            raise given["appProtocol"].refuse("not supported, the port's name says it")
        number = port.required(given, "port").integer(high=65535)
        target = given.get("targetPort")
        targets.append(str(target.value()) if target else str(number))
    selector = read_labels(spec.required(fields, "selector"))
    return Service(found.name, found.namespace, found.place, selector, tuple(targets))


def read_deployment(found: Resource) -> Deployment:
    """Reads a Deployment.

    Raises:
        PolicyError: its traffic would go around the proxy.
    """
    entries = found.body.entries()
    outer = found.body.required(entries, "spec")
    template = outer.required(outer.entries(), "template")
    parts = template.entries()
    described = template.required(parts, "metadata")
    about = described.entries()
    spec = template.required(parts, "spec")
    fields = spec.entries()
    _check_proxied(about, fields)
    ports = [
        port
        for container in spec.required(fields, "containers").items()
        for port in _ports(container)
    ]
    return Deployment(
        found.name,
        found.namespace,
        found.place,
        spec.required(fields, "serviceAccountName").text(),
        read_labels(described.required(about, "labels")),
        tuple(ports),
    )


def check_namespace(found: Resource) -> None:
    """Refuses a namespace whose pods would have no proxy."""
    metadata = found.body.entries()["metadata"].entries()
    labels = metadata["labels"].entries() if "labels" in metadata else {}
    if "istio-injection" in labels:
        labels["istio-injection"].choice("enabled")


def _ports(container: Field) -> list[Port]:
    fields = container.entries()
    if "ports" not in fields:
        return []
    return [_port(port) for port in fields["ports"].items()]


def _port(field: Field) -> Port:
    fields = field.entries()
    name = field.required(fields, "name")
    _check_protocol(name)
    return Port(name.text(), field.required(fields, "containerPort").integer(high=65535))


def _check_protocol(name: Field) -> None:
    """A port of another protocol would be opaque to policies with paths."""
    if name.text().partition("-")[0] not in _PROTOCOLS:
        raise name.refuse(f"a port's name must begin with {' or '.join(_PROTOCOLS)}")


def _check_proxied(metadata: Mapping[str, Field], spec: Mapping[str, Field]) -> None:
    if "hostNetwork" in spec and spec["hostNetwork"].value() is not False:
        raise spec["hostNetwork"].refuse("a pod on the host's network has no proxy")
    for kind in ("labels", "annotations"):
        for name, field in metadata[kind].entries().items() if kind in metadata else ():
            if name.startswith("traffic.sidecar.istio.io/"):
                raise field.refuse("leads traffic around the proxy")
            if name == "sidecar.istio.io/inject" and field.text() != "true":
                raise field.refuse("a pod without a proxy is in the clear")
