"""What a proxy is told, beside the policies: limits, identities, timeouts."""

from dataclasses import replace
from pathlib import Path

import pytest
from unit.policy import meshes

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.svid import SvidFiles
from linly_mesh.proxy.envoy.bootstrap import configure
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.limits import counterpart
from linly_mesh.proxy.policy.fields import PolicyError
from linly_mesh.proxy.policy.mesh import Network
from linly_mesh.proxy.policy.shipped import read_shipped_mesh, read_source

SVID = SvidFiles.named(Path("/svid"), ("tls.crt", "tls.key", "ca.crt"))
FILES = Files(Path("/run/asr"), SVID)
MESH = read_shipped_mesh()
CONTAINED = read_shipped_mesh(Network.CONTAINERS)
NAMES = [*MESH.workloads]
WINDOWS = {"initial_stream_window_size": 65536, "initial_connection_window_size": 1048576}


def resources(name, mesh=MESH):
    return configure(mesh, name, FILES).bootstrap["static_resources"]


def named(items, name):
    return next(item for item in items if item["name"] == name)


def manager(listener):
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def values(tree, key):
    """Every value of ``key``, however deep."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from values(item, key)


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_the_limits_that_keep_an_unread_stream_small(name):
    found = resources(name)
    for part in (*found["listeners"], *found["clusters"]):
        assert part["per_connection_buffer_limit_bytes"] == 65536
    for options in values(found, "http2_protocol_options"):
        assert options.items() >= WINDOWS.items()


@pytest.mark.parametrize("name", NAMES)
def test_no_stream_is_cut_and_nothing_is_repeated(name):
    found = resources(name)
    for listener in found["listeners"]:
        assert manager(listener)["stream_idle_timeout"] == "0s"
    assert {*values(found["listeners"], "timeout")} <= {"0s"}
    for word in ("retry_policy", "max_stream_duration", "request_timeout", "max_grpc_timeout"):
        assert not [*values(found, word)]


@pytest.mark.parametrize("name", NAMES)
def test_every_listener_asks_for_a_certificate_or_is_a_private_socket(name):
    for listener in resources(name)["listeners"]:
        if "pipe" in listener["address"]:
            assert listener["address"]["pipe"]["mode"] == 0o600
        else:
            [chain] = listener["filter_chains"]
            tls = chain["transport_socket"]["typed_config"]
            assert tls["require_client_certificate"] is True
            assert manager(listener)["forward_client_cert_details"] == "SANITIZE_SET"


def test_a_server_is_expected_by_its_exact_identity():
    cluster = named(resources("orchestrator")["clusters"], f"outbound|50051||{meshes.HOST}")
    tls = cluster["transport_socket"]["typed_config"]["common_tls_context"]
    assert [*values(tls, "matcher")] == [{"exact": "spiffe://cluster.local/ns/talker/sa/asr"}]


def test_a_workload_has_sockets_to_those_that_it_may_call():
    reachable = {
        name: {item["name"] for item in resources(name)["listeners"] if "pipe" in item["address"]}
        for name in NAMES
    }
    models = {"outbound-asr", "outbound-llm", "outbound-tts", "outbound-animator"}
    assert reachable == {
        **{name: set() for name in ("asr", "llm", "tts", "animator", "prometheus")},
        "orchestrator": models,
        "debug": {*models, "outbound-orchestrator"},
        "gateway": {"outbound-orchestrator"},
        "client": {"outbound-orchestrator"},
    }


def test_a_destination_rule_becomes_the_limits_of_a_cluster(tmp_path):
    meshes.write(tmp_path, meshes.complete())
    cluster = named(
        resources("orchestrator", meshes.read(tmp_path))["clusters"],
        f"outbound|50051||{meshes.HOST}",
    )
    assert cluster["connect_timeout"] == "0.250s"
    assert cluster["lb_policy"] == "ROUND_ROBIN"
    assert cluster["circuit_breakers"]["thresholds"] == [
        {
            "max_connections": 7,
            "max_pending_requests": 5,
            "max_requests": 6,
            "max_retries": 2**32 - 1,
        }
    ]
    assert cluster["upstream_connection_options"]["tcp_keepalive"] == {
        "keepalive_probes": 3,
        "keepalive_time": 30,
        "keepalive_interval": 10,
    }
    assert cluster["outlier_detection"] == {
        "enforcing_success_rate": 0,
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        "consecutive_5xx": 0,
        "enforcing_consecutive_5xx": 0,
        "interval": "5s",
        "base_ejection_time": "10s",
        "max_ejection_percent": 50,
    }
    assert [*values(cluster, "idle_timeout")] == ["3600s"]
    assert [*values(cluster, "max_concurrent_streams")] == [4]


def test_what_a_destination_rule_leaves_open_is_istios_default_and_not_envoys(tmp_path):
    rule = meshes.destination_rule()
    rule["spec"]["trafficPolicy"] = {"tls": {"mode": "ISTIO_MUTUAL"}}
    others = [item for item in meshes.complete() if item["kind"] != "DestinationRule"]
    meshes.write(tmp_path, [*others, rule])
    cluster = named(
        resources("orchestrator", meshes.read(tmp_path))["clusters"],
        f"outbound|50051||{meshes.HOST}",
    )
    assert cluster["connect_timeout"] == "10s"
    assert {*cluster["circuit_breakers"]["thresholds"][0].values()} == {2**32 - 1}
    assert "outlier_detection" not in cluster


def test_the_secrets_name_the_files_of_the_identity_and_what_to_watch():
    secrets = configure(MESH, "asr", FILES).secrets
    assert set(values([*secrets.values()], "filename")) == {
        "/svid/tls.crt",
        "/svid/tls.key",
        "/svid/ca.crt",
    }
    assert list(values([*secrets.values()], "watched_directory")) == [{"path": "/svid"}] * 2


def test_a_workload_that_is_not_there_is_an_error_that_names_the_others():
    with pytest.raises(ConfigurationError, match=r"vocoder.*asr"):
        configure(MESH, "vocoder", FILES)


def test_an_envoy_filter_that_says_something_else_is_refused(tmp_path):
    spec = counterpart()
    same = meshes.document("networking.istio.io/v1alpha3", "EnvoyFilter", "limits", spec=spec)
    meshes.write(tmp_path, [*meshes.complete(), same])
    assert meshes.read(tmp_path)
    spec["configPatches"][0]["patch"]["value"]["per_connection_buffer_limit_bytes"] = 65537
    meshes.write(tmp_path, [*meshes.complete(), same])
    with pytest.raises(PolicyError, match=r"envoyfilter-limits\.yaml"):
        meshes.read(tmp_path)


@pytest.mark.parametrize("name", ["asr", "orchestrator"])
def test_in_a_container_a_proxy_listens_on_all_of_its_own_network(name):
    bound = {
        item["name"]: item["address"]["socket_address"]
        for item in resources(name, CONTAINED)["listeners"]
        if "socket_address" in item["address"]
    }
    assert bound == {
        "inbound-grpc": {"address": "0.0.0.0", "port_value": 50051},
        "inbound-http-metrics": {"address": "0.0.0.0", "port_value": 9090},
    }


def test_in_containers_a_service_is_looked_up_by_its_name_and_known_by_its_identity():
    name = f"outbound|50051||{meshes.HOST}"
    there = named(resources("orchestrator", CONTAINED)["clusters"], name)
    here = named(resources("orchestrator")["clusters"], name)
    assert there["type"] == "STRICT_DNS"
    assert [*values(there, "socket_address")] == [{"address": "asr", "port_value": 50051}]
    placed = {"type", "dns_lookup_family", "load_assignment"}
    assert {key: there[key] for key in there.keys() - placed} == {
        key: here[key] for key in here.keys() - placed
    }


def test_containers_need_no_table_of_addresses(tmp_path):
    meshes.write(tmp_path, meshes.complete())
    (tmp_path / "policy" / "addresses.toml").unlink()
    mesh = read_source(tmp_path, Network.CONTAINERS)
    assert mesh.workloads["asr"].address == "asr"


def test_the_configuration_may_be_kept_apart_from_the_sockets():
    apart = replace(FILES, proxy=Path("/run/proxies/asr"))
    assert apart.bootstrap == Path("/run/proxies/asr/bootstrap.yaml")
    assert {*configure(MESH, "asr", apart).secrets} == {apart.certificate, apart.roots}
    assert apart.admin == FILES.admin
