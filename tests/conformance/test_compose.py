"""compose.yaml holds what it promises, as far as that can be told without an engine."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from conformance.missing import missing

from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.proxy.containers import ContainerSettings
from linly_mesh.proxy.envoy.sockets import Sockets
from linly_mesh.proxy.policy.mesh import Network
from linly_mesh.proxy.policy.shipped import read_shipped_mesh

ROOT = Path(__file__).parents[2]
FILES = ("compose.yaml", "compose.gpu.yaml")
MESH = read_shipped_mesh(Network.CONTAINERS)
WORKLOADS = sorted(name for name, workload in MESH.workloads.items() if workload.ports)
PLACES = ContainerSettings()
HARDENED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": "10001:10001",
}


@cache
def composed(*files: str) -> dict[str, Any]:
    """The files together, as docker-compose understands them."""
    if shutil.which("docker-compose") is None:
        missing("docker-compose", "apt install docker-compose")
    environment = {name: value for name, value in os.environ.items() if name != "GRAFANA_PASSWORD"}
    chosen = [part for file in files for part in ("-f", file)]
    command = ["docker-compose", "--profile", "grafana", *chosen, "config"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture(params=[FILES[:1], FILES], ids=["processors", "gpu"])
def compose(request) -> dict[str, Any]:
    return composed(*request.param)


@pytest.fixture
def services(compose) -> dict[str, Any]:
    return compose["services"]


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Volume or folder → where it is, and ``rw`` or ``ro``."""
    found = {}
    for each in service.get("volumes", ()):
        if isinstance(each, str):
            source, target, mode = each.split(":")
        else:
            source, target = each["source"], each["target"]
            mode = "ro" if each.get("read_only") else "rw"
        found[source] = (target, mode)
    return found


def owners(services: dict[str, Any], volume: str) -> set[str]:
    return {name for name, service in services.items() if volume in mounts(service)}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_is_an_application_in_the_network_of_its_proxy(services, workload):
    application, proxy = services[workload], services[f"{workload}-proxy"]
    assert application["network_mode"] == f"service:{workload}-proxy"
    assert "networks" not in application
    assert proxy["networks"]["mesh"]["aliases"] == [workload]
    assert proxy["image"] == "envoyproxy/envoy:v1.40.0"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_an_application_meets_its_proxy_alone_and_holds_no_key(services, workload):
    assert owners(services, f"{workload}-sockets") == {workload, f"{workload}-proxy"}
    assert mounts(services[workload]) == {f"{workload}-sockets": ("/run/talker", "rw")}
    assert mounts(services[f"{workload}-proxy"])[f"{workload}-sockets"] == ("/run/talker", "rw")


def test_a_key_is_mounted_by_its_owner_alone(compose, services):
    keys = {name for name in compose["volumes"] if name.endswith("-svid")}
    assert keys == {f"{name}-svid" for name in issued(services)}
    identity = Path(services["certificates"]["environment"]["MESH_IDENTITY_FOLDER"])
    for workload in issued(services):
        volume, place = f"{workload}-svid", str(identity / "svid" / workload)
        owner = f"{workload}-proxy" if workload in WORKLOADS else workload
        assert owners(services, volume) == {owner, "certificates"}
        assert mounts(services["certificates"])[volume] == (place, "rw")
        target, mode = mounts(services[owner])[volume]
        assert mode == "ro"
        if workload in WORKLOADS:
            assert target == place  # what the configuration of the proxy names
    assert owners(services, "authority") == {"certificates"}


def issued(services: dict[str, Any]) -> list[str]:
    """Who is given a certificate."""
    return services["certificates"]["command"][3:]


def test_every_workload_is_given_a_certificate(services):
    assert {*WORKLOADS} <= {*issued(services)} <= MESH.workloads.keys()


def test_what_is_secret_and_the_sockets_are_in_memory_and_private(compose):
    for name, volume in compose["volumes"].items():
        if name.endswith(("-svid", "-sockets")):
            options = volume["driver_opts"]
            assert options["type"] == "tmpfs"
            assert {"mode=0700", "uid=10001", "gid=10001"} <= {*options["o"].split(",")}


def test_no_application_publishes_a_port_and_the_mesh_has_one_way_in(services):
    published = {
        name: service["ports"] for name, service in services.items() if service.get("ports")
    }
    assert published.pop("orchestrator-proxy") == ["127.0.0.1:50051:50051/tcp"]
    assert not {*published} & {*WORKLOADS, *(f"{name}-proxy" for name in WORKLOADS)}
    for ports in published.values():
        assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_models_have_no_way_out(compose, services):
    assert compose["networks"]["mesh"] == {"internal": True}
    for workload in {*WORKLOADS} - {"orchestrator"}:
        assert {*services[f"{workload}-proxy"]["networks"]} == {"mesh"}


def test_what_is_ours_runs_hardened(services):
    for name in ("certificates", *WORKLOADS, *(f"{name}-proxy" for name in WORKLOADS)):
        assert services[name].items() >= HARDENED.items(), name


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_variables_are_settings_and_lead_through_the_proxy(services, workload):
    settings = importlib.import_module(f"linly_{workload}.config").Settings
    prefix = settings.model_config["env_prefix"]
    found = services[workload]["environment"]
    assert {name.removeprefix(prefix).lower() for name in found} <= {*settings.model_fields}
    sockets = Sockets(PLACES.socket_folder)
    expected = {
        "LISTEN": sockets.application("grpc"),
        "METRICS_LISTEN": sockets.application("http-metrics"),
    }
    if workload == "orchestrator":
        for stage in {*WORKLOADS} - {workload}:
            expected[f"{stage.upper()}_TARGET"] = sockets.upstream(stage)
    for name, path in expected.items():
        assert found[f"{prefix}{name}"] == f"unix:{path}"
    settings(**{name.removeprefix(prefix).lower(): value for name, value in found.items()})


