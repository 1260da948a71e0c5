"""The processes of a mesh on one machine, and how they find each other."""

import sys

from linly_mesh.proxy.endpoints import target
from linly_mesh.proxy.launcher import Process

STAGES = ("asr", "llm", "tts", "animator")
"""The services that run a model, in the order of the pipeline."""
SERVICES = (*STAGES, "orchestrator")
"""All that is started for a talk."""


def process(name: str) -> Process:
    """How to start one of ``SERVICES``; its settings come from the environment as always."""
    listen = {f"{name.upper()}_LISTEN": target(name)}
    if name == "orchestrator":
        stages = {f"ORCHESTRATOR_{stage.upper()}_TARGET": target(stage) for stage in STAGES}
        return Process(name, _command(name), target(name), listen | stages, depends_on=STAGES)
    return Process(name, _command(name), target(name), listen)


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"linly_{name}")
