"""Whoever runs a service learns from its settings alone what they mean."""

import importlib
import importlib.util
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(
    path for pattern in ("*", "services/*") for path in ROOT.glob(f"{pattern}/linly_*/config.py")
)
SECRET = ("password", "secret", "token_file", "api_key", "private_key", "credential")


@pytest.fixture(params=CONFIGS, ids=lambda path: path.parent.name)
def settings(request) -> type[BaseSettings]:
    return importlib.import_module(f"{request.param.parent.name}.config").Settings


def test_every_process_has_settings():
    assert {path.parent.name for path in CONFIGS} >= {
        *("linly_orchestrator", "linly_asr", "linly_llm", "linly_tts", "linly_animator"),
    }


def test_every_field_says_what_it_means(settings):
    silent = [name for name, field in settings.model_fields.items() if not field.description]
    assert not silent


def test_the_prefix_is_the_services_own(settings):
    service = settings.__module__.split(".")[0].removeprefix("linly_")
    assert settings.model_config["env_prefix"] == f"{service.upper()}_"


def test_a_process_cannot_change_its_settings(settings):
    assert settings.model_config["frozen"]


def test_no_secret_has_a_default(settings):
    secrets = {
        name: field.default
        for name, field in settings.model_fields.items()
        if any(word in name for word in SECRET) and field.default
    }
    assert not secrets


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, page in generate.PAGES.items():
        written = (ROOT / "docs" / name).read_text()
        assert written == page(), f"docs/{name} has drifted from the code: make docs"
