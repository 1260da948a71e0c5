"""How calls travel: PeerAuthentication, DestinationRule, VirtualService.

Numbers that are not given are None here; Istio's defaults for them are in ``envoy.clusters``.
"""

from dataclasses import dataclass

from linly_mesh.proxy.policy.fields import Field, Place
from linly_mesh.proxy.policy.resources import Resource, policy_spec


@dataclass(frozen=True, slots=True)
class Keepalive:
    """TCP probes on an idle connection."""

    probes: int | None
    """Unanswered ones after which the connection is dead."""
    time: float | None
    """Seconds of rest before the first."""
    interval: float | None
    """Seconds between them."""


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """Limits towards one service."""

    connect_timeout: float | None
    """Seconds."""
    keepalive: Keepalive | None
    """None: as the operating system has it."""
    max_connections: int | None
    """At the same time."""
    max_pending: int | None
    """Calls that wait for a connection."""
    max_requests: int | None
    """Calls at the same time."""
    max_streams: int | None
    """Calls at the same time on one connection."""
    idle_timeout: float | None
    """Seconds without a call after which a connection is closed."""


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """When a replica that fails is left out for a while."""

    consecutive_gateway_errors: int | None
    """502, 503, 504; UNAVAILABLE and DEADLINE_EXCEEDED count. 0: not counted."""
    consecutive_5xx_errors: int | None
    """Any 5xx; INTERNAL and UNKNOWN count as well. 0: not counted."""
    interval: float | None
    """Seconds between two looks."""
    base_ejection_time: float | None
    """Seconds, times the number of ejections."""
    max_ejection_percent: int | None
    """Of the replicas."""


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """How connections to one service are made. TLS is always ISTIO_MUTUAL."""

    host: str
    """``asr.talker.svc.cluster.local``."""
    place: Place
    """Where it is written."""
    balancer: str
    """``LEAST_REQUEST``, ``ROUND_ROBIN`` or ``RANDOM``."""
    pool: ConnectionPool
    """Limits."""
    outliers: OutlierDetection | None
    """None: no replica is left out."""


@dataclass(frozen=True, slots=True)
class VirtualService:
    """How calls to one service are routed: all to it, without retries."""

    host: str
    """``asr.talker.svc.cluster.local``."""
    place: Place
    """Where it is written."""
    timeout: float
    """Seconds for a whole call; 0: none."""


@dataclass(frozen=True, slots=True)
class PeerAuthentication:
    """Mutual TLS and nothing else, for all workloads of a namespace."""

    namespace: str
    """Where it holds."""
    place: Place
    """Where it is written."""


def read_peer_authentication(found: Resource) -> PeerAuthentication:
    """Reads a PeerAuthentication, which must be STRICT for its whole namespace."""
    spec = policy_spec(found)
    mtls = spec.required(spec.fields("mtls"), "mtls")
    mtls.required(mtls.fields("mode"), "mode").choice("STRICT")
    return PeerAuthentication(found.namespace, found.place)


def read_virtual_service(found: Resource) -> VirtualService:
    """Reads a VirtualService with one host and one unconditional route to it."""
    spec = policy_spec(found)
    fields = spec.fields("hosts", "http")
    host = _only(spec.required(fields, "hosts")).text()
    http = _only(spec.required(fields, "http"))
    route = http.fields("route", "timeout", "retries")
    target = _only(http.required(route, "route"))
    destination = target.required(target.fields("destination"), "destination")
    where = destination.required(destination.fields("host"), "host")
    if where.text() != host:
        raise where.refuse(f"must be {host}: calls can't be sent elsewhere")
    retries = http.required(route, "retries")  # Istio would retry twice
    retries.required(retries.fields("attempts"), "attempts").integer(0, 0)
    timeout = route["timeout"].duration() if "timeout" in route else 0.0
    return VirtualService(host, found.place, timeout)


def read_destination_rule(found: Resource) -> DestinationRule:
    """Reads a DestinationRule for one whole service."""
    spec = policy_spec(found)
    fields = spec.fields("host", "trafficPolicy")
    traffic = spec.required(fields, "trafficPolicy")
    policy = traffic.fields("tls", "loadBalancer", "connectionPool", "outlierDetection")
    tls = traffic.required(policy, "tls")
    tls.required(tls.fields("mode"), "mode").choice("ISTIO_MUTUAL")
    outliers = policy.get("outlierDetection")
    return DestinationRule(
        spec.required(fields, "host").text(),
        found.place,
        _balancer(policy.get("loadBalancer")),
        _pool(policy.get("connectionPool")),
        None if outliers is None else _outliers(outliers),
    )


def _balancer(field: Field | None) -> str:
    if field is None:
        return "LEAST_REQUEST"
    simple = field.required(field.fields("simple"), "simple")
    return simple.choice("LEAST_REQUEST", "ROUND_ROBIN", "RANDOM")


def _pool(field: Field | None) -> ConnectionPool:
    pool = field.fields("tcp", "http") if field else {}
    tcp: dict[str, Field] = {}
    if "tcp" in pool:
        tcp = pool["tcp"].fields("connectTimeout", "maxConnections", "tcpKeepalive")
    http: dict[str, Field] = {}
    if "http" in pool:
        http = pool["http"].fields(
            "http1MaxPendingRequests", "http2MaxRequests", "maxConcurrentStreams", "idleTimeout"
        )
    return ConnectionPool(
        _seconds(tcp, "connectTimeout"),
        _keepalive(tcp["tcpKeepalive"]) if "tcpKeepalive" in tcp else None,
        _number(tcp, "maxConnections"),
        _number(http, "http1MaxPendingRequests"),
        _number(http, "http2MaxRequests"),
        _number(http, "maxConcurrentStreams"),
        _seconds(http, "idleTimeout"),
    )


def _keepalive(field: Field) -> Keepalive:
    fields = field.fields("probes", "time", "interval")
    return Keepalive(
        _number(fields, "probes"), _seconds(fields, "time"), _seconds(fields, "interval")
    )


def _outliers(field: Field) -> OutlierDetection:
    fields = field.fields(
        *("consecutiveGatewayErrors", "consecutive5xxErrors"),
        *("interval", "baseEjectionTime", "maxEjectionPercent"),
    )
    return OutlierDetection(
        _number(fields, "consecutiveGatewayErrors", low=0),
        _number(fields, "consecutive5xxErrors", low=0),
        _seconds(fields, "interval"),
        _seconds(fields, "baseEjectionTime"),
        _number(fields, "maxEjectionPercent", high=100),
    )


def _only(field: Field) -> Field:
    items = field.items()
    if len(items) > 1:
        raise items[1].refuse("only one item is supported")
    return items[0]


def _number(
    fields: dict[str, Field], name: str, *, low: int = 1, high: int = 2**31 - 1
) -> int | None:
    return fields[name].integer(low, high) if name in fields else None


def _seconds(fields: dict[str, Field], name: str) -> float | None:
    return fields[name].duration() if name in fields else None
