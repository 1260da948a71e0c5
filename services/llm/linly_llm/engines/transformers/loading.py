"""The model in memory."""

import ctypes
import logging
import os
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from linly_llm.config import Settings
from linly_llm.engines.transformers import quantization
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
    if dtype == torch.qint8 and not (device.type == "cpu" and quantization.supported()):
        raise ConfigurationError("LLM_DTYPE=int8 needs an x86 processor with AVX2, and no GPU")
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=torch.float32 if dtype == torch.qint8 else dtype,
            attn_implementation="sdpa",
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot load the model '{source}': {error}") from error
    model = model.to(device).eval()
    if dtype == torch.qint8:
        model = quantization.quantize(model)
        _give_memory_back()
    return model, tokenizer


def model_name(settings: Settings) -> str:
    """What a person calls the model."""
    if not settings.model:
        return "SmolLM2-135M-Instruct"
    path = Path(settings.model)
    return path.name if path.is_dir() else settings.model


def _give_memory_back() -> None:
    """Of what was freed glibc keeps some 340 MiB: the weights before they were quantised."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # other C libraries don't have it
        libc.malloc_trim(0)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name != "auto":
        dtype: torch.dtype = torch.qint8 if name == "int8" else getattr(torch, name)
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.qint8 if quantization.supported() else torch.float32
