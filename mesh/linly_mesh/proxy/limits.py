"""What has to be limited and Istio's kinds can't say.

Two Envoys with their default windows swallow more than 100 MiB of a stream that nobody reads, so
that a slow reader is never felt and an interruption comes long after its sound. A cluster gets the
same limits from an EnvoyFilter; that file is accepted only if it says exactly this.
"""

from typing import Any

from linly_mesh.proxy.policy.resources import Resource, policy_spec

STREAM_WINDOW = 64 << 10
"""Bytes that one stream may send ahead of its reader (HTTP/2's own default)."""
CONNECTION_WINDOW = 1 << 20
"""Bytes that all streams of a connection together may."""
BUFFER = 64 << 10
"""Bytes that a proxy holds for one connection before it stops reading."""

HTTP2: dict[str, Any] = {
    "initial_stream_window_size": STREAM_WINDOW,
    "initial_connection_window_size": CONNECTION_WINDOW,
}
"""Envoy's ``Http2ProtocolOptions``."""

_MANAGER = "envoy.filters.network.http_connection_manager"
_MANAGER_TYPE = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
    "HttpConnectionManager"
)
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
"""The name of a cluster's protocol options."""
_GRPC_PORT = 50051


def counterpart() -> dict[str, Any]:
    """The spec of the EnvoyFilter that sets these limits in a cluster."""
    return {
        "configPatches": [
            *(_patch("LISTENER", side, {}, _buffered()) for side in ("INBOUND", "OUTBOUND")),
            *(_manager_patch(side) for side in ("INBOUND", "OUTBOUND")),
            *(_cluster_patch(side) for side in ("INBOUND", "OUTBOUND")),
        ]
    }


def check_counterpart(found: Resource) -> None:
    """Accepts the EnvoyFilter of these limits and refuses any other.

    Raises:
        PolicyError: it says something else.
    """
    spec = policy_spec(found)
    if spec.value() != counterpart():
        raise spec.refuse(
            "an EnvoyFilter is supported only as the counterpart of linly_mesh's limits"
        )


def _buffered() -> dict[str, Any]:
    return {"per_connection_buffer_limit_bytes": BUFFER}


def _manager_patch(side: str) -> dict[str, Any]:
    where = {"listener": {"filterChain": {"filter": {"name": _MANAGER}}}}
    options = {"@type": _MANAGER_TYPE, "http2_protocol_options": dict(HTTP2)}
    return _patch("NETWORK_FILTER", side, where, {"typed_config": options})


def _cluster_patch(side: str) -> dict[str, Any]:
    options = {
        "@type": f"type.googleapis.com/{OPTIONS}",
        "explicit_http_config": {"http2_protocol_options": dict(HTTP2)},
    }
    where = {"cluster": {"portNumber": _GRPC_PORT}}  # metrics speak HTTP/1.1
    return _patch(
        "CLUSTER",
        side,
        where,
        {**_buffered(), "typed_extension_protocol_options": {OPTIONS: options}},
    )


def _patch(target: str, side: str, where: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {
        "applyTo": target,
        "match": {"context": f"SIDECAR_{side}", **where},
        "patch": {"operation": "MERGE", "value": value},
    }
