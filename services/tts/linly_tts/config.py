"""What an operator can set."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from linly_mesh.settings import ServerSettings


class Settings(ServerSettings):
    """Read from the environment with the prefix ``TTS_``."""

    model_config = SettingsConfigDict(env_prefix="TTS_", frozen=True, use_attribute_docstrings=True)

    engine: str = "espeak"
    """Name of an installed engine."""
    default_voice: str = "en-us"
    """The voice that speaks when neither a voice nor a language is asked for."""
    max_streams: int = Field(default=64, ge=1)
    """Streams at the same time; further ones are refused with RESOURCE_EXHAUSTED. Each has at
    most one clause with the engine, so this bounds the engine's queue too."""
