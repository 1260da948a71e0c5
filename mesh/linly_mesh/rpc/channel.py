"""Channels to other services of the mesh."""

import grpc

from linly_mesh.rpc.target import Target
from linly_mesh.telemetry.rpc import ClientMetrics

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # With bandwidth probing a receiver lets 4 MiB pile up per stream before a writer feels
    # anything: two minutes of speech. Without it, 64 KiB.
    ("grpc.http2.bdp_probe", 0),
    # Services are called directly; a proxy for the web that the environment names is not meant.
    ("grpc.enable_http_proxy", 0),
    # A service that was restarted is to be found again within a turn.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 250),
    # A peer that vanished without closing is noticed although the stream is idle.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)


def open_channel(
    target: str | Target,
    *,
    max_message_bytes: int = 4 << 20,
    metrics: ClientMetrics | None = None,
) -> grpc.aio.Channel:
    """A channel to a service.

    Args:
        target: ``unix:/path`` or ``host:port`` in the clear on this machine, or a Target.
        max_message_bytes: the largest response message that is accepted.
        metrics: counts the channel's calls; one for all channels of a process.
    """
    options = (*_OPTIONS, ("grpc.max_receive_message_length", max_message_bytes))
    channel = _open(target, options)
    if metrics is not None:
        metrics.observe(channel)
    return channel


def _open(target: str | Target, options: tuple[tuple[str, int | str], ...]) -> grpc.aio.Channel:
    if not isinstance(target, Target):
        return grpc.aio.insecure_channel(target, options=options)
    if target.tls is None:
        return grpc.aio.insecure_channel(target.address, options=options)
    options = (*options, ("grpc.default_authority", target.tls.server_name))
    return grpc.aio.secure_channel(target.address, target.tls.credentials(), options=options)
