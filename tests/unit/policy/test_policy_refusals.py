"""A policy that is silently weaker is a hole: what is not supported is an error that says where.

The fields are those of Istio's published API: istio/api, security/v1/*.proto,
networking/v1/{destination_rule,virtual_service}.proto, type/v1beta1/selector.proto.
"""

import copy

import pytest
import yaml
from unit.policy import meshes

from linly_mesh.errors import ConfigurationError
from linly_mesh.proxy.policy.fields import PolicyError

SOURCE = "spec.rules.0.from.0.source"
OPERATION = "spec.rules.0.to.0.operation"
TRAFFIC = "spec.trafficPolicy"
TCP = f"{TRAFFIC}.connectionPool.tcp"
HTTP = f"{TRAFFIC}.connectionPool.http"
OUTLIERS = f"{TRAFFIC}.outlierDetection"
ROUTE = "spec.http.0"
IPS = ["10.0.0.0/8"]

FIELDS = {
    "AuthorizationPolicy": [
        ("spec.targetRef", {"kind": "Gateway", "name": "edge"}),
        ("spec.targetRefs", [{"kind": "Service", "name": "asr"}]),
        ("spec.provider", {"name": "external"}),
        ("spec.selector.matchExpressions", [{"key": "app"}]),
        ("metadata.annotations", {"istio.io/dry-run": "true"}),
        ("status", {}),
        *((f"{SOURCE}.{name}", IPS) for name in ("ipBlocks", "notIpBlocks")),
        *((f"{SOURCE}.{name}", IPS) for name in ("remoteIpBlocks", "notRemoteIpBlocks")),
        *((f"{SOURCE}.{name}", ["*"]) for name in ("requestPrincipals", "notRequestPrincipals")),
        *((f"{SOURCE}.{name}", ["a"]) for name in ("serviceAccounts", "notServiceAccounts")),
        *((f"{OPERATION}.{name}", ["asr"]) for name in ("hosts", "notHosts")),
    ],
    "PeerAuthentication": [
        ("spec.selector", {"matchLabels": {"app": "asr"}}),
        ("spec.portLevelMtls", {8080: {"mode": "DISABLE"}}),
    ],
    "DestinationRule": [
        ("spec.subsets", [{"name": "v1"}]),
        ("spec.exportTo", ["."]),
        ("spec.workloadSelector", {"matchLabels": {"app": "asr"}}),
        (f"{TRAFFIC}.portLevelSettings", [{"port": {"number": 50051}}]),
        (f"{TRAFFIC}.tunnel", {"targetHost": "a"}),
        (f"{TRAFFIC}.proxyProtocol", {"version": "V2"}),
        (f"{TRAFFIC}.retryBudget", {"percent": 20}),
        (f"{TRAFFIC}.loadBalancer.consistentHash", {"useSourceIp": True}),
        (f"{TRAFFIC}.loadBalancer.localityLbSetting", {"enabled": True}),
        (f"{TRAFFIC}.loadBalancer.warmupDurationSecs", "10s"),
        (f"{TRAFFIC}.loadBalancer.warmup", {"duration": "10s"}),
        (f"{TCP}.maxConnectionDuration", "1h"),
        (f"{TCP}.idleTimeout", "1h"),
        (f"{HTTP}.maxRequestsPerConnection", 1),
        (f"{HTTP}.maxRetries", 1),
        (f"{HTTP}.h2UpgradePolicy", "UPGRADE"),
        (f"{HTTP}.useClientProtocol", True),
        (f"{OUTLIERS}.consecutiveErrors", 5),
        (f"{OUTLIERS}.splitExternalLocalOriginErrors", True),
        (f"{OUTLIERS}.consecutiveLocalOriginFailures", 5),
        (f"{OUTLIERS}.minHealthPercent", 50),
        *(
            (f"{TRAFFIC}.tls.{name}", "x")
            for name in ("clientCertificate", "privateKey", "caCertificates", "caCrl")
        ),
        *((f"{TRAFFIC}.tls.{name}", "x") for name in ("credentialName", "sni")),
        (f"{TRAFFIC}.tls.subjectAltNames", ["x"]),
        (f"{TRAFFIC}.tls.insecureSkipVerify", True),
    ],
    "VirtualService": [
        ("spec.gateways", ["mesh"]),
        ("spec.tls", [{}]),
        ("spec.tcp", [{}]),
        ("spec.exportTo", ["*"]),
        (f"{ROUTE}.name", "all"),
        (f"{ROUTE}.match", [{"uri": {"prefix": "/"}}]),
        (f"{ROUTE}.redirect", {"uri": "/"}),
        (f"{ROUTE}.directResponse", {"status": 503}),
        (f"{ROUTE}.delegate", {"name": "x"}),
        (f"{ROUTE}.rewrite", {"uri": "/"}),
        (f"{ROUTE}.fault", {"abort": {"httpStatus": 500}}),
        (f"{ROUTE}.mirror", {"host": "x"}),
        (f"{ROUTE}.mirrors", [{"destination": {"host": "x"}}]),
        (f"{ROUTE}.mirrorPercent", 5),
        (f"{ROUTE}.mirrorPercentage", {"value": 5}),
        (f"{ROUTE}.corsPolicy", {"allowCredentials": True}),
        (f"{ROUTE}.headers", {"request": {}}),
        (f"{ROUTE}.route.0.weight", 100),
        (f"{ROUTE}.route.0.headers", {"request": {}}),
        (f"{ROUTE}.route.0.destination.subset", "v1"),
        (f"{ROUTE}.route.0.destination.port", {"number": 50051}),
        (f"{ROUTE}.retries.perTryTimeout", "1s"),
        (f"{ROUTE}.retries.retryOn", "5xx"),
        (f"{ROUTE}.retries.retryRemoteLocalities", True),
        (f"{ROUTE}.retries.retryIgnorePreviousHosts", True),
        (f"{ROUTE}.retries.backoff", "1s"),
    ],
}
VALUES = {
    "AuthorizationPolicy": [
        *(("spec.action", action) for action in ("AUDIT", "CUSTOM", "allow")),
        ("spec.rules", []),
        ("spec.rules.0.from", []),
        (SOURCE, {}),
        (OPERATION, {}),
        (f"{SOURCE}.principals", []),
        (f"{SOURCE}.principals", [""]),
        (f"{SOURCE}.principals", ["a*b"]),
        (f"{SOURCE}.principals", ["*a*"]),
        (f"{SOURCE}.principals", ["**"]),
        (f"{SOURCE}.principals", ["spiffe://cluster.local/ns/talker/sa/asr"]),
        (f"{SOURCE}.principals", "cluster.local/ns/talker/sa/asr"),
        (f"{SOURCE}.namespaces", ["Talker"]),
        (f"{OPERATION}.ports", [50051]),
        (f"{OPERATION}.ports", ["0"]),
        (f"{OPERATION}.ports", ["65536"]),
        (f"{OPERATION}.ports", ["5005*"]),
        (f"{OPERATION}.paths", ["/a/{*}/b"]),
        (f"{OPERATION}.paths", ["linly.asr.v1.AsrService/Recognize"]),
        (f"{OPERATION}.methods", ["P OST"]),
        ("spec.selector.matchLabels", {}),
        *(
            ("spec.rules.0.when.0.key", key)
            for key in (
                *("request.headers[x-user]", "source.ip", "remote.ip", "source.serviceAccount"),
                *("request.auth.principal", "request.auth.audiences", "request.auth.presenter"),
                *("request.auth.claims[iss]", "destination.ip", "connection.sni"),
                *("experimental.envoy.filters.a[b]", "request.path"),
            )
        ),
        ("apiVersion", "security.istio.io/v2"),
        ("metadata.namespace", "istio-system"),
        ("kind", "AuthorizationPolicies"),
    ],
    "PeerAuthentication": [
        *(("spec.mtls.mode", mode) for mode in ("PERMISSIVE", "DISABLE", "UNSET")),
        ("spec.mtls", {}),
    ],
    "DestinationRule": [
        *((f"{TRAFFIC}.tls.mode", mode) for mode in ("DISABLE", "SIMPLE", "MUTUAL")),
        *(
            (f"{TRAFFIC}.loadBalancer.simple", name)
            for name in ("UNSPECIFIED", "LEAST_CONN", "PASSTHROUGH")
        ),
        ("spec.host", "asr"),
        ("spec.host", "*.talker.svc.cluster.local"),
        (f"{HTTP}.http2MaxRequests", 0),
        (f"{HTTP}.http2MaxRequests", "6"),
        (f"{HTTP}.http2MaxRequests", -1),
        (f"{HTTP}.http2MaxRequests", 1.5),
        (f"{OUTLIERS}.maxEjectionPercent", 101),
        (f"{TCP}.connectTimeout", "1.5s"),
        (f"{TCP}.connectTimeout", 5),
    ],
    "VirtualService": [
        (f"{ROUTE}.retries.attempts", 1),
        (f"{ROUTE}.timeout", "forever"),
        (f"{ROUTE}.route.0.destination.host", "llm.talker.svc.cluster.local"),
        ("spec.hosts", ["a.b.c", "d.e.f"]),
        ("spec.hosts", ["unknown.talker.svc.cluster.local"]),
    ],
    "Service": [
        ("spec.ports.0.name", "tcp"),
        ("spec.ports.0.name", "grpcish"),
    ],
    "Deployment": [
        ("spec.template.spec.serviceAccountName", "somebody"),
    ],
}
MORE = {
    "Service": [("spec.ports.0.appProtocol", "tcp")],
    "Deployment": [
        ("spec.template.spec.hostNetwork", True),
        ("spec.template.metadata.labels.sidecar.istio.io/inject", "false"),
        (
            "spec.template.metadata.labels.traffic.sidecar.istio.io/excludeInboundPorts",
            "50051",
        ),
    ],
}
KINDS = [
    ("networking.istio.io/v1", "Sidecar"),
    ("networking.istio.io/v1", "ServiceEntry"),
    ("networking.istio.io/v1", "Gateway"),
    ("networking.istio.io/v1", "WorkloadEntry"),
    ("networking.istio.io/v1", "WorkloadGroup"),
    ("networking.istio.io/v1beta1", "ProxyConfig"),
    ("networking.istio.io/v1alpha3", "EnvoyFilter"),
    ("security.istio.io/v1", "RequestAuthentication"),
    ("telemetry.istio.io/v1", "Telemetry"),
    ("extensions.istio.io/v1alpha1", "WasmPlugin"),
    ("install.istio.io/v1alpha1", "IstioOperator"),
    ("apps/v1", "StatefulSet"),
    ("v1", "Pod"),
    ("v1", "List"),
]


