"""Settings of identities."""

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _data_folder() -> Path:
    """By the XDG base directory specification."""
    home = os.environ.get("XDG_DATA_HOME")
    root = Path(home) if home else Path.home() / ".local" / "share"
    return root / "linly-talker" / "identity"


class IdentitySettings(BaseSettings):
    """Read once, from the environment, by what starts the mesh or mints a certificate."""

    model_config = SettingsConfigDict(
        frozen=True, use_attribute_docstrings=True, env_prefix="MESH_"
    )

    identity_folder: Path = Field(default_factory=_data_folder)
    """Where the development authority and what it issues are kept; by default
    ``~/.local/share/linly-talker/identity``."""
    svid_folder: Path | None = None
    """A folder with one folder per workload, in which Istio, SPIRE or something else keeps its
    SVID. Where it is set the development authority is not used."""
    svid_ttl: float = Field(default=24 * 3600, ge=60, le=90 * 24 * 3600)
    """Seconds that an issued certificate is valid; it is renewed after half of them."""

    @property
    def authority_folder(self) -> Path:
        """The development authority's own."""
        return self.identity_folder / "authority"

    @property
    def ttl(self) -> timedelta:
        """``svid_ttl`` as a time span."""
        return timedelta(seconds=self.svid_ttl)
