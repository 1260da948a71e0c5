"""The service's settings."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from linly_mesh.settings import ServerSettings


class Settings(ServerSettings):
    """Read from the environment, prefix ``ASR_``."""

    model_config = SettingsConfigDict(env_prefix="ASR_", frozen=True, use_attribute_docstrings=True)

    engine: str = "pocketsphinx"
    """The engine, by the name under which it is registered in ``linly.asr.engines``."""
    decoders: int = Field(default=4, ge=1, le=64)
    """Utterances decoded at the same time; more wait their turn. With pocketsphinx each is a
    process of about 130 MB that is started when first needed, and takes a fifth of a core."""
    max_streams: int = Field(default=64, ge=1)
    """Streams open at the same time; one more is refused with RESOURCE_EXHAUSTED."""
    vad_model: Path | None = None
    """An ONNX file of Silero VAD, in place of the fetched weights."""
    min_speech: float = Field(default=0.1, ge=0, le=5)
    """Seconds; speech shorter than this does not begin an utterance."""
    early_silence: float = Field(default=0.16, gt=0, le=10)
    """Seconds of silence after which a transcript is given as likely final."""
    end_silence: float = Field(default=0.48, gt=0, le=10)
    """Seconds of silence that end an utterance."""
    speech_threshold: float = Field(default=0.5, ge=0, le=1)
    """Probability above which audio counts as speech."""
    pre_roll: float = Field(default=0.3, ge=0, le=2)
    """Seconds of audio from before the detected begin that are recognised too: the first
    sound of a word is often quieter than what the detection needs."""
    max_utterance: float = Field(default=30.0, ge=1, le=300)
    """Seconds; a longer utterance is cut into several of this length."""

    @model_validator(mode="after")
    def _silences_in_order(self) -> Self:
        if self.early_silence > self.end_silence:
            raise ValueError("early_silence must not exceed end_silence")
        return self
