"""What AuthorizationPolicy means: cases from Istio's documentation, each with its source.

[api] https://istio.io/latest/docs/reference/config/security/authorization-policy/
[concept] https://istio.io/latest/docs/concepts/security/#authorization-policies
[conditions] https://istio.io/latest/docs/reference/config/security/conditions/
[normalization] https://istio.io/latest/docs/reference/config/security/normalization/
"""

import pytest
from unit.policy.meshes import authorization_policy, read_policies

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import Request
from linly_mesh.proxy.policy.decision import decide, may_call

SLEEP = SpiffeId("sleep", "default")
ADMIN = SpiffeId("admin", "prod")


def get(path="/", caller=SLEEP, port=80):
    return Request(caller, "GET", path, port)


def post(path="/", caller=SLEEP, port=80):
    return Request(caller, "POST", path, port)


def source(**fields):
    return {"from": [{"source": fields}]}


def operation(**fields):
    return {"to": [{"operation": fields}]}


def allow(*rules):
    return authorization_policy("allow", rules=list(rules))


def deny(*rules):
    return authorization_policy("deny", action="DENY", rules=list(rules))


NOTHING = authorization_policy("nothing")
# [api], the first example, without its condition on a JWT, which is not supported.
HTTPBIN = allow(
    {
        "from": [
            {"source": {"principals": ["cluster.local/ns/default/sa/sleep"]}},
            {"source": {"namespaces": ["dev"]}},
        ],
        "to": [
            {"operation": {"methods": ["GET"], "paths": ["/info*"]}},
            {"operation": {"methods": ["POST"], "paths": ["/data"]}},
        ],
    }
)
CASES = {
    # [concept] "If no policy selects a workload … access is allowed"
    "no policy allows": ([], get(), True),
    # [api] allow-nothing: "spec: {}"
    "an empty spec allows nothing": ([NOTHING], get(), False),
    # [concept] "deny by default, then allow": policies are additive
    "nothing and something is something": ([NOTHING, allow({})], get(), True),
    # [api] allow-all: "rules: - {}"
    "an empty rule allows all": ([allow({})], get(), True),
    # [concept] deny-all: "action: DENY, rules: - {}"; DENY is evaluated before ALLOW
    "an empty rule denies all": ([allow({}), deny({})], get(), False),
    "the order of policies does not matter": ([deny({}), allow({})], get(), False),
    # [concept] implicit enablement: without an ALLOW policy what is not denied is allowed
    "DENY alone allows the rest": ([deny(operation(methods=["GET"]))], post(), True),
    # [api] deny-method-get
    "DENY refuses what it names": ([deny(operation(methods=["GET"]))], get(), False),
    "ALLOW refuses what it does not name": ([allow(operation(methods=["GET"]))], post(), False),
    # [api] httpbin: source OR source, operation OR operation, fields ANDed
    "httpbin: first source, first operation": ([HTTPBIN], get("/info/1"), True),
    "httpbin: first source, second operation": ([HTTPBIN], post("/data"), True),
    "httpbin: second source": ([HTTPBIN], get("/info", SpiffeId("x", "dev")), True),
    "httpbin: method of one, path of the other": ([HTTPBIN], post("/info"), False),
    "httpbin: another caller": ([HTTPBIN], get("/info", ADMIN), False),
    # [api] Source: "fields are ANDed together"
    "all fields of a source must match": (
        [allow(source(principals=["*"], namespaces=["prod"]))],
        get(),
        False,
    ),
    # [api] Rule: "at least one source, one operation and all conditions"
    "a rule needs its operation too": (
        [allow(source(namespaces=["default"]) | operation(paths=["/a"]))],
        get("/b"),
        False,
    ),
    # [api] "Exact match: abc will match on value abc"
    "exact": ([allow(operation(paths=["/abc"]))], get("/abc"), True),
    "exact is not prefix": ([allow(operation(paths=["/abc"]))], get("/abcd"), False),
    "exact heeds case": ([allow(operation(paths=["/abc"]))], get("/ABC"), False),
    # [api] "Prefix match: abc* will match on value abc and abcd"
    "prefix, nothing more": ([allow(operation(paths=["/abc*"]))], get("/abc"), True),
    "prefix": ([allow(operation(paths=["/abc*"]))], get("/abcd"), True),
    "prefix is no suffix": ([allow(operation(paths=["/abc*"]))], get("/x/abc"), False),
    # [api] "Suffix match: *abc will match on value abc and xabc"
    "suffix": ([allow(operation(paths=["*/info"]))], get("/v1/info"), True),
    "suffix is no prefix": ([allow(operation(paths=["*/info"]))], get("/info/v1"), False),
    # [api] "Presence match: * will match when value is not empty"
    "presence of a path": ([allow(operation(paths=["*"]))], get("/x"), True),
    # [concept] authenticated identity: "principals: [*]" is any caller with mutual TLS
    "presence of a principal": ([allow(source(principals=["*"]))], get(), True),
    "principal by prefix": (
        [allow(source(principals=["cluster.local/ns/default/*"]))],
        get(),
        True,
    ),
    "principal by suffix": ([allow(source(principals=["*/sa/sleep"]))], get(), True),
    "principal of another trust domain": (
        [allow(source(principals=["cluster.local/ns/default/sa/sleep"]))],
        get(caller=SpiffeId("sleep", "default", "example.org")),
        False,
    ),
    # [api] notPrincipals: "a list of negative match of peer identities"
    "notPrincipals excepts": (
        [allow(source(principals=["*"], notPrincipals=["*/sa/sleep"]))],
        get(),
        False,
    ),
    "notPrincipals lets others through": (
        [allow(source(notPrincipals=["*/sa/sleep"]))],
        get(caller=ADMIN),
        True,
    ),
    # [concept] exclusion: deny everybody who is not of namespace foo
    "deny notNamespaces, outside": ([deny(source(notNamespaces=["foo"]))], get(), False),
    "deny notNamespaces, inside": (
        [deny(source(notNamespaces=["foo"]))],
        get(caller=SpiffeId("x", "foo")),
        True,
    ),
    "namespace by prefix": ([allow(source(namespaces=["def*"]))], get(), True),
    "namespace by suffix": ([allow(source(namespaces=["*ult"]))], get(), True),
    "a namespace is compared whole": ([allow(source(namespaces=["fault"]))], get(), False),
    # [concept] notPaths: everything but /healthz
    "notPaths excepts": ([deny(operation(notPaths=["/healthz"]))], get("/healthz"), True),
    "notPaths, the rest": ([deny(operation(notPaths=["/healthz"]))], get("/x"), False),
    "notMethods": ([allow(operation(notMethods=["GET"]))], get(), False),
    # [api] ports: "as specified in the connection"
    "port": ([allow(operation(ports=["80"]))], get(), True),
    "another port": ([allow(operation(ports=["80"]))], get(port=8080), False),
    "notPorts": ([deny(operation(notPorts=["80"]))], get(port=8080), False),
    # [conditions] source.namespace, source.principal, destination.port
    "condition on the namespace": (
        [allow({"when": [{"key": "source.namespace", "values": ["default"]}]})],
        get(),
        True,
    ),
    "condition on the principal, negated": (
        [allow({"when": [{"key": "source.principal", "notValues": ["*/sa/sleep"]}]})],
        get(),
        False,
    ),
    "all conditions must match": (
        [
            allow(
                {
                    "when": [
                        {"key": "source.namespace", "values": ["default"]},
                        {"key": "destination.port", "values": ["81"]},
                    ]
                }
            )
        ],
        get(),
        False,
    ),
    # [api] a gRPC path is "/package.service/method", its method always POST
    "gRPC": (
        [allow(operation(methods=["POST"], paths=["/a.v1.B/C"]))],
        post("/a.v1.B/C"),
        True,
    ),
}


@pytest.mark.parametrize(("policies", "request_", "allowed"), CASES.values(), ids=CASES)
def test_a_case_of_the_documentation(tmp_path, policies, request_, allowed):
    read = read_policies(tmp_path, *policies) if policies else []
    assert decide(read, request_).allowed is allowed


def test_the_rule_that_decided_is_named_with_its_line(tmp_path):
    [policy] = read_policies(tmp_path, allow(operation(paths=["/a"]), operation(paths=["/b"])))
    decision = decide([policy], get("/b"))
    assert decision.place == policy.rules[1].place
    assert decision.place.line > policy.rules[0].place.line > policy.place.line


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([operation(methods=["POST"], paths=["/a.B/*"])], True),
        ([operation(methods=["GET"])], False),
        ([operation(ports=["9090"])], False),
        ([source(namespaces=["prod"])], False),
    ],
)
def test_whether_a_caller_may_call_anything(tmp_path, rules, expected):
    policies = read_policies(tmp_path, allow(*rules))
    assert may_call(policies, SLEEP, 50051) is expected
