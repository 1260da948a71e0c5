"""Where calls come in: from other workloads, and from the application behind the proxy."""

from typing import Any

from linly_mesh.proxy import limits
from linly_mesh.proxy.envoy import clusters, tls
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.envoy.rbac import authorization_filters
from linly_mesh.proxy.policy.mesh import Upstream, Workload
from linly_mesh.proxy.policy.workloads import Port

Json = dict[str, Any]
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_MANAGER = "envoy.filters.network.http_connection_manager"
_STATS = "/stats/prometheus"
_ALPN = {"grpc": "h2", "http": "http/1.1"}
_CODEC = {"grpc": "HTTP2", "http": "HTTP1"}


def inbound(workload: Workload, port: Port, files: Files) -> Json:
    """Mutual TLS from outside to one port of the application, for whom the policies allow."""
    name = f"inbound-{port.name}"
    routes = [_route({"prefix": "/"}, clusters.inbound_name(port), 0.0)]
    if port.protocol == "http":  # the proxy's statistics are scraped where the application's are
        routes.insert(0, _route({"path": _STATS}, clusters.ADMIN, 0.0))
    manager = _manager(name, port.protocol, routes, authorization_filters(workload.policies))
    manager |= {
        # The application learns who calls; what a caller says about itself is thrown away.
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"uri": True},
        "normalize_path": True,  # Istio's default: policies see the path that the application sees
    }
    address = {"socket_address": {"address": workload.bound_to, "port_value": port.number}}
    chain = _chain(manager) | {"transport_socket": tls.inbound(files, _ALPN[port.protocol])}
    return _listener(name, address, chain)


def outbound(upstream: Upstream, files: Files) -> Json:
    """The application's calls to one other service, in the clear on a socket of its own."""
    name = f"outbound-{upstream.name}"
    route = _route({"prefix": "/"}, clusters.outbound_name(upstream), upstream.route.timeout)
    manager = _manager(name, "grpc", [route], [])
    pipe = {"pipe": {"path": str(files.upstream(upstream.name)), "mode": 0o600}}
    return _listener(name, pipe, _chain(manager))


def _listener(name: str, address: Json, chain: Json) -> Json:
    return {
        "name": name,
        "address": address,
        "per_connection_buffer_limit_bytes": limits.BUFFER,
        "filter_chains": [chain],
    }


def _chain(manager: Json) -> Json:
    return {"filters": [{"name": _MANAGER, "typed_config": manager}]}


def _manager(name: str, protocol: str, routes: list[Json], filters: list[Json]) -> Json:
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"},
    }
    manager: Json = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": _CODEC[protocol],
        "stream_idle_timeout": "0s",  # a talk may be silent for longer than Envoy's 5 minutes
        "route_config": {
            "name": name,
            "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}],
        },
        "http_filters": [*filters, router],
    }
    if protocol == "grpc":
        manager["http2_protocol_options"] = dict(limits.HTTP2)
    return manager


def _route(match: Json, cluster: str, timeout: float) -> Json:
    """Without a retry policy nothing is retried; Envoy's default timeout of 15 s is set aside."""
    return {"match": match, "route": {"cluster": cluster, "timeout": clusters.seconds(timeout)}}
