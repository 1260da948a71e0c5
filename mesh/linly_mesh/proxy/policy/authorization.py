"""AuthorizationPolicy: what of it is supported, and how a request matches it.

Meaning and names are those of Istio's published API
(https://istio.io/latest/docs/reference/config/security/authorization-policy/).
"""

from dataclasses import dataclass
from enum import StrEnum

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.fields import Place
from linly_mesh.proxy.policy.patterns import Pattern
from linly_mesh.proxy.policy.resources import Labels


class Action(StrEnum):
    """What a matching policy does; DENY is asked before ALLOW."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class Attribute(StrEnum):
    """What of a request can be compared, by the name that conditions give it."""

    PRINCIPAL = "source.principal"
    NAMESPACE = "source.namespace"
    PORT = "destination.port"
    METHOD = "request.method"
    PATH = "request.path"


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a call when it is decided."""

    caller: SpiffeId
    """As its certificate says."""
    method: str
    """Of HTTP; POST for gRPC."""
    path: str
    """Without the query."""
    port: int
    """At which it arrived."""

    def value(self, attribute: Attribute) -> str:
        """The text that patterns are compared with."""
        match attribute:
            case Attribute.PRINCIPAL:
                return self.caller.principal
            case Attribute.NAMESPACE:
                return self.caller.namespace
            case Attribute.PORT:
                return str(self.port)
            case Attribute.METHOD:
                return self.method
            case Attribute.PATH:
                return self.path


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute: any of these patterns (none given: any value), and none of those."""

    attribute: Attribute
    """What is compared."""
    any_of: tuple[Pattern, ...]
    """Empty: whatever the value is."""
    none_of: tuple[Pattern, ...]
    """Exceptions."""

    def matches(self, request: Request) -> bool:
        """Whether the attribute of ``request`` is as wanted."""
        value = request.value(self.attribute)
        wanted = not self.any_of or any(pattern.matches(value) for pattern in self.any_of)
        return wanted and not any(pattern.matches(value) for pattern in self.none_of)


Alternative = tuple[Comparison, ...]
"""Comparisons that must all match: one ``source`` or one ``operation``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Matches if one source, one operation and all conditions do; an empty one always does."""

    place: Place
    """Where it is written."""
    sources: tuple[Alternative, ...]
    """Empty: anybody."""
    operations: tuple[Alternative, ...]
    """Empty: anything."""
    conditions: tuple[Comparison, ...]
    """Empty: always."""

    def matches(self, request: Request) -> bool:
        """Whether the rule applies to ``request``."""
        return (
            _one_of(self.sources, request)
            and _one_of(self.operations, request)
            and all(condition.matches(request) for condition in self.conditions)
        )


def _one_of(alternatives: tuple[Alternative, ...], request: Request) -> bool:
    return not alternatives or any(
        all(comparison.matches(request) for comparison in alternative)
        for alternative in alternatives
    )


@dataclass(frozen=True, slots=True)
class AuthorizationPolicy:
    """Rules for the workloads that it selects. Without a rule an ALLOW policy allows nothing."""

    name: str
    """Unique in its namespace."""
    namespace: str
    """Of the workloads."""
    place: Place
    """Where it is written."""
    selector: Labels
    """Of the workloads; empty: all of the namespace."""
    action: Action
    """What it does with a request that matches."""
    rules: tuple[Rule, ...]
    """Any of them."""
