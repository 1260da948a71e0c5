"""RPCs as metrics, on the server's side and on the client's, for all four kinds of call.

Counting is plain arithmetic on integers that belong to a method; Prometheus meets them when it
scrapes. Calls are observed, not wrapped: messages are counted where gRPC converts them to and
from bytes, which every style of handler and of client passes through exactly once per message,
so that contexts and calls stay the objects that grpc.aio made.
"""

from linly_mesh.telemetry.rpc.call import Rpc, RpcListener
from linly_mesh.telemetry.rpc.client import ClientMetrics
from linly_mesh.telemetry.rpc.families import FAMILIES
from linly_mesh.telemetry.rpc.server import ServerMetrics

__all__ = ["FAMILIES", "ClientMetrics", "Rpc", "RpcListener", "ServerMetrics"]
