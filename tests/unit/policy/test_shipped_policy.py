"""Who may call what in the policy that comes along: every caller, every method, every workload."""

import importlib
from itertools import product

import pytest

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import Request
from linly_mesh.proxy.policy.decision import decide
from linly_mesh.proxy.policy.explanation import explain
from linly_mesh.proxy.policy.shipped import read_shipped_mesh

MESH = read_shipped_mesh()
MODELS = ("asr", "llm", "tts", "animator")
WORKLOADS = (*MODELS, "orchestrator")
CALLERS = (*WORKLOADS, "gateway", "client", "prometheus", "debug", "stranger")
PACKAGES = {
    "asr": "asr",
    "llm": "llm",
    "tts": "tts",
    "animator": "animator",
    "talk": "orchestrator",
}

ANYWHERE = {
    "/grpc.health.v1.Health/Check": {"debug"},
    "/grpc.health.v1.Health/Watch": {"debug"},
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": {"debug"},
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {"debug"},
    "/linly.admin.v1.AdminService/GetWorkload": {"debug"},
    "/linly.admin.v1.AdminService/StartMemoryTrace": {"debug"},
    "/linly.admin.v1.AdminService/GetMemoryGrowth": {"debug"},
    "/linly.admin.v1.AdminService/StopMemoryTrace": {"debug"},
    "/grpc.channelz.v1.Channelz/GetServers": set(),
    "/linly.asr.v1.AsrService/": set(),
    "/": set(),
}
MODEL = {"orchestrator", "debug"}
AT = {
    "asr": {
        "/linly.asr.v1.AsrService/StreamingRecognize": MODEL,
        "/linly.asr.v1.AsrService/GetCapabilities": MODEL,
    },
    "llm": {
        "/linly.llm.v1.LlmService/Generate": MODEL,
        "/linly.llm.v1.LlmService/GetCapabilities": MODEL,
    },
    "tts": {
        "/linly.tts.v1.TtsService/StreamingSynthesize": MODEL,
        "/linly.tts.v1.TtsService/GetCapabilities": MODEL,
        "/linly.tts.v1.TtsService/ListVoices": {"debug"},
    },
    "animator": {
        "/linly.animator.v1.AnimatorService/StreamingAnimate": MODEL,
        "/linly.animator.v1.AnimatorService/GetCapabilities": MODEL,
        "/linly.animator.v1.AnimatorService/CreateAvatar": {"orchestrator"},
    },
    "orchestrator": {
        "/linly.talk.v1.TalkService/Converse": {"gateway", "client"},
        "/linly.talk.v1.TalkService/GetCapabilities": {"gateway", "client", "debug"},
        "/grpc.health.v1.Health/Check": {"gateway", "client", "debug"},
        "/grpc.health.v1.Health/Watch": {"gateway", "client", "debug"},
    },
}
PATHS = sorted({*ANYWHERE, *(path for table in AT.values() for path in table)})
PAGES = ("/metrics", "/stats/prometheus", "/", "/metrics/", "/quitquitquit")


def allowed(workload, caller, method, path, port):
    request = Request(SpiffeId(caller), method, path, port)
    return decide(MESH.workloads[workload].policies, request).allowed


def test_every_rpc_of_the_contracts_is_in_the_table():
    for package, workload in PACKAGES.items():
        module = importlib.import_module(f"linly.{package}.v1.{package}_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert f"/{service.full_name}/{method.name}" in AT[workload]


def test_every_workload_is_in_the_table():
    assert {item.name for item in MESH.workloads.values() if item.ports} == {*WORKLOADS}
    assert {*MESH.workloads} == {*CALLERS} - {"stranger"}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_who_may_call_what(workload):
    expected = ANYWHERE | AT[workload]
    measured = {
        (caller, path): allowed(workload, caller, "POST", path, 50051)
        for caller, path in product(CALLERS, PATHS)
    }
    assert measured == {
        (caller, path): caller in expected.get(path, set())
        for caller, path in product(CALLERS, PATHS)
    }


@pytest.mark.parametrize("workload", WORKLOADS)
def test_metrics_are_for_prometheus_alone(workload):
    for caller, page in product(CALLERS, PAGES):
        expected = caller == "prometheus" and page in ("/metrics", "/stats/prometheus")
        assert allowed(workload, caller, "GET", page, 9090) is expected
        assert not allowed(workload, caller, "GET", page, 50051)
        assert not allowed(workload, caller, "POST", page, 9090)


def test_the_same_name_elsewhere_is_somebody_else():
    path = "/linly.asr.v1.AsrService/StreamingRecognize"
    for caller in (
        SpiffeId("orchestrator", "default"),
        SpiffeId("orchestrator", trust_domain="example.org"),
    ):
        request = Request(caller, "POST", path, 50051)
        assert not decide(MESH.workloads["asr"].policies, request).allowed


def test_an_explanation_names_the_rule():
    method = "linly.asr.v1.AsrService/StreamingRecognize"
    found = {item.workload: item.decision for item in explain(MESH, SpiffeId("debug"), method)}
    assert {*found} == {*WORKLOADS}
    assert [name for name, decision in found.items() if decision.allowed] == ["asr"]
    place = found["asr"].place
    assert place.file.name == "asr.yaml"
    assert "from:" in place.file.read_text().splitlines()[place.line - 1]


def test_a_path_that_is_no_rpc_is_asked_at_the_http_port():
    found = explain(MESH, SpiffeId("prometheus"), "/metrics")
    assert {(item.request.method, item.request.port) for item in found} == {("GET", 9090)}
    assert all(item.decision.allowed for item in found)