def test_the_variables_of_the_certificates_are_settings(services):
    known = {f"MESH_{name.upper()}" for name in IdentitySettings.model_fields}
    assert {*services["certificates"]["environment"]} <= known


def test_applications_get_longer_to_stop_than_their_calls_to_finish(services):
    for workload in WORKLOADS:
        settings = importlib.import_module(f"linly_{workload}.config").Settings
        grace = int(services[workload]["stop_grace_period"].removesuffix("s"))
        assert grace > settings.model_fields["drain_grace"].default


@pytest.mark.parametrize("name", ["certificates", *WORKLOADS])
def test_what_python_is_to_run_exists(services, name):
    service = services[name]
    checked = service["healthcheck"]["test"][1:]
    commands = [command for command in (service.get("command"), checked) if command]
    for command in commands:
        if command[0] == "python":
            assert command[1] == "-m"
            assert importlib.util.find_spec(command[2]), command[2]
    assert commands


def test_things_start_in_order(services):
    for workload in WORKLOADS:
        waits = services[f"{workload}-proxy"]["depends_on"]
        assert waits == {"certificates": {"condition": "service_healthy"}}
    models = {*WORKLOADS} - {"orchestrator"}
    assert services["orchestrator"]["depends_on"] == {
        name: {"condition": "service_healthy"} for name in models
    }
    assert services["certificates"]["healthcheck"]["test"][-1] == str(PLACES.complete)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_proxy_is_started_with_what_is_written_for_it(services, workload):
    proxy = services[f"{workload}-proxy"]
    assert mounts(proxy)["configurations"] == (str(PLACES.configuration_folder), "ro")
    assert proxy["entrypoint"][0] == "envoy"
    assert proxy["entrypoint"][-1] == "-c"
    assert proxy["command"] == [f"{PLACES.configuration_folder}/{workload}/bootstrap.yaml"]


def test_a_gpu_is_reserved_for_the_language_model_alone():
    reserved = {
        name: service["deploy"]["resources"]["reservations"]["devices"]
        for name, service in composed(*FILES)["services"].items()
        if "deploy" in service
    }
    assert reserved == {
        "llm": [{"capabilities": ["gpu", "compute", "utility"], "count": 1, "driver": "nvidia"}]
    }
    assert not any("deploy" in service for service in composed(FILES[0])["services"].values())


def test_an_image_of_others_is_pinned(services):
    others = {service["image"] for service in services.values() if "build" not in service}
    assert others
    for image in others:
        assert re.search(r":v?\d+\.\d+\.\d+$", image), image


def test_the_watchers_meet_on_loopback(services):
    """Nothing between them is encrypted."""
    for name in ("alertmanager", "grafana"):
        assert services[name]["network_mode"] == "service:prometheus"
    for name in ("prometheus", "alertmanager"):
        [listens] = [each for each in services[name]["command"] if "listen-address=127" in each]
        assert listens.startswith("--web.listen-address=127.0.0.1:")


def test_grafana_is_optional_and_has_no_known_password(services):
    assert services["grafana"]["profiles"] == ["grafana"]
    assert services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == ""
    assert 'test -n "$$GF_SECURITY_ADMIN_PASSWORD" ||' in services["grafana"]["entrypoint"][2]


def test_what_is_mounted_from_the_repository_is_there_and_read_only(services):
    mounted = [
        (source, target, mode)
        for service in services.values()
        for source, (target, mode) in mounts(service).items()
        if source[0] == "/"
    ]
    assert mounted
    for source, target, mode in mounted:
        assert Path(source).exists(), source
        assert Path(source).is_relative_to(ROOT / "mesh" / "monitoring")
        assert Path(source).is_dir() or Path(target).suffix
        assert mode == "ro"


def test_nothing_is_mounted_into_what_is_read_only(services):
    """An engine could not make the place for it."""
    for service in services.values():
        found = mounts(service).values()
        closed = [Path(target) for target, mode in found if mode == "ro"]
        for target, _ in found:
            assert not {*Path(target).parents} & {*closed}, target


def test_prometheus_finds_all_that_its_configuration_names(services, tmp_path):
    if shutil.which("promtool") is None:
        missing("promtool", "apt install prometheus")
    base = Path("/etc/prometheus")
    for source, (target, _) in mounts(services["prometheus"]).items():
        place = tmp_path / Path(target).name
        if source[0] == "/" and Path(target).parent == base:
            place.symlink_to(source)
        elif source == "prometheus-svid":
            assert Path(target) == base / "svid"
            place.mkdir()
            for name in ("cert-chain.pem", "key.pem", "root-cert.pem"):
                (place / name).touch()
    command = ["promtool", "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    targets = yaml.safe_load_all(
        "---\n".join(path.read_text() for path in (tmp_path / "targets").glob("*.yml"))
    )
    found = sorted(target for page in targets for group in page for target in group["targets"])
    assert found == sorted(f"{name}:9090" for name in WORKLOADS)
