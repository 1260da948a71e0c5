"""Everything that the proxy of one workload is told."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from linly_mesh.errors import ConfigurationError
from linly_mesh.proxy.envoy import clusters, listeners, tls
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.policy.decision import may_call
from linly_mesh.proxy.policy.mesh import Mesh


@dataclass(frozen=True, slots=True)
class Configuration:
    """The files of one proxy."""

    bootstrap: dict[str, Any]
    """What Envoy is started with; belongs into ``Files.bootstrap``."""
    secrets: dict[Path, dict[str, Any]]
    """What the bootstrap refers to, by the file in which it has to be."""

    def write(self, files: Files) -> None:
        """Puts all files where they belong, the bootstrap last."""
        files.configuration.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in self.secrets.items():
            path.write_text(to_yaml(content), encoding="utf-8")
        files.bootstrap.write_text(to_yaml(self.bootstrap), encoding="utf-8")


def configure(mesh: Mesh, name: str, files: Files) -> Configuration:
    """Compiles the configuration of one proxy.

    Raises:
        ConfigurationError: the mesh has no such workload.
    """
    workload = mesh.workloads.get(name)
    if workload is None:
        known = ", ".join(mesh.workloads)
        raise ConfigurationError(f"no workload is called {name}; there are {known}")
    upstreams = [
        item
        for item in mesh.upstreams.values()
        if item.workload is not workload
        and may_call(item.workload.policies, workload.identity, item.port)
    ]
    resources = {
        "listeners": [
            *(listeners.inbound(workload, port, files) for port in workload.ports),
            *(listeners.outbound(upstream, files) for upstream in upstreams),
        ],
        "clusters": [
            *(clusters.application(p, files.application(p.name)) for p in workload.ports),
            *(clusters.remote(upstream, files) for upstream in upstreams),
            clusters.admin(files.admin),
        ],
    }
    bootstrap = {
        "node": {"id": str(workload.identity), "cluster": workload.name},
        "admin": {"address": {"pipe": {"path": str(files.admin), "mode": 0o600}}},
        "static_resources": resources,
    }
    return Configuration(bootstrap, tls.secrets(files))


def to_yaml(content: dict[str, Any]) -> str:
    """Text for Envoy and for people, in the order in which it was put together."""
    unshared = json.loads(json.dumps(content))  # else YAML's anchors stand for what is there twice
    return str(yaml.safe_dump(unshared, sort_keys=False, width=100))
