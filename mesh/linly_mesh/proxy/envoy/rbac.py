"""AuthorizationPolicy as Envoy's RBAC filters."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from linly_mesh.proxy.policy.authorization import (
    Action,
    Alternative,
    Attribute,
    AuthorizationPolicy,
    Comparison,
    Rule,
)
from linly_mesh.proxy.policy.patterns import Form, Pattern

Json = dict[str, Any]
_RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
_CERTIFICATE = "envoy.rbac.principals.mtls_authenticated"
_CERTIFICATE_TYPE = (
    f"type.googleapis.com/{_CERTIFICATE.replace('envoy.', 'envoy.extensions.')}.v3.Config"
)
_CALLER = (Attribute.PRINCIPAL, Attribute.NAMESPACE)


def authorization_filters(policies: Sequence[AuthorizationPolicy]) -> list[Json]:
    """DENY, then ALLOW; each only if there is such a policy.

    An ALLOW filter without a rule refuses everything: this is what ``spec: {}`` means.
    """
    return [
        _filter(action, [policy for policy in policies if policy.action is action])
        for action in (Action.DENY, Action.ALLOW)
        if any(policy.action is action for policy in policies)
    ]


def _filter(action: Action, policies: Sequence[AuthorizationPolicy]) -> Json:
    rules = {
        f"ns[{policy.namespace}]-policy[{policy.name}]-rule[{index}]": _rule(rule)
        for policy in policies
        for index, rule in enumerate(policy.rules)
    }
    config = {"@type": _RBAC, "rules": {"action": str(action), "policies": rules}}
    return {"name": "envoy.filters.http.rbac", "typed_config": config}


def _rule(rule: Rule) -> Json:
    who = [item for item in rule.conditions if item.attribute in _CALLER]
    what = [item for item in rule.conditions if item.attribute not in _CALLER]
    return {
        "principals": [_sides(rule.sources, who, "ids", "not_id", _principal)],
        "permissions": [_sides(rule.operations, what, "rules", "not_rule", _permission)],
    }


def _sides(
    alternatives: Sequence[Alternative],
    conditions: Sequence[Comparison],
    plural: str,
    negation: str,
    render: Callable[[Attribute, Pattern], Json],
) -> Json:
    """One source or operation, and all conditions.

    Envoy's principals and permissions are built alike and differ only in the names of their parts.
    """

    def all_of(parts: list[Json]) -> Json:
        return _group(f"and_{plural}", plural, parts)

    def any_of(parts: list[Json]) -> Json:
        return _group(f"or_{plural}", plural, parts)

    def compared(comparison: Comparison) -> list[Json]:
        wanted, unwanted = (
            [render(comparison.attribute, pattern) for pattern in patterns]
            for patterns in (comparison.any_of, comparison.none_of)
        )
        return [
            *([any_of(wanted)] if wanted else []),
            *({negation: part} for part in unwanted),
        ]

    either = [
        all_of([part for comparison in alternative for part in compared(comparison)])
        for alternative in alternatives
    ]
    always = [part for condition in conditions for part in compared(condition)]
    parts = [*([any_of(either)] if either else []), *always]
    return all_of(parts) if parts else {"any": True}


def _group(kind: str, plural: str, parts: list[Json]) -> Json:
    return parts[0] if len(parts) == 1 else {kind: {plural: parts}}


def _principal(attribute: Attribute, pattern: Pattern) -> Json:
    """Compares the URI of the caller's certificate; its other names prove nothing here."""
    matcher = _uri_in_namespace(pattern) if attribute is Attribute.NAMESPACE else _uri_of(pattern)
    config = {"@type": _CERTIFICATE_TYPE, "san_matcher": {"san_type": "URI", "matcher": matcher}}
    return {"custom": {"name": _CERTIFICATE, "typed_config": config}}


def _permission(attribute: Attribute, pattern: Pattern) -> Json:
    match attribute:
        case Attribute.PORT:
            return {"destination_port": int(pattern.text)}
        case Attribute.METHOD:
            return {"header": {"name": ":method", "string_match": _text(pattern)}}
        case _:
            return {"url_path": {"path": _text(pattern)}}


def _text(pattern: Pattern) -> Json:
    if pattern.form is Form.PRESENT:
        return _regex(".+")
    return {str(pattern.form): pattern.text}


def _uri_of(pattern: Pattern) -> Json:
    match pattern.form:
        case Form.PRESENT:
            return _regex("spiffe://.+")
        case Form.SUFFIX:
            return _regex(f"spiffe://.*{re.escape(pattern.text)}")
        case form:
            return {str(form): f"spiffe://{pattern.text}"}


def _uri_in_namespace(pattern: Pattern) -> Json:
    text = re.escape(pattern.text)
    namespace = {
        Form.EXACT: text,
        Form.PREFIX: f"{text}[^/]*",
        Form.SUFFIX: f"[^/]*{text}",
        Form.PRESENT: "[^/]+",
    }[pattern.form]
    return _regex(f"spiffe://[^/]+/ns/{namespace}/sa/[^/]+")


def _regex(text: str) -> Json:
    return {"safe_regex": {"regex": text}}
