"""Settings that every server has."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """Read once, from the environment, in a service's ``__main__``."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True)

    listen: str = "127.0.0.1:50051"
    """Where to listen: ``unix:/path`` or ``host:port``."""
    drain_grace: float = Field(default=30.0, ge=0)
    """Seconds that running calls get to finish when the process is told to stop."""
    max_message_bytes: int = Field(default=4 << 20, ge=64 << 10)
    """The largest request message that is accepted."""
