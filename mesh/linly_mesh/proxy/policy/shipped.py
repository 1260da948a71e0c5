"""The policy that comes with this package, and those that stand in its place."""

from pathlib import Path

from linly_mesh.proxy.policy.mesh import Mesh, Network
from linly_mesh.proxy.policy.reader import read_mesh

_PACKED = Path(__file__).parents[1] / "shipped"
_CHECKOUT = Path(__file__).parents[3]


def read_shipped_mesh(network: Network = Network.MACHINE) -> Mesh:
    """Reads the project's own policy and manifests.

    Raises:
        ConfigurationError: as ``read_mesh``.
    """
    folder = _PACKED if _PACKED.is_dir() else _CHECKOUT
    return read_mesh(folder / "policy", folder / "kubernetes", network)


def read_source(source: Path | None, network: Network = Network.MACHINE) -> Mesh:
    """Reads ``policy/`` and ``kubernetes/`` in a folder; None: the project's own.

    Raises:
        ConfigurationError: as ``read_mesh``.
    """
    if source is None:
        return read_shipped_mesh(network)
    return read_mesh(source / "policy", source / "kubernetes", network)
