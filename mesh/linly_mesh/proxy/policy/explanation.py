"""What the policies say about one caller and one method, for people."""

import re
from dataclasses import dataclass

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import Request
from linly_mesh.proxy.policy.decision import Decision, decide
from linly_mesh.proxy.policy.mesh import Mesh

_GRPC_METHOD = re.compile(r"/[\w.]+\.[\w]+/\w+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision of one workload."""

    workload: str
    """Its name."""
    request: Request
    """What was asked."""
    decision: Decision
    """What it answers, and why."""


def explain(mesh: Mesh, caller: SpiffeId, method: str) -> list[Explanation]:
    """Asks every workload that has a port of the method's protocol.

    Args:
        mesh: workloads and their policies.
        caller: who calls.
        method: ``/package.Service/Method`` of gRPC, else a path that is read with GET.
    """
    path = method if method.startswith("/") else f"/{method}"
    is_grpc = _GRPC_METHOD.fullmatch(path) is not None
    protocol, verb = ("grpc", "POST") if is_grpc else ("http", "GET")
    asked = [
        (workload, Request(caller, verb, path, port.number))
        for workload in mesh.workloads.values()
        for port in workload.ports
        if port.protocol == protocol
    ]
    return [
        Explanation(workload.name, request, decide(workload.policies, request))
        for workload, request in asked
    ]
