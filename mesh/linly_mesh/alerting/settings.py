"""Settings of the DingTalk adapter."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DingTalkSettings(BaseSettings):
    """Read once, from the environment, prefix ``DINGTALK_``."""

    model_config = SettingsConfigDict(
        frozen=True, use_attribute_docstrings=True, env_prefix="DINGTALK_"
    )

    listen: str = "127.0.0.1:8060"
    """Where Alertmanager sends its alerts: ``host:port``. There is no authentication: loopback."""
    url: str = "https://oapi.dingtalk.com/robot/send"
    """The robot's interface."""
    access_token_file: Path
    """Holds the robot's access token."""
    secret_file: Path | None = None
    """Holds the secret that requests are signed with; None: the robot takes unsigned ones."""
    timeout: float = Field(default=5.0, gt=0)
    """Seconds that DingTalk gets to answer."""
