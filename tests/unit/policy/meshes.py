"""Small meshes, written to a folder as a user would."""

from pathlib import Path
from typing import Any

import yaml

from linly_mesh.proxy.policy.authorization import AuthorizationPolicy
from linly_mesh.proxy.policy.authorization_reader import read_authorization_policy
from linly_mesh.proxy.policy.fields import read_documents
from linly_mesh.proxy.policy.mesh import Mesh
from linly_mesh.proxy.policy.reader import read_mesh
from linly_mesh.proxy.policy.resources import resource

Document = dict[str, Any]
HOST = "asr.talker.svc.cluster.local"


def document(api: str, kind: str, name: str = "asr", **content: Any) -> Document:
    metadata = {"name": name, "namespace": "talker"}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def peer_authentication() -> Document:
    spec = {"mtls": {"mode": "STRICT"}}
    return document("security.istio.io/v1", "PeerAuthentication", spec=spec)


def authorization_policy(name: str = "asr", **spec: Any) -> Document:
    return document("security.istio.io/v1", "AuthorizationPolicy", name, spec=spec)


def full_policy() -> Document:
    """An AuthorizationPolicy in which everything that is supported occurs."""
    return authorization_policy(
        selector={"matchLabels": {"app": "asr"}},
        action="ALLOW",
        rules=[
            {
                "from": [
                    {
                        "source": {
                            "principals": ["cluster.local/ns/talker/sa/orchestrator"],
                            "notPrincipals": ["*/sa/nobody"],
                            "namespaces": ["talker"],
                            "notNamespaces": ["else*"],
                        }
                    }
                ],
                "to": [
                    {
                        "operation": {
                            "ports": ["50051"],
                            "notPorts": ["9090"],
                            "methods": ["POST"],
                            "notMethods": ["GET"],
                            "paths": ["/linly.asr.v1.AsrService/*"],
                            "notPaths": ["*/GetCapabilities"],
                        }
                    }
                ],
                "when": [{"key": "source.namespace", "values": ["*"], "notValues": ["other"]}],
            }
        ],
    )


def destination_rule() -> Document:
    """A DestinationRule in which everything that is supported occurs."""
    traffic = {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "loadBalancer": {"simple": "ROUND_ROBIN"},
        "connectionPool": {
            "tcp": {
                "connectTimeout": "250ms",
                "maxConnections": 7,
                "tcpKeepalive": {"time": "30s", "interval": "10s", "probes": 3},
            },
            "http": {
                "http1MaxPendingRequests": 5,
                "http2MaxRequests": 6,
                "maxConcurrentStreams": 4,
                "idleTimeout": "1h",
            },
        },
        "outlierDetection": {
            "consecutiveGatewayErrors": 5,
            "consecutive5xxErrors": 0,
            "interval": "5s",
            "baseEjectionTime": "10s",
            "maxEjectionPercent": 50,
        },
    }
    spec = {"host": HOST, "trafficPolicy": traffic}
    return document("networking.istio.io/v1", "DestinationRule", spec=spec)


def virtual_service() -> Document:
    route = {"destination": {"host": HOST}}
    http = [{"route": [route], "timeout": "0s", "retries": {"attempts": 0}}]
    spec = {"hosts": [HOST], "http": http}
    return document("networking.istio.io/v1", "VirtualService", spec=spec)


def service() -> Document:
    ports = [
        {"name": "grpc", "port": 50051, "targetPort": "grpc"},
        {"name": "http-metrics", "port": 9090},
    ]
    return document("v1", "Service", spec={"selector": {"app": "asr"}, "ports": ports})


def deployment() -> Document:
    ports = [
        {"name": "grpc", "containerPort": 50051},
        {"name": "http-metrics", "containerPort": 9090},
    ]
    template = {
        "metadata": {"labels": {"app": "asr", "version": "1"}},
        "spec": {"serviceAccountName": "asr", "containers": [{"name": "asr", "ports": ports}]},
    }
    return document("apps/v1", "Deployment", spec={"template": template})


def service_account(name: str = "asr") -> Document:
    return document("v1", "ServiceAccount", name)


def complete() -> list[Document]:
    """A whole mesh of one workload and one caller."""
    return [
        *(peer_authentication(), full_policy(), destination_rule(), virtual_service()),
        *(service_account(), service_account("orchestrator"), service(), deployment()),
    ]


def write(folder: Path, documents: list[Document]) -> None:
    """Writes every document into a file of its own, called after its kind."""
    for part in ("policy", "kubernetes"):
        (folder / part).mkdir(exist_ok=True)
    for item in documents:
        path = folder / part_of(item) / f"{item['kind']}-{item['metadata']['name']}.yaml".lower()
        path.write_text(yaml.safe_dump(item, sort_keys=False))
    (folder / "policy" / "addresses.toml").write_text('asr = "127.0.1.11"\n')


def part_of(item: Document) -> str:
    return "policy" if ".istio.io/" in item["apiVersion"] else "kubernetes"


def read(folder: Path) -> Mesh:
    return read_mesh(folder / "policy", folder / "kubernetes")


def read_policies(folder: Path, *policies: Document) -> list[AuthorizationPolicy]:
    write(folder, list(policies))
    documents = read_documents([folder / "policy"])
    return [read_authorization_policy(resource(item)) for item in documents]
