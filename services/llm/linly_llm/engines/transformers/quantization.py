"""Weights of 8 bits, for processors.

One token at a time, a model is as fast as its weights are read. Dynamic quantisation keeps
them in 8 bits, one scale per output channel, and multiplies in integers; the activations get
their scale anew in each step. The arithmetic is that of ``torch.ao.quantization``, whose own way
to apply it packs each weight twice and one after the other, and takes more than twice as long.
"""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import nn

_HALF_RANGE = 127.5
"""Of an integer of 8 bits with a sign."""
_LEAST_SCALE = torch.finfo(torch.float32).eps


class Int8Linear(nn.Module):  # type: ignore[misc]  # untyped
    """A linear layer whose weights are kept in 8 bits."""

    def __init__(self, layer: nn.Linear) -> None:
        """Takes the weights of ``layer`` (float32)."""
        super().__init__()
        weight = layer.weight.detach()
        scales = weight.abs().amax(1).div(_HALF_RANGE).clamp(min=_LEAST_SCALE)
        zeros = torch.zeros(len(scales), dtype=torch.int64)
        quantized = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(quantized, layer.bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Float32 in and out, of any batch shape."""
        # Without the reduced range, sums of two products can overflow 16 bits in FBGEMM.
        outputs: torch.Tensor = torch.ops.quantized.linear_dynamic(
            inputs, self._packed, reduce_range=True
        )
        return outputs


def supported() -> bool:
    """Whether this processor multiplies 8-bit integers fast (FBGEMM: x86 with AVX2)."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def quantize(model: nn.Module) -> Any:
    """Quantises the linear layers of ``model`` (float32) in place and returns it.

    Layers that lead back from a wider space are left as they are: their inputs hold the
    outliers that one scale for all can't carry (Dettmers et al., "LLM.int8()", 2022). On
    SmolLM2-135M, with them the perplexity of a short text trebles, without them it stays.
    """
    chosen = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer.in_features <= layer.out_features
    ]
    with warnings.catch_warnings(), ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        # torch announces here that its tensors of 8 bits will go, and these packed weights stay.
        warnings.simplefilter("ignore")
        replaced = list(pool.map(lambda named: (named[0], Int8Linear(named[1])), chosen))
    for name, layer in replaced:
        model.set_submodule(name, layer)
    return model
