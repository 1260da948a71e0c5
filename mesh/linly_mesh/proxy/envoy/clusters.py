"""Where calls go: to the application behind the proxy, and to other workloads."""

from pathlib import Path
from typing import Any

from linly_mesh.proxy import limits
from linly_mesh.proxy.envoy import tls
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.policy.mesh import Upstream
from linly_mesh.proxy.policy.traffic import ConnectionPool, OutlierDetection
from linly_mesh.proxy.policy.workloads import Port

Json = dict[str, Any]
_UNLIMITED = 2**32 - 1  # Istio's default; Envoy's own is 1024
_MOST_STREAMS = 2**31 - 1  # likewise
_CONNECT_TIMEOUT = 10.0  # likewise; Envoy's is 5 s


def application(port: Port, path: Path) -> Json:
    """The application's own socket for one port."""
    protocol = _http2(_MOST_STREAMS) if port.protocol == "grpc" else {"http_protocol_options": {}}
    return {
        **_static(inbound_name(port), {"pipe": {"path": str(path)}}),
        "circuit_breakers": _breakers(ConnectionPool(*[None] * 7)),
        "typed_extension_protocol_options": _options(protocol, None),
    }


def admin(path: Path) -> Json:
    """The proxy's own admin interface, of which a listener shows one page."""
    return _static(ADMIN, {"pipe": {"path": str(path)}})


def remote(upstream: Upstream, files: Files) -> Json:
    """Another workload, through its proxy."""
    pool, rule = upstream.rule.pool, upstream.rule
    where = {"address": upstream.workload.address, "port_value": upstream.port}
    protocol = _http2(pool.max_streams or _MOST_STREAMS)
    cluster = _static(outbound_name(upstream), {"socket_address": where})
    cluster |= {
        # What Envoy counts is named by the first part of a name with dots, and would be lost.
        "alt_stat_name": cluster["name"].replace(".", "_"),
        "connect_timeout": seconds(pool.connect_timeout or _CONNECT_TIMEOUT),
        "lb_policy": rule.balancer,
        "circuit_breakers": _breakers(pool),
        "transport_socket": tls.outbound(files, upstream.workload.identity, upstream.host),
        "typed_extension_protocol_options": _options(protocol, pool.idle_timeout),
    }
    if upstream.workload.is_looked_up:
        cluster |= {"type": "STRICT_DNS", "dns_lookup_family": "V4_ONLY"}  # again every 5 s
    if pool.keepalive is not None:
        cluster["upstream_connection_options"] = {"tcp_keepalive": _keepalive(pool)}
    if rule.outliers is not None:
        cluster["outlier_detection"] = _outliers(rule.outliers)
        # Istio's default: with every replica out, calls fail at once and are not sent anyway.
        cluster["common_lb_config"] = {"healthy_panic_threshold": {"value": 0}}
    return cluster


ADMIN = "admin"
"""The name of the cluster that ``admin`` makes."""


def inbound_name(port: Port) -> str:
    """The cluster of one port of the application, as Istio calls it."""
    return f"inbound|{port.number}||"


def outbound_name(upstream: Upstream) -> str:
    """The cluster of another service, as Istio calls it."""
    return f"outbound|{upstream.port}||{upstream.host}"


def seconds(value: float) -> str:
    """A duration as Envoy reads it."""
    return f"{value:.3f}s" if value % 1 else f"{value:.0f}s"


def _static(name: str, address: Json) -> Json:
    endpoint = {"endpoint": {"address": address}}
    return {
        "name": name,
        "type": "STATIC",
        "per_connection_buffer_limit_bytes": limits.BUFFER,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _http2(streams: int) -> Json:
    return {"http2_protocol_options": {**limits.HTTP2, "max_concurrent_streams": streams}}


def _options(protocol: Json, idle_timeout: float | None) -> Json:
    options: Json = {
        "@type": f"type.googleapis.com/{limits.OPTIONS}",
        "explicit_http_config": protocol,
    }
    if idle_timeout is not None:
        options["common_http_protocol_options"] = {"idle_timeout": seconds(idle_timeout)}
    return {limits.OPTIONS: options}


def _breakers(pool: ConnectionPool) -> Json:
    thresholds = {
        "max_connections": pool.max_connections or _UNLIMITED,
        "max_pending_requests": pool.max_pending or _UNLIMITED,
        "max_requests": pool.max_requests or _UNLIMITED,
        "max_retries": _UNLIMITED,
    }
    return {"thresholds": [thresholds]}


def _keepalive(pool: ConnectionPool) -> Json:
    assert pool.keepalive is not None
    given = {
        "keepalive_probes": pool.keepalive.probes,
        "keepalive_time": pool.keepalive.time,
        "keepalive_interval": pool.keepalive.interval,
    }
    return {name: int(value) for name, value in given.items() if value is not None}


def _outliers(outliers: OutlierDetection) -> Json:
    """As Istio translates it: what is 0 is not enforced, and success rates never are."""
    given: Json = {"enforcing_success_rate": 0}
    for name, limit in (
        ("consecutive_gateway_failure", outliers.consecutive_gateway_errors),
        ("consecutive_5xx", outliers.consecutive_5xx_errors),
    ):
        if limit is not None:
            given |= {name: limit, f"enforcing_{name}": 100 if limit else 0}
    for name, duration in (
        ("interval", outliers.interval),
        ("base_ejection_time", outliers.base_ejection_time),
    ):
        if duration is not None:
            given[name] = seconds(duration)
    if outliers.max_ejection_percent is not None:
        given["max_ejection_percent"] = outliers.max_ejection_percent
    return given
