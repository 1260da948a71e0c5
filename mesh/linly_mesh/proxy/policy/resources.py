"""What all resources have: kind, name, namespace, and the labels that they select."""

from collections.abc import Mapping
from dataclasses import dataclass

from linly_mesh.proxy.policy.fields import Field, Place

Labels = Mapping[str, str]
_ISTIO_VERSIONS = ("v1", "v1beta1", "v1alpha3")


@dataclass(frozen=True, slots=True)
class Resource:
    """One document of a file, before its kind is read."""

    group: str
    """``security.istio.io``; empty for Kubernetes' own core group."""
    kind: str
    """``AuthorizationPolicy``."""
    name: str
    """Of the resource, unique for its kind in its namespace."""
    namespace: str
    """Where it holds; empty for what belongs to the whole cluster."""
    place: Place
    """Where it begins."""
    body: Field
    """The whole document."""

    @property
    def is_istio(self) -> bool:
        """Whether it is policy, so that not understanding it is an error."""
        return self.group == "istio.io" or self.group.endswith(".istio.io")


def resource(document: Field) -> Resource:
    """Reads what kind of resource a document is.

    Raises:
        PolicyError: it does not say so, or in a version that is not known.
    """
    entries = document.entries()
    declared = document.required(entries, "apiVersion")
    group, _, version = declared.text().rpartition("/")
    kind = document.required(entries, "kind").text()
    metadata = document.required(entries, "metadata")
    about = metadata.entries()
    name = metadata.required(about, "name").text()
    namespace = about["namespace"].text() if "namespace" in about else ""
    found = Resource(group, kind, name, namespace, document.place, document)
    if found.is_istio and version not in _ISTIO_VERSIONS:
        raise declared.refuse(f"version {version} is not supported")
    return found


def policy_spec(found: Resource) -> Field:
    """The spec of an Istio resource.

    Annotations are refused: some switch a policy off (``istio.io/dry-run``). So is a missing
    namespace, which would be whatever ``kubectl`` is set to.

    Raises:
        PolicyError: a field is missing, or is there and not known.
    """
    entries = found.body.fields("apiVersion", "kind", "metadata", "spec")
    metadata = entries["metadata"]
    metadata.required(metadata.fields("name", "namespace", "labels"), "namespace")
    return found.body.required(entries, "spec")


def read_labels(field: Field) -> Labels:
    """A mapping of labels, of which there is at least one."""
    labels = {name: value.text() for name, value in field.entries().items()}
    if not labels:
        raise field.refuse("must name at least one label")
    return labels


def selects(selector: Labels, labels: Labels) -> bool:
    """Whether all labels of ``selector`` are among ``labels``."""
    return selector.items() <= labels.items()
