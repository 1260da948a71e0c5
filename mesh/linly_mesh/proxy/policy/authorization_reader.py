"""Reads AuthorizationPolicy. Where Istio's own validation refuses something, so does this."""

import re
from collections.abc import Callable, Mapping

from linly_mesh.proxy.policy.authorization import (
    Action,
    Alternative,
    Attribute,
    AuthorizationPolicy,
    Comparison,
    Rule,
)
from linly_mesh.proxy.policy.fields import Field
from linly_mesh.proxy.policy.patterns import Form, Pattern, read_pattern
from linly_mesh.proxy.policy.resources import Labels, Resource, policy_spec, read_labels

_NAMESPACE = re.compile(r"[-a-z0-9*]+")
_METHOD = re.compile(r"[-A-Za-z*]+")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


def read_authorization_policy(found: Resource) -> AuthorizationPolicy:
    """Reads one AuthorizationPolicy.

    Raises:
        PolicyError: it uses something that is not supported, or says nothing.
    """
    spec = policy_spec(found)
    fields = spec.fields("selector", "action", "rules")
    action = Action.ALLOW
    if "action" in fields:
        action = Action(fields["action"].choice(*Action))
    selector: Labels = {}
    if "selector" in fields:
        selected = fields["selector"].fields("matchLabels")
        selector = read_labels(fields["selector"].required(selected, "matchLabels"))
    rules = tuple(_rule(item) for item in fields["rules"].items()) if "rules" in fields else ()
    if action is Action.DENY and not rules:
        raise spec.refuse("a DENY policy without rules denies nothing")
    return AuthorizationPolicy(found.name, found.namespace, found.place, selector, action, rules)


def _rule(field: Field) -> Rule:
    fields = field.fields("from", "to", "when")
    return Rule(
        field.place,
        _alternatives(fields.get("from"), "source", _SOURCE),
        _alternatives(fields.get("to"), "operation", _OPERATION),
        tuple(_condition(item) for item in fields["when"].items()) if "when" in fields else (),
    )


def _alternatives(
    field: Field | None, inner: str, known: Mapping[str, tuple[str, Attribute]]
) -> tuple[Alternative, ...]:
    if field is None:
        return ()
    found = []
    for item in field.items():
        body = item.required(item.fields(inner), inner)
        fields = body.fields(*known, *(negative for negative, _ in known.values()))
        if not fields:
            raise body.refuse("must not be empty")  # it would match everything
        found.append(
            tuple(
                _comparison(attribute, fields.get(positive), fields.get(negative))
                for positive, (negative, attribute) in known.items()
                if positive in fields or negative in fields
            )
        )
    return tuple(found)


def _comparison(attribute: Attribute, positive: Field | None, negative: Field | None) -> Comparison:
    parse = _PARSERS[attribute]
    return Comparison(
        attribute,
        tuple(parse(item) for item in positive.items()) if positive else (),
        tuple(parse(item) for item in negative.items()) if negative else (),
    )


def _condition(field: Field) -> Comparison:
    fields = field.fields("key", "values", "notValues")
    key = field.required(fields, "key").choice(
        Attribute.PRINCIPAL, Attribute.NAMESPACE, Attribute.PORT
    )
    if len(fields) == 1:
        raise field.refuse("values or notValues is missing")
    return _comparison(Attribute(key), fields.get("values"), fields.get("notValues"))


def _principal(field: Field) -> Pattern:
    pattern = read_pattern(field)
    if field.text().startswith("spiffe:"):
        raise field.refuse("Istio's form has no spiffe:// in front")
    return pattern


def _namespace(field: Field) -> Pattern:
    if not _NAMESPACE.fullmatch(field.text()):
        raise field.refuse("must be the name of a namespace")
    return read_pattern(field)


def _path(field: Field) -> Pattern:
    pattern = read_pattern(field)
    if "{" in pattern.text or "}" in pattern.text:
        raise field.refuse("path templates are not supported")
    if pattern.form in (Form.EXACT, Form.PREFIX) and not pattern.text.startswith("/"):
        raise field.refuse("a path begins with /")
    return pattern


def _method(field: Field) -> Pattern:
    if not _METHOD.fullmatch(field.text()):
        raise field.refuse("must be an HTTP method")
    return read_pattern(field)


def _port(field: Field) -> Pattern:
    text = field.text()
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise field.refuse("must be a port between 1 and 65535")
    return Pattern(Form.EXACT, text)


_PARSERS: Mapping[Attribute, Callable[[Field], Pattern]] = {
    Attribute.PRINCIPAL: _principal,
    Attribute.NAMESPACE: _namespace,
    Attribute.PORT: _port,
    Attribute.METHOD: _method,
    Attribute.PATH: _path,
}
_SOURCE: Mapping[str, tuple[str, Attribute]] = {
    "principals": ("notPrincipals", Attribute.PRINCIPAL),
    "namespaces": ("notNamespaces", Attribute.NAMESPACE),
}
_OPERATION: Mapping[str, tuple[str, Attribute]] = {
    "ports": ("notPorts", Attribute.PORT),
    "methods": ("notMethods", Attribute.METHOD),
    "paths": ("notPaths", Attribute.PATH),
}
