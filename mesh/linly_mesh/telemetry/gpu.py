"""What this process holds of the GPUs, and how they are.

Without a GPU, its driver or the package that asks it, there is nothing to say and no error.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linly_mesh.telemetry.catalogue import Audience, Family, Kind

ALLOCATED = Family(
    "linly_talker_gpu_memory_bytes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "GPU memory that tensors of this process take.",
    ("model", "gpu"),
)
RESERVED = Family(
    "linly_talker_gpu_memory_reserved_bytes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "GPU memory that this process has taken from the card, in use or kept for later.",
    ("model", "gpu"),
)
TOTAL = Family(
    "linly_talker_gpu_memory_total_bytes",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Memory of the card.",
    ("gpu",),
)
UTILIZATION = Family(
    "linly_talker_gpu_utilization_ratio",
    Kind.GAUGE,
    Audience.RESOURCE,
    "Share of the last moments in which the card computed, whoever let it: 0 to 1.",
    ("gpu",),
)
POWER = Family(
    "linly_talker_gpu_power_watts", Kind.GAUGE, Audience.RESOURCE, "What the card draws.", ("gpu",)
)
TEMPERATURE = Family(
    "linly_talker_gpu_temperature_celsius",
    Kind.GAUGE,
    Audience.RESOURCE,
    "How warm the card is.",
    ("gpu",),
)
FAMILIES = (ALLOCATED, RESERVED, TOTAL, UTILIZATION, POWER, TEMPERATURE)


class TorchCollector(Collector):
    """This process's memory, as torch accounts for it; torch is not imported for it."""

    def __init__(self, model: str) -> None:
        """``model`` is the stage's name."""
        self._model = model

    def collect(self) -> Iterable[Metric]:
        """One sample per card that torch sees, by the card's UUID."""
        allocated, reserved = _gauge(ALLOCATED), _gauge(RESERVED)
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            for index in range(torch.cuda.device_count()):
                labels = (self._model, _uuid(torch.cuda.get_device_properties(index).uuid))
                allocated.add_metric(labels, torch.cuda.memory_allocated(index))
                reserved.add_metric(labels, torch.cuda.memory_reserved(index))
        return (allocated, reserved)


class CardCollector(Collector):
    """The cards of this machine, as the driver sees them."""

    def __init__(self, nvml: Any = None) -> None:
        """Asks the driver; ``nvml`` is the module pynvml, by default the installed one."""
        self._nvml = nvml if nvml is not None else _installed()
        self._cards: Sequence[tuple[str, Any]] = ()
        if self._nvml is not None:
            with suppress(self._nvml.NVMLError):  # no driver: no cards
                self._nvml.nvmlInit()
                self._cards = self._found()

    def _found(self) -> list[tuple[str, Any]]:
        nvml = self._nvml
        handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
        return [(_uuid(nvml.nvmlDeviceGetUUID(handle)), handle) for handle in handles]

    def collect(self) -> Iterable[Metric]:
        """One sample per card and figure; a figure that a card does not have is left out."""
        nvml = self._nvml
        readings: list[tuple[Family, Callable[[Any], float]]] = [
            (TOTAL, lambda card: nvml.nvmlDeviceGetMemoryInfo(card).total),
            (UTILIZATION, lambda card: nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100),
            (POWER, lambda card: nvml.nvmlDeviceGetPowerUsage(card) / 1000),
            (
                TEMPERATURE,
                lambda card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
            ),
        ]
        for family, read in readings:
            gauge = _gauge(family)
            for uuid, card in self._cards:
                with suppress(nvml.NVMLError):
                    gauge.add_metric((uuid,), read(card))
            yield gauge


def _installed() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml


def _uuid(found: Any) -> str:
    """One form for both sources: the driver says ``GPU-…``, torch only what follows."""
    text = found.decode() if isinstance(found, bytes) else str(found)
    return text if text.startswith("GPU-") else f"GPU-{text}"


def _gauge(family: Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)
