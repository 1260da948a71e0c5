"""Any causal language model of the Hugging Face hub, by transformers' continuous batching."""

from linly_llm.config import Settings
from linly_llm.engine import Engine
from linly_llm.engines.transformers.engine import TransformersEngine


def create(settings: Settings) -> Engine:
    """The engine ``transformers`` of the entry-point group ``linly.llm.engines``."""
    return TransformersEngine(settings)
