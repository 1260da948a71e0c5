"""Settings of the orchestrator."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from linly_mesh.settings import ServerSettings


class Settings(ServerSettings):
    """Read from the environment, prefix ``ORCHESTRATOR_``."""

    model_config = SettingsConfigDict(
        env_prefix="ORCHESTRATOR_", frozen=True, use_attribute_docstrings=True
    )

    max_message_bytes: int = Field(default=17 << 20, ge=64 << 10)
    """The largest request message; the config may hold a portrait of 16 MiB."""
    asr_target: str = "127.0.0.1:50061"
    """Where speech recognition answers."""
    llm_target: str = "127.0.0.1:50062"
    """Where the language model answers."""
    tts_target: str = "127.0.0.1:50063"
    """Where speech synthesis answers."""
    animator_target: str = "127.0.0.1:50064"
    """Where the animator answers."""
    system_instruction: str = "You are a helpful assistant. Answer in one short sentence."
    """Instructions to the language model when a talk brings none."""
    history_messages: int = Field(default=20, ge=0)
    """The most messages of earlier turns that the language model is given."""
    max_talks: int = Field(default=64, ge=1)
    """Talks at the same time; one more is RESOURCE_EXHAUSTED."""
    max_waiting_turns: int = Field(default=8, ge=1)
    """Turns of one talk that may wait for the running one; one more fails."""
    max_lead: float = Field(default=0.4, gt=0)
    """Seconds that output may be ahead of playback when a talk does not say."""
    connect_limit: float = Field(default=5.0, ge=0)
    """Seconds to wait for a stage that can't be reached, such as one that is restarting."""
    first_output_limit: float = Field(default=20.0, gt=0)
    """Seconds after which a stage that has not answered at all counts as failed."""
    gap_limit: float = Field(default=10.0, gt=0)
    """Seconds after which a stage that has gone silent counts as failed."""
    speculate: bool = True
    """Prepare the reply once the transcript is likely final, and hold it until it is."""
