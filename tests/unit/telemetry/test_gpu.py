"""GPUs as metrics; where there are none, nothing."""

import sys
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.gpu import CardCollector, TorchCollector

CARD = "GPU-1b2c"


class NVMLError(Exception):
    pass


class FakeNvml:
    """Two cards; the second can't tell its power."""

    NVMLError = NVMLError
    NVML_TEMPERATURE_GPU = 0

    def nvmlInit(self):
        pass

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetUUID(self, card):
        return [CARD, "GPU-2"][card]

    def nvmlDeviceGetMemoryInfo(self, card):
        return SimpleNamespace(total=80 << 30)

    def nvmlDeviceGetUtilizationRates(self, card):
        return SimpleNamespace(gpu=75)

    def nvmlDeviceGetPowerUsage(self, card):
        if card:
            raise NVMLError
        return 350_500

    def nvmlDeviceGetTemperature(self, card, sensor):
        return 61


class NoDriver(FakeNvml):
    def nvmlInit(self):
        raise NVMLError


class FakeCuda:
    def __init__(self, initialized: bool) -> None:
        self.is_initialized = lambda: initialized

    def is_available(self):
        return True

    def device_count(self):
        return 1

    def get_device_properties(self, index):
        return SimpleNamespace(uuid="1b2c")

    def memory_allocated(self, index):
        return 3 << 30

    def memory_reserved(self, index):
        return 4 << 30


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def samples(registry):
    return [sample for family in registry.collect() for sample in family.samples]


def test_cards_are_told_apart_by_their_uuid(registry):
    registry.register(CardCollector(FakeNvml()))
    read = registry.get_sample_value
    assert read("linly_talker_gpu_memory_total_bytes", {"gpu": CARD}) == 80 << 30
    assert read("linly_talker_gpu_utilization_ratio", {"gpu": CARD}) == 0.75
    assert read("linly_talker_gpu_power_watts", {"gpu": CARD}) == 350.5
    assert read("linly_talker_gpu_temperature_celsius", {"gpu": "GPU-2"}) == 61


def test_a_figure_that_a_card_does_not_have_is_left_out(registry):
    registry.register(CardCollector(FakeNvml()))
    assert registry.get_sample_value("linly_talker_gpu_power_watts", {"gpu": "GPU-2"}) is None


def test_without_a_driver_there_are_no_samples_and_no_error(registry):
    registry.register(CardCollector(NoDriver()))
    assert samples(registry) == []


def test_torchs_memory_is_the_services_by_card(registry, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=FakeCuda(initialized=True)))
    registry.register(TorchCollector("llm"))
    labels = {"model": "llm", "gpu": CARD}
    assert registry.get_sample_value("linly_talker_gpu_memory_bytes", labels) == 3 << 30
    assert registry.get_sample_value("linly_talker_gpu_memory_reserved_bytes", labels) == 4 << 30


def test_a_card_that_nobody_uses_is_not_initialised_by_a_scrape(registry, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=FakeCuda(initialized=False)))
    registry.register(TorchCollector("llm"))
    assert samples(registry) == []


def test_torch_is_not_imported_for_a_scrape(registry, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    registry.register(TorchCollector("asr"))
    assert samples(registry) == []
    assert "torch" not in sys.modules