def cases(*tables):
    return [
        pytest.param(kind, path, value, id=f"{kind}-{path}={value}"[:120])
        for table in tables
        for kind, rows in table.items()
        for path, value in rows
    ]


def keys(path):
    """A label's name has dots of its own."""
    head, mark, label = path.partition(".labels.")
    return [*head.split("."), *(["labels", label] if mark else [])]


def place(document, steps, value):
    """Puts ``value`` at the end of ``steps``."""
    *outer, last = steps
    at = document
    for step in outer:
        at = at[int(step) if step.isdigit() else step]
    at[int(last) if last.isdigit() else last] = value


def line_of(file, steps):
    """Where the field at ``steps`` stands, looked up in another way than the reader's."""
    node = yaml.compose(file.read_text())
    line = 0
    for step in steps:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            key, node = next(pair for pair in node.value if pair[0].value == step)
            line = key.start_mark.line + 1
    return line


def refusal(folder, kind, steps, value):
    """The error, and the file that causes it."""
    documents = copy.deepcopy(meshes.complete())
    document = next(item for item in documents if item["kind"] == kind)
    place(document, steps, value)
    meshes.write(folder, documents)
    written = folder / meshes.part_of(document) / f"{document['kind']}-asr.yaml".lower()
    with pytest.raises(PolicyError) as error:
        meshes.read(folder)
    return error.value, written


