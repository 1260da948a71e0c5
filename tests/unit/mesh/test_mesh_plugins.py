from importlib.metadata import EntryPoint

import pytest

from linly_mesh import plugins
from linly_mesh.errors import ConfigurationError

GROUP = "linly.test.engines"


@pytest.fixture
def installed(monkeypatch):
    """Three engines: one that works, one whose extra is missing, one that is broken."""
    points = [
        EntryPoint("good", "json:loads", GROUP),
        EntryPoint("heavy", "no_such_package_of_ours:engine", GROUP),
        EntryPoint("broken", "json:no_such_function", GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == GROUP else [])


@pytest.mark.usefixtures("installed")
def test_an_engine_is_found_by_its_name():
    assert plugins.load_engine(GROUP, "good")("[1]") == [1]


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_tells_those_that_are_known():
    with pytest.raises(ConfigurationError, match=r"no engine 'other'.*broken, good, heavy"):
        plugins.load_engine(GROUP, "other")


@pytest.mark.usefixtures("installed")
def test_an_engine_whose_extra_is_missing_says_what_to_install():
    with pytest.raises(ConfigurationError, match="needs 'no_such_package_of_ours'"):
        plugins.load_engine(GROUP, "heavy")


@pytest.mark.usefixtures("installed")
def test_a_defect_of_an_engine_is_not_taken_for_a_missing_extra():
    with pytest.raises(AttributeError):
        plugins.load_engine(GROUP, "broken")


@pytest.mark.usefixtures("installed")
def test_without_any_engine_that_is_said():
    with pytest.raises(ConfigurationError, match="installed: none"):
        plugins.load_engine("linly.nobody.engines", "x")
