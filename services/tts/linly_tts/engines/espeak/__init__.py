"""The engine ``espeak``."""

from linly_tts.config import Settings
from linly_tts.engines.espeak.engine import EspeakEngine


def create(settings: Settings) -> EspeakEngine:
    """The engine as the service's settings want it; it has none of its own."""
    return EspeakEngine()
