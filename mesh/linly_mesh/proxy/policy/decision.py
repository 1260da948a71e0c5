"""Whether a call is allowed, and which rule says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.policy.authorization import (
    Action,
    Attribute,
    AuthorizationPolicy,
    Request,
)
from linly_mesh.proxy.policy.fields import Place


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a request."""

    allowed: bool
    """Whether the application sees it; a refused one gets PERMISSION_DENIED."""
    reason: str
    """For people."""
    place: Place | None
    """Of the rule that decided; None if it was that no rule matched."""


def decide(policies: Sequence[AuthorizationPolicy], request: Request) -> Decision:
    """Decides as Istio does ("Implicit enablement" in its documentation of the concept).

    A DENY policy that matches refuses. Otherwise the request is allowed if there is no ALLOW
    policy at all, or if one matches.

    Args:
        policies: those that select the workload that is called.
        request: the call.
    """
    for policy, place in _matching(policies, Action.DENY, request):
        return Decision(False, f"policy {policy.name}", place)
    if not any(policy.action is Action.ALLOW for policy in policies):
        return Decision(True, "no policy restricts it", None)
    for policy, place in _matching(policies, Action.ALLOW, request):
        return Decision(True, f"policy {policy.name}", place)
    return Decision(False, "no policy allows it", None)


def may_call(policies: Sequence[AuthorizationPolicy], caller: SpiffeId, port: int) -> bool:
    """Whether there is any gRPC method at ``port`` that ``caller`` may call."""
    paths = {
        pattern.text
        for policy in policies
        for rule in policy.rules
        for operation in rule.operations
        for comparison in operation
        if comparison.attribute is Attribute.PATH
        for pattern in comparison.any_of
    }
    return any(
        decide(policies, Request(caller, "POST", path, port)).allowed for path in ("/", *paths)
    )


def _matching(
    policies: Sequence[AuthorizationPolicy], action: Action, request: Request
) -> list[tuple[AuthorizationPolicy, Place]]:
    return [
        (policy, rule.place)
        for policy in policies
        if policy.action is action
        for rule in policy.rules
        if rule.matches(request)
    ]
