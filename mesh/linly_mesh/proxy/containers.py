"""Where an application and its proxy find their files when each has a container of its own.

The paths are the same in every container; which folder is behind them differs from pair to pair.
"""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from linly_mesh.identity.svid import SvidFiles
from linly_mesh.proxy.envoy.files import Files


class ContainerSettings(BaseSettings):
    """Read once, from the environment, by what writes the configuration of proxies."""

    model_config = SettingsConfigDict(
        frozen=True, use_attribute_docstrings=True, env_prefix="MESH_"
    )

    socket_folder: Path = Path("/run/talker")
    """Where an application and its proxy meet; a pair shares it and nobody else has it."""
    configuration_folder: Path = Path("/run/proxies")
    """One folder per proxy, with what it is started with; nothing in there is secret."""

    @property
    def complete(self) -> Path:
        """A file that is there once every proxy has its certificate and its configuration."""
        return self.configuration_folder / "complete"

    def files(self, workload: str, svid: SvidFiles) -> Files:
        """As the proxy of ``workload`` sees them."""
        return Files(self.socket_folder, svid, self.configuration_folder / workload)
