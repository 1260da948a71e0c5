"""Two pairs of compose.yaml, as it describes them: their users, mounts and networks."""

import io
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import yaml
from conformance.missing import missing

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.identity.svid import Svid

from .containers import ROOT, Containers, may_make_namespaces


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    if shutil.which("docker-compose") is None:
        missing("docker-compose", "apt install docker-compose")
    if not may_make_namespaces():
        missing("the right to make namespaces", "run as root")
    done = subprocess.run(["docker-compose", "config"], cwd=ROOT, capture_output=True, check=True)
    found = Containers(yaml.safe_load(done.stdout))
    try:
        found.start("certificates")
        found.until_healthy("certificates")
        for pair in ("tts", "orchestrator"):
            found.start(f"{pair}-proxy")
            found.start(pair)
            found.until_healthy(pair)
        yield found
    finally:
        found.close()


def capabilities(path: Path) -> tts_pb2.GetCapabilitiesResponse:
    with grpc.insecure_channel(f"unix:{path}") as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        return stub.GetCapabilities(tts_pb2.GetCapabilitiesRequest(), timeout=10)


def test_a_call_finds_its_way_by_name_through_both_proxies(containers):
    answer = capabilities(containers.socket("orchestrator-sockets", "to-tts.sock"))
    assert answer.default_voice == "en-us"


def test_a_model_has_a_socket_to_nobody(containers):
    for name in ("tts", "tts-proxy"):
        found = containers.execute(name, ["ls", "/run/talker"]).stdout.decode().split()
        assert {"grpc.sock", "envoy-admin.sock"} <= {*found}
        assert not [each for each in found if each.startswith("to-")]


def test_an_application_opens_no_port(containers):
    listening = containers.execute("tts", ["ss", "-HlntupO"]).stdout.decode().splitlines()
    ports = {line.split()[4] for line in listening}
    assert ports == {"0.0.0.0:50051", "0.0.0.0:9090"}  # both of the proxy


@pytest.mark.parametrize("name", ["tts", "tts-proxy", "certificates"])
def test_a_container_writes_where_it_may_alone(containers, name):
    folders = ("/", "/run/proxies", "/var/lib/talker/svid/tts", "/run/talker", "/tmp")
    script = f'for each in {" ".join(folders)}; do test -w "$each" && echo "$each"; done; id -u'
    *writable, user = containers.execute(name, ["sh", "-c", script]).stdout.decode().split()
    assert user == "10001"
    assert {*writable} == {
        "tts": {"/run/talker", "/tmp"},
        "tts-proxy": {"/run/talker", "/tmp"},
        "certificates": {"/run/proxies", "/var/lib/talker/svid/tts", "/tmp"},
    }[name]


def test_a_key_is_seen_by_its_proxy_and_not_by_its_application(containers):
    def keys(name):
        command = ["find", "/var/lib/talker", "-type", "l", "-name", "key.pem"]
        return containers.execute(name, command).stdout.decode().split()

    assert keys("tts-proxy") == ["/var/lib/talker/svid/tts/key.pem"]
    assert keys("tts") == []


def test_a_person_gets_a_certificate_as_the_page_says(containers):
    page = (ROOT / "docs" / "compose.md").read_text()
    [script] = re.findall(r"exec -T certificates sh -c \\\n +'([^']+)'", page)
    done = containers.execute("certificates", ["sh", "-c", script])
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = {item.name: archive.extractfile(item).read() for item in archive if item.isfile()}
    svid = Svid.parse(*(files[name] for name in ("cert-chain.pem", "key.pem", "root-cert.pem")))
    assert svid.id.service_account == "client"


def test_prometheus_scrapes_both_of_a_pair_through_the_mesh(containers):
    if shutil.which("prometheus") is None:
        missing("prometheus", "apt install prometheus")
    containers.start("prometheus")
    query = 'up{job=~"(tts|orchestrator)(-proxy)?"} == 1'
    command = ["promtool", "query", "instant", "http://127.0.0.1:9095", query]
    wanted = {"tts", "tts-proxy", "orchestrator", "orchestrator-proxy"}
    end = time.monotonic() + 40
    found: set[str] = set()
    while found != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.5)
        answer = containers.execute("prometheus", command).stdout.decode()
        found = {*re.findall(r'job="([\w-]+)"', answer)}


def test_all_end_well_when_they_are_told_to(containers):
    names = ("orchestrator", "orchestrator-proxy", "tts", "tts-proxy", "certificates")
    names += ("prometheus",)
    assert containers.stop() == dict.fromkeys(names, 0)
