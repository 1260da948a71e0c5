"""The families of RPC metrics.

Names and labels of ``grpc_*`` are those of the Prometheus ecosystem, so that its dashboards and
rules work; a conformance test holds them against py-grpc-prometheus.
"""

from dataclasses import dataclass, fields

from linly_mesh.telemetry.catalogue import Audience, Family, Kind

_METHOD = ("grpc_type", "grpc_service", "grpc_method")

_HANDLING = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
    1, 2.5, 5, 7.5, 10, 30, 60, 300, 1800,
)  # fmt: skip
"""The ecosystem's, with room below for calls on one machine and above for talks."""
_FIRST_RESPONSE = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75,
    1, 1.5, 2.5, 5, 10,
)  # fmt: skip
"""Fine where a person begins to notice a pause."""
_MESSAGE_GAP = (
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5,
    1, 2.5, 5, 10,
)  # fmt: skip
"""Fine around the lengths of audio chunks and frames: 20, 40 and 80 ms."""


@dataclass(frozen=True, slots=True)
class RpcFamilies:
    """The families of one side."""

    started: Family
    handled: Family
    msg_received: Family
    msg_sent: Family
    handling: Family
    in_flight: Family
    first_response: Family
    message_gap: Family

    @classmethod
    def of(cls, side: str) -> "RpcFamilies":
        """The families of ``server`` or ``client``."""
        begun = {
            "server": "the call of its handler",
            "client": "the call of the stub's method",
        }[side]
        response = {
            "server": "handed to gRPC",
            "client": "received",
        }[side]
        return cls(
            started=_counter(f"grpc_{side}_started_total", f"RPCs started on the {side}."),
            handled=_counter(
                f"grpc_{side}_handled_total",
                f"RPCs ended on the {side}, by status code.",
                "grpc_code",
            ),
            msg_received=_counter(
                f"grpc_{side}_msg_received_total",
                f"Messages received by the {side}, unary ones included.",
            ),
            msg_sent=_counter(
                f"grpc_{side}_msg_sent_total",
                f"Messages that the {side} handed to gRPC for sending, unary ones included.",
            ),
            handling=_histogram(
                f"grpc_{side}_handling_seconds",
                f"Seconds from {begun} to the end of the RPC, whatever its outcome.",
                _HANDLING,
            ),
            in_flight=Family(
                f"linly_talker_rpc_{side}_in_flight",
                Kind.GAUGE,
                Audience.PERFORMANCE,
                f"RPCs that have started on the {side} and not ended.",
                _METHOD,
            ),
            first_response=_histogram(
                f"linly_talker_rpc_{side}_first_response_seconds",
                f"Seconds from {begun} to the first response {response}, of RPCs that ended "
                "with OK.",
                _FIRST_RESPONSE,
            ),
            message_gap=_histogram(
                f"linly_talker_rpc_{side}_message_gap_seconds",
                f"Seconds between two successive responses of a stream {response}, of RPCs "
                "that ended with OK; counted when the RPC ends.",
                _MESSAGE_GAP,
            ),
        )

    def all(self) -> tuple[Family, ...]:
        """Every family of this side."""
        return tuple(getattr(self, field.name) for field in fields(self))


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, Audience.PERFORMANCE, text, (*_METHOD, *labels))


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Family:
    return Family(name, Kind.HISTOGRAM, Audience.PERFORMANCE, text, _METHOD, buckets)


SERVER = RpcFamilies.of("server")
CLIENT = RpcFamilies.of("client")
FAMILIES = (*SERVER.all(), *CLIENT.all())
"""All families of RPCs, for the catalogue."""
