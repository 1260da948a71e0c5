"""Settings of the service."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from linly_mesh.settings import ServerSettings


class Settings(ServerSettings):
    """Read once, from ``LLM_…`` environment variables."""

    model_config = SettingsConfigDict(env_prefix="LLM_", frozen=True, use_attribute_docstrings=True)

    engine: str = "transformers"
    """Name of the engine (entry-point group ``linly.llm.engines``)."""
    model: str = ""
    """Folder or hub id of a Hugging Face causal language model; empty: the embedded
    SmolLM2-135M-Instruct."""
    device: str = "auto"
    """Where the model runs, as torch names it; ``auto``: the first GPU if there is one."""
    dtype: Literal["auto", "int8", "bfloat16", "float16", "float32"] = "auto"
    """Precision of the weights; ``auto``: bfloat16 on a GPU, and on a processor int8, which reads
    them in half the time. With int8 a reply may differ a little by who shares its batch."""
    threads: int = Field(default=0, ge=0)
    """Cores that the model computes on; 0: all but one. Its threads wait for each other in
    every operation, so when other work takes one of their cores, all of them stand still."""
    cache_tokens: int = Field(default=8192, ge=64)
    """Tokens of all conversations together that the key-value cache holds."""
    batch_tokens: int = Field(default=256, ge=16)
    """The most tokens in one step of the model. More read a long prompt faster; fewer make the
    replies that already run wait less for it."""
    max_concurrency: int = Field(default=8, ge=1)
    """Prompts that are worked on at the same time."""
    max_waiting: int = Field(default=32, ge=0)
    """Prompts that may wait for a place; more are refused."""
    max_new_tokens: int = Field(default=1024, ge=1)
    """The most tokens that a request may ask for."""
    default_max_new_tokens: int = Field(default=256, ge=1)
    """The most tokens of a reply when the request does not say."""
    temperature: float = Field(default=0.3, ge=0, le=2)
    """Used when the request does not say; 0 takes the likeliest token every time."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Used when the request does not say."""
    top_k: int = Field(default=50, ge=1)
    """Used when the request does not say."""

    @model_validator(mode="after")
    def _limits_agree(self) -> "Settings":
        if self.default_max_new_tokens > self.max_new_tokens:
            raise ValueError("default_max_new_tokens is larger than max_new_tokens")
        return self
