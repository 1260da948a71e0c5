"""The work of one turn before stages that only sleep: who waits how long for what.

The figures are those with which other frameworks were measured, so that ours can be held
against them: half a second of speech in real time, a transcript, 60 tokens in five sentences,
each spoken as a second of audio, and a frame of 8 KiB for every 40 ms of it. A reply comes at
about ten times the speed at which it would be played, so one talk here weighs as much as
several that are listened to.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

FRAME_SECONDS = 0.04
"""Speech that a frame shows."""


class Work(BaseSettings):
    """Costs in seconds. Read from the environment, prefix ``STUB_``."""

    model_config = SettingsConfigDict(
        env_prefix="STUB_", frozen=True, use_attribute_docstrings=True
    )

    transcript: float = Field(default=0.030, ge=0)
    """From the end of the audio to the transcript."""
    first_token: float = Field(default=0.040, ge=0)
    """From the prompt to the first token."""
    per_token: float = Field(default=0.005, ge=0)
    """From token to token."""
    sentences: int = Field(default=5, ge=1)
    """Sentences of a reply."""
    tokens_per_sentence: int = Field(default=12, ge=1)
    """Tokens of a sentence, each a word; the last one brings the full stop."""
    first_chunk: float = Field(default=0.020, ge=0)
    """From the complete sentence to its first audio."""
    per_chunk: float = Field(default=0.002, ge=0)
    """From chunk to chunk."""
    chunk_seconds: float = Field(default=0.020, gt=0)
    """Speech in a chunk."""
    chunks_per_sentence: int = Field(default=50, ge=1)
    """Chunks of a sentence."""
    sample_rate: int = Field(default=24_000, ge=8_000)
    """Of the speech, in samples per second."""
    frame: float = Field(default=0.005, ge=0)
    """From a frame's audio to the frame."""
    frame_bytes: int = Field(default=8192, ge=1)
    """Size of a frame."""

    @property
    def tokens(self) -> list[str]:
        """The reply."""
        sentence = ["word "] * (self.tokens_per_sentence - 1) + ["end. "]
        return sentence * self.sentences

    @property
    def first_audio_ideal(self) -> float:
        """From the end of the person's audio to the first audio, if nothing else cost time."""
        written = self.first_token + (self.tokens_per_sentence - 1) * self.per_token
        return self.transcript + written + self.first_chunk

    @property
    def first_frame_ideal(self) -> float:
        """From the end of the person's audio to the first frame, if nothing else cost time."""
        chunks = round(FRAME_SECONDS / self.chunk_seconds)
        return self.first_audio_ideal + (chunks - 1) * self.per_chunk + self.frame

    @property
    def speech_seconds(self) -> float:
        """Length of the reply."""
        return self.sentences * self.chunks_per_sentence * self.chunk_seconds
