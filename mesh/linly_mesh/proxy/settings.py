"""Settings of the mesh on one machine."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class ProxySettings(BaseSettings):
    """Read once, from the environment, by what starts the mesh or calls into it."""

    model_config = SettingsConfigDict(
        frozen=True, use_attribute_docstrings=True, env_prefix="MESH_"
    )

    source: Path | None = None
    """A folder with ``policy/`` and ``kubernetes/`` of your own, instead of those that come with
    the package."""
