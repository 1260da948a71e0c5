"""The processes of a mesh on one machine, and how they find each other."""

import sys
from collections.abc import Sequence

from linly_mesh.proxy.launcher import Process
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.proxy.workload import workload

STAGES = ("asr", "llm", "tts", "animator")
"""The services that run a model, in the order of the pipeline."""
SERVICES = (*STAGES, "orchestrator")
"""All that is started for a talk."""


def processes(local: LocalMesh, names: Sequence[str]) -> list[Process]:
    """How to start those of ``SERVICES``; other settings come from the environment as always."""
    return [process for name in names for process in _workload(local, name)]


def _workload(local: LocalMesh, name: str) -> tuple[Process, Process]:
    prefix = name.upper()
    environment = {
        f"{prefix}_LISTEN": local.listen(name, "grpc"),
        f"{prefix}_METRICS_LISTEN": local.listen(name, "http-metrics"),
    }
    needed: tuple[str, ...] = ()
    if name == "orchestrator":
        needed = STAGES
        environment |= {
            f"{prefix}_{stage.upper()}_TARGET": local.upstream(name, stage) for stage in STAGES
        }
    return workload(local, name, (sys.executable, "-m", f"linly_{name}"), environment, needed)
