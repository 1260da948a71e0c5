"""The model in memory."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from linly_llm.config import Settings
from linly_llm.weights import SMOLLM2
from linly_mesh.errors import ConfigurationError
from linly_mesh.weights import weights_folder


def load(settings: Settings) -> tuple[Any, Any]:
    """Loads model and tokeniser; takes seconds, so not in an event loop.

    Raises:
        ConfigurationError: there is no such model, or it can't be loaded.
    """
    # Its warnings quote token ids of requests, and its progress bars are for terminals.
    transformers_logging.set_verbosity_error()
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(settings.threads or max(1, len(os.sched_getaffinity(0)) - 1))
    source = settings.model or str(weights_folder(SMOLLM2))
    device = torch.device(_device(settings.device))
    dtype = _dtype(settings.dtype, device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, attn_implementation="sdpa"
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot load the model '{source}': {error}") from error
    return model.to(device).eval(), tokenizer


def model_name(settings: Settings) -> str:
    """What a person calls the model."""
    if not settings.model:
        return "SmolLM2-135M-Instruct"
    path = Path(settings.model)
    return path.name if path.is_dir() else settings.model


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name != "auto":
        dtype: torch.dtype = getattr(torch, name)
        return dtype
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:
        fast = "avx512_bf16" in _cpu_flags()  # those with AMX have it too
    return torch.bfloat16 if fast else torch.float32


def _cpu_flags() -> set[str]:
    """Instruction sets of the processor; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split())