def test_the_whole_mesh_is_accepted_as_it_is(tmp_path):
    meshes.write(tmp_path, meshes.complete())
    mesh = meshes.read(tmp_path)
    assert [*mesh.workloads] == ["asr", "orchestrator"]


@pytest.mark.parametrize(("kind", "path", "value"), cases(FIELDS, MORE))
def test_a_field_that_is_not_supported_is_refused_by_name_file_and_line(
    tmp_path, kind, path, value
):
    steps = keys(path)
    error, file = refusal(tmp_path, kind, steps, value)
    assert str(error).startswith(f"{file}:{line_of(file, steps)}: ")
    assert steps[-1] in str(error)


@pytest.mark.parametrize(("kind", "path", "value"), cases(VALUES))
def test_a_value_that_is_not_supported_is_refused_with_its_file(tmp_path, kind, path, value):
    error, file = refusal(tmp_path, kind, keys(path), value)
    assert error.place.file == file


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("PeerAuthentication", "spec.mtls.mode", "PERMISSIVE"),
        ("DestinationRule", f"{TRAFFIC}.tls.mode", "DISABLE"),
        ("AuthorizationPolicy", "spec.action", "AUDIT"),
        ("VirtualService", f"{ROUTE}.retries.attempts", 2),
    ],
)
def test_the_error_points_at_the_line_of_the_value(tmp_path, kind, path, value):
    error, file = refusal(tmp_path, kind, path.split("."), value)
    assert error.place.line == line_of(file, path.split("."))


