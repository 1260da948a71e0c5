"""The rendered RBAC filters decide as the decision engine does, whatever the policies are.

The filters are evaluated here by the meaning that Envoy's API gives them
(envoy/config/rbac/v3/rbac.proto); that Envoy really does so is for the integration tests.
"""

import itertools
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit.policy.meshes import authorization_policy

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.envoy.rbac import authorization_filters
from linly_mesh.proxy.policy.authorization import Request
from linly_mesh.proxy.policy.authorization_reader import read_authorization_policy
from linly_mesh.proxy.policy.decision import decide
from linly_mesh.proxy.policy.fields import Field
from linly_mesh.proxy.policy.resources import resource

ACCOUNTS = ("a", "ab", "sa")
NAMESPACES = ("a", "ba", "ns")
CALLERS = [SpiffeId(account, space) for account in ACCOUNTS for space in NAMESPACES]
CALLERS.append(SpiffeId("a", "a", "other.org"))
METHODS = ("GET", "POST")
PATHS = ("/", "/a", "/a.b/C", "/a.b/Cd", "/aXb/C")
PORTS = (80, 8080)
REQUESTS = [Request(*each) for each in itertools.product(CALLERS, METHODS, PATHS, PORTS)]

PRINCIPALS = st.sampled_from(
    [
        *(caller.principal for caller in CALLERS),
        "*",
        "cluster.local/ns/a*",
        "*/sa/a",
        "*a",
        "other*",
    ]
)
SPACES = st.sampled_from([*NAMESPACES, "*", "a*", "*a", "b*", "n"])
SOME_PATHS = st.sampled_from([*PATHS, "*", "/a*", "*C", "/a.b/*", "*d"])
SOME_METHODS = st.sampled_from([*METHODS, "*", "G*", "*T"])
SOME_PORTS = st.sampled_from([*map(str, PORTS), "1"])


def some(values):
    return st.lists(values, min_size=1, max_size=3)


def fields(**values):
    optional = {name: some(value) for name, value in values.items()}
    return st.fixed_dictionaries({}, optional=optional).filter(bool)


SOURCES = fields(
    principals=PRINCIPALS, notPrincipals=PRINCIPALS, namespaces=SPACES, notNamespaces=SPACES
)
OPERATIONS = fields(
    ports=SOME_PORTS,
    notPorts=SOME_PORTS,
    methods=SOME_METHODS,
    notMethods=SOME_METHODS,
    paths=SOME_PATHS,
    notPaths=SOME_PATHS,
)


def condition(key, values):
    return fields(values=values, notValues=values).map(lambda found: {"key": key, **found})


CONDITIONS = st.one_of(
    condition("source.principal", PRINCIPALS),
    condition("source.namespace", SPACES),
    condition("destination.port", SOME_PORTS),
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "from": some(st.fixed_dictionaries({"source": SOURCES})),
        "to": some(st.fixed_dictionaries({"operation": OPERATIONS})),
        "when": some(CONDITIONS),
    },
)
POLICIES = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"action": st.sampled_from(["ALLOW", "DENY"]), "rules": some(RULES)}),
)


def read(specs, folder):
    documents = [authorization_policy(f"p{index}", **spec) for index, spec in enumerate(specs)]
    nodes = (yaml.compose(yaml.safe_dump(item)) for item in documents)
    return [read_authorization_policy(resource(Field(node, folder))) for node in nodes]


def matches_text(matcher, value):
    match matcher:
        case {"exact": text}:
            return value == text
        case {"prefix": text}:
            return value.startswith(text)
        case {"suffix": text}:
            return value.endswith(text)
        case {"safe_regex": {"regex": regex}}:
            return re.fullmatch(regex, value) is not None
    raise AssertionError(matcher)


def matches(part, request):
    match part:
        case {"any": True}:
            return True
        case {"and_ids": {"ids": parts}} | {"and_rules": {"rules": parts}}:
            return all(matches(each, request) for each in parts)
        case {"or_ids": {"ids": parts}} | {"or_rules": {"rules": parts}}:
            return any(matches(each, request) for each in parts)
        case {"not_id": inner} | {"not_rule": inner}:
            return not matches(inner, request)
        case {"custom": {"typed_config": {"san_matcher": {"san_type": "URI", "matcher": matcher}}}}:
            return matches_text(matcher, str(request.caller))
        case {"destination_port": port}:
            return request.port == port
        case {"header": {"name": ":method", "string_match": matcher}}:
            return matches_text(matcher, request.method)
        case {"url_path": {"path": matcher}}:
            return matches_text(matcher, request.path)
    raise AssertionError(part)


def passes(filters, request):
    for each in filters:
        rules = each["typed_config"]["rules"]
        matched = any(
            any(matches(part, request) for part in policy["principals"])
            and any(matches(part, request) for part in policy["permissions"])
            for policy in rules["policies"].values()
        )
        if matched is (rules["action"] == "DENY"):
            return False
    return True


@given(st.lists(POLICIES, max_size=3))
def test_the_filters_decide_as_the_engine(tmp_path_factory, specs):
    policies = read(specs, tmp_path_factory.getbasetemp())
    filters = authorization_filters(policies)
    for request in REQUESTS:
        assert passes(filters, request) is decide(policies, request).allowed, request


@pytest.mark.parametrize(
    ("specs", "actions"),
    [
        ([], []),
        ([{}], ["ALLOW"]),
        ([{"action": "DENY", "rules": [{}]}], ["DENY"]),
        ([{"rules": [{}]}, {"action": "DENY", "rules": [{}]}], ["DENY", "ALLOW"]),
    ],
)
def test_deny_is_asked_before_allow(tmp_path, specs, actions):
    filters = authorization_filters(read(specs, tmp_path))
    assert [each["typed_config"]["rules"]["action"] for each in filters] == actions
