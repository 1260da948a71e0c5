"""Weights of 8 bits, for processors.

One token at a time, a model is as fast as its weights are read. Dynamic quantisation keeps
them in 8 bits, one scale per output channel, and multiplies in integers; the activations get
their scale anew in each step.
"""

import warnings
from typing import Any

import torch
from torch import nn


def supported() -> bool:
    """Whether this processor multiplies 8-bit integers fast (FBGEMM: x86 with AVX2)."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def quantize(model: nn.Module) -> Any:
    """Quantises the linear layers of ``model`` (float32) in place and returns it.

    Layers that lead back from a wider space are left as they are: their inputs hold the
    outliers that one scale for all can't carry (Dettmers et al., "LLM.int8()", 2022). On
    SmolLM2-135M, with them the perplexity of a short text trebles, without them it stays.
    """
    chosen = {
        name: torch.ao.quantization.per_channel_dynamic_qconfig
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer.in_features <= layer.out_features
    }
    with warnings.catch_warnings():
        # torch announces here, layer by layer, that a package of its own will succeed this.
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(
            model, chosen, dtype=torch.qint8, inplace=True
        )
