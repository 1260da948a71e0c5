"""SPIFFE identities in the form that Istio gives them."""

import re
from dataclasses import dataclass
from typing import Self

from linly_mesh.errors import ConfigurationError

TRUST_DOMAIN = "cluster.local"
"""The same everywhere, so that policy files are the same everywhere."""
NAMESPACE = "talker"
"""Likewise."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label (RFC 1123): what Kubernetes takes as a name, and what fits into a DNS SAN."""
_LONGEST_DOMAIN = 253
_FORM = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)")


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """``spiffe://<trust domain>/ns/<namespace>/sa/<service account>``.

    SPIFFE itself allows any path. Policies name callers by namespace and service account, so an
    identity of another form could be granted nothing and is refused.

    Raises:
        ConfigurationError: a part is not a lower-case DNS name.
    """

    service_account: str
    """Of a workload, its name; of a person, theirs."""
    namespace: str = NAMESPACE
    """The Kubernetes namespace."""
    trust_domain: str = TRUST_DOMAIN
    """Whose authority vouches for it."""

    def __post_init__(self) -> None:
        for name in (self.service_account, self.namespace):
            _check_label(name, name)
        for label in self.trust_domain.split("."):
            _check_label(label, self.trust_domain)
        if len(self.trust_domain) > _LONGEST_DOMAIN:
            raise ConfigurationError(f"a trust domain has at most {_LONGEST_DOMAIN} characters")

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Reads the URI form.

        Raises:
            ConfigurationError: it is no URI of this form.
        """
        match = _FORM.fullmatch(uri)
        if match is None:
            raise ConfigurationError(
                f"{uri!r} is not spiffe://<trust domain>/ns/<namespace>/sa/<service account>"
            )
        trust_domain, namespace, service_account = match.groups()
        return cls(service_account, namespace, trust_domain)

    def __str__(self) -> str:
        return f"spiffe://{self.principal}"

    @property
    def principal(self) -> str:
        """As an Istio AuthorizationPolicy writes it: without the scheme."""
        return f"{self.trust_domain}/ns/{self.namespace}/sa/{self.service_account}"

    @property
    def dns_names(self) -> tuple[str, ...]:
        """What a Kubernetes Service of that name is called, shortest first.

        Clients that can't verify a URI (Prometheus, gRPC in Python) pin one of these; each
        belongs to this identity alone.
        """
        name, namespace = self.service_account, self.namespace
        service = f"{name}.{namespace}.svc"
        return (name, f"{name}.{namespace}", service, f"{service}.{self.trust_domain}")


def _check_label(label: str, name: str) -> None:
    if not _LABEL.fullmatch(label):
        raise ConfigurationError(
            f"{name!r} is not a name: at most 63 of a-z, 0-9 and '-', a letter or digit at the ends"
        )
