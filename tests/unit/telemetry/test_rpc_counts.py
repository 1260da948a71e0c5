"""How what was counted is exposed, to the letter."""

import pytest
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from linly_mesh.telemetry.catalogue import Kind
from linly_mesh.telemetry.rpc import FAMILIES, ClientMetrics, ServerMetrics
from linly_mesh.telemetry.rpc.counts import CODES, Distribution

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]


@pytest.mark.parametrize(
    ("value", "place"), [(0.0, 0), (0.5, 0), (1.0, 0), (1.0001, 1), (2.0, 1), (2.1, 2)]
)
def test_a_bound_belongs_to_its_bucket(value, place):
    found = Distribution((1, 2))
    found.observe(value)
    assert found.counts == [int(i == place) for i in range(3)]
    assert found.total == value


def test_what_was_counted_elsewhere_is_added():
    found = Distribution((1, 2))
    found.observe(1.5)
    found.add([1, 0, 2], 7.5)
    assert found.counts == [1, 1, 2]
    assert found.total == 9


def test_only_observations_with_a_trace_are_exemplars():
    found = Distribution((1,))
    found.observe(0.5)
    assert not found.exemplars
    found.observe(0.6, "a")
    found.observe(0.7, "b")
    found.observe(0.8)
    assert (found.exemplars[0].trace_id, found.exemplars[0].value) == ("b", 0.7)


def test_codes_are_the_seventeen_of_grpc_by_number():
    assert CODES[0] == "OK"
    assert CODES[16] == "UNAUTHENTICATED"
    assert len(CODES) == 17


@pytest.mark.parametrize("metrics", [ServerMetrics, ClientMetrics])
def test_every_series_is_there_at_zero(metrics):
    registry = CollectorRegistry()
    metrics(registry, [SERVICE])
    side = "server" if metrics is ServerMetrics else "client"
    text = generate_latest(registry).decode()
    labels = 'grpc_method="Check",grpc_service="grpc.health.v1.Health",grpc_type="UNARY"'
    assert f"grpc_{side}_started_total{{{labels}}} 0.0" in text
    for code in CODES:
        assert f'grpc_{side}_handled_total{{grpc_code="{code}",{labels}}} 0.0' in text
    parsed = {family.name: family for family in text_string_to_metric_families(text)}
    declared = {f.name.removesuffix("_total"): f for f in FAMILIES if f"_{side}_" in f.name}
    assert set(parsed) == set(declared)
    for name, family in declared.items():
        assert parsed[name].type == family.kind
        assert parsed[name].documentation == family.help
        values = {sample.value for sample in parsed[name].samples}
        assert values == {0}
        expected = set(family.labels)
        if family.kind is Kind.HISTOGRAM:
            bounds = {s.labels["le"] for s in parsed[name].samples if "le" in s.labels}
            assert len(bounds) == len(family.buckets) + 1
        assert all(set(s.labels) - {"le"} == expected for s in parsed[name].samples)
    assert openmetrics(registry).endswith(b"# EOF\n")


def test_families_follow_the_rule_of_names():
    for family in FAMILIES:
        assert family.name.startswith(("grpc_server_", "grpc_client_", "linly_talker_rpc_"))
        assert (family.kind is Kind.COUNTER) == family.name.endswith("_total")
        assert (family.kind is Kind.HISTOGRAM) == family.name.endswith("_seconds")
        assert list(family.buckets) == sorted(set(family.buckets))
        assert family.help.endswith(".")