@pytest.mark.parametrize(("api", "kind"), KINDS)
def test_a_kind_that_is_not_supported_is_refused(tmp_path, api, kind):
    unknown = meshes.document(api, kind, "other", spec={})
    meshes.write(tmp_path, [*meshes.complete(), unknown])
    with pytest.raises(PolicyError, match=r"other\.yaml:\d+: .*support"):
        meshes.read(tmp_path)


def test_a_namespace_without_proxies_is_refused(tmp_path):
    namespace = meshes.document("v1", "Namespace", "talker")
    namespace["metadata"]["labels"] = {"istio-injection": "disabled"}
    meshes.write(tmp_path, [*meshes.complete(), namespace])
    with pytest.raises(PolicyError, match=r"namespace-talker\.yaml:7: .*disabled"):
        meshes.read(tmp_path)


def test_what_is_no_policy_is_passed_over(tmp_path):
    other = meshes.document("v1", "ConfigMap", "other", data={"a": "b"})
    meshes.write(tmp_path, [*meshes.complete(), other])
    assert meshes.read(tmp_path)


@pytest.mark.parametrize(
    "kind",
    ["PeerAuthentication", "DestinationRule", "VirtualService", "ServiceAccount", "Deployment"],
)
def test_a_mesh_that_lacks_something_is_refused(tmp_path, kind):
    documents = [item for item in meshes.complete() if item["kind"] != kind]
    meshes.write(tmp_path, documents)
    with pytest.raises(ConfigurationError):
        meshes.read(tmp_path)


def test_two_resources_of_one_name_are_refused(tmp_path):
    meshes.write(tmp_path, meshes.complete())
    text = (tmp_path / "policy" / "authorizationpolicy-asr.yaml").read_text()
    (tmp_path / "policy" / "second.yaml").write_text(text)
    with pytest.raises(PolicyError, match="already"):
        meshes.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "is no YAML"),
        ("a: 1\na: 2\n", "is there twice"),
        ("- a\n", "must be a mapping"),
        ("<<: {kind: Pod}\n", "must be text"),
        ("kind: Pod\n", "apiVersion is missing"),
        ("apiVersion: v1\nkind: Pod\n", "metadata is missing"),
    ],
)
def test_a_file_that_is_no_resource_is_refused(tmp_path, text, problem):
    meshes.write(tmp_path, meshes.complete())
    (tmp_path / "policy" / "broken.yaml").write_text(text)
    with pytest.raises(PolicyError, match=rf"broken\.yaml:\d+: .*{problem}"):
        meshes.read(tmp_path)


@pytest.mark.parametrize(
    "table", ['asr = "10.0.0.1"', 'asr = "x"', "asr = ", "", 'llm = "127.0.0.1"']
)
def test_a_table_of_addresses_that_is_wrong_is_refused(tmp_path, table):
    meshes.write(tmp_path, meshes.complete())
    (tmp_path / "policy" / "addresses.toml").write_text(table)
    with pytest.raises(ConfigurationError, match=r"addresses\.toml"):
        meshes.read(tmp_path)


def test_a_deny_policy_without_rules_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="denies nothing"):
        meshes.read_policies(tmp_path, meshes.authorization_policy(action="DENY"))
