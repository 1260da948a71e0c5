"""Reads a mesh from its folders."""

import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import TRUST_DOMAIN
from linly_mesh.proxy.policy.collection import Resources
from linly_mesh.proxy.policy.fields import PolicyError, read_documents
from linly_mesh.proxy.policy.mesh import Mesh, Network
from linly_mesh.proxy.policy.resources import resource

_ADDRESSES = "addresses.toml"


def read_mesh(policy: Path, kubernetes: Path, network: Network = Network.MACHINE) -> Mesh:
    """Reads and checks a mesh.

    Args:
        policy: folder of the Istio resources and of ``addresses.toml``.
        kubernetes: folder of the manifests.
        network: how workloads reach each other. In containers the table is not read.

    Raises:
        PolicyError: something in a file can't be honoured.
        ConfigurationError: the files do not make a whole.
    """
    found = Resources()
    for document in read_documents([policy, kubernetes]):
        found.add(resource(document))
    found.check()
    addresses = (
        _read_addresses(policy / _ADDRESSES)
        if network is Network.MACHINE
        else {item.service_account: item.service_account for item in found.deployments}
    )
    workloads = {item.service_account: found.workload(item, addresses) for item in found.identities}
    by_host = {item.host(TRUST_DOMAIN): item for item in found.services}
    for host, place in found.hosts():
        if host not in by_host:
            raise PolicyError(place, f"no Service is called {host}")
    upstreams = (found.upstream(host, item, workloads) for host, item in by_host.items())
    return Mesh(workloads, {item.name: item for item in upstreams})


def _read_addresses(path: Path) -> Mapping[str, str]:
    try:
        addresses = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    for name, address in addresses.items():
        try:
            is_local = IPv4Address(address).is_loopback
        except ValueError:
            is_local = False
        if not is_local:
            raise ConfigurationError(f"{path}: {name}: {address} is no loopback address")
    if len({*addresses.values()}) < len(addresses):
        raise ConfigurationError(f"{path}: two workloads have one address")
    return addresses
