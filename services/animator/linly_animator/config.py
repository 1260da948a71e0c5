"""Settings of the animator."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from linly_mesh.settings import ServerSettings


class Settings(ServerSettings):
    """Read from the environment, each name with the prefix ``ANIMATOR_``."""

    model_config = SettingsConfigDict(
        env_prefix="ANIMATOR_", frozen=True, use_attribute_docstrings=True
    )

    engine: str = "portrait"
    """Which engine animates, by its name among the installed ones."""
    portrait: Path | None = None
    """An image to animate when a caller names no avatar. Unset: the portrait that is shipped."""
    models: Path | None = None
    """Folder with the face models. Unset: where ``talker models fetch`` puts them."""
    threads: int = Field(default=2, ge=1, le=64)
    """Threads that draw and encode; all streams share them."""
    max_streams: int = Field(default=32, ge=1)
    """Streams at the same time; one more is refused."""
    max_uploads: int = Field(default=4, ge=1)
    """Images that are received and prepared at the same time; one more is refused."""
    avatars: int = Field(default=16, ge=1)
    """Avatars kept in memory; the one that was not used for longest goes first."""
    max_speech_ahead: float = Field(default=120.0, gt=0)
    """Seconds of a stream's speech that are read before the frames have caught up."""
