"""The policy that comes with this package."""

from pathlib import Path

from linly_mesh.proxy.policy.mesh import Mesh
from linly_mesh.proxy.policy.reader import read_mesh

_PACKED = Path(__file__).parents[1] / "shipped"
_CHECKOUT = Path(__file__).parents[3]


def read_shipped_mesh() -> Mesh:
    """Reads the project's own policy and manifests.

    Raises:
        ConfigurationError: as ``read_mesh``.
    """
    folder = _PACKED if _PACKED.is_dir() else _CHECKOUT
    return read_mesh(folder / "policy", folder / "kubernetes")
