"""Channels to other services of the mesh."""

import grpc

_OPTIONS: tuple[tuple[str, int], ...] = (
    # With bandwidth probing a receiver lets 4 MiB pile up per stream before a writer feels
    # anything: two minutes of speech. Without it, 64 KiB.
    ("grpc.http2.bdp_probe", 0),
    # Services are called directly; a proxy for the web that the environment names is not meant.
    ("grpc.enable_http_proxy", 0),
    # A service that was restarted is to be found again within a turn.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A peer that vanished without closing is noticed although the stream is idle.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)


def open_channel(target: str, *, max_message_bytes: int = 4 << 20) -> grpc.aio.Channel:
    """A plaintext channel to ``unix:/path`` or ``host:port`` on this machine."""
    options = (*_OPTIONS, ("grpc.max_receive_message_length", max_message_bytes))
    return grpc.aio.insecure_channel(target, options=options)
