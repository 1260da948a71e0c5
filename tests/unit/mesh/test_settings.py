"""A setting that is wrong is told in one line, by the name of its variable."""

import pytest
from pydantic_settings import SettingsConfigDict

from linly_mesh.errors import ConfigurationError
from linly_mesh.settings import ServerSettings, read_settings


class Settings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="THING_", frozen=True)


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("THING_LISTEN", "127.0.0.1:1")
    assert read_settings(Settings).listen == "127.0.0.1:1"


@pytest.mark.parametrize("value", ["-1", "soon"])
def test_a_wrong_value_names_its_variable(monkeypatch, value):
    monkeypatch.setenv("THING_DRAIN_GRACE", value)
    with pytest.raises(ConfigurationError, match=r"^THING_DRAIN_GRACE: ") as caught:
        read_settings(Settings)
    assert "\n" not in str(caught.value)
