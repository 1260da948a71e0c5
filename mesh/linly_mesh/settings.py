"""Settings that every server has."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from linly_mesh.errors import ConfigurationError

_Settings = TypeVar("_Settings", bound=BaseSettings)


class ServerSettings(BaseSettings):
    """Read once, from the environment, in a service's ``__main__``."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True)

    listen: str = "127.0.0.1:50051"
    """Where to listen: ``unix:/path`` or ``host:port``."""
    metrics_listen: str = "127.0.0.1:9090"
    """Where to serve ``/metrics``: ``unix:/path`` or ``host:port``; empty: nowhere."""
    region: str = Field(default="local", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    """The deployment's region, a label of business metrics: one for all callers of a process."""
    drain_grace: float = Field(default=30.0, ge=0)
    """Seconds that running calls get to finish when the process is told to stop."""
    max_message_bytes: int = Field(default=4 << 20, ge=64 << 10)
    """The largest request message that is accepted."""


def read_settings(make: Callable[[], _Settings]) -> _Settings:
    """The settings of this process: ``make`` is their class, which reads the environment.

    Raises:
        ConfigurationError: names each variable that is wrong, and why.
    """
    try:
        return make()
    except ValidationError as error:
        config: SettingsConfigDict = getattr(make, "model_config", SettingsConfigDict())
        prefix = config.get("env_prefix", "")
        wrong = [
            f"{prefix}{'.'.join(map(str, each['loc']))}".upper() + f": {each['msg']}"
            for each in error.errors()
        ]
        raise ConfigurationError("; ".join(wrong)) from None
