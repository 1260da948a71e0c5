"""Which layers are kept in 8 bits, and that they still compute the same."""

import pytest
import torch
from torch import nn

from linly_llm.engines.transformers.quantization import quantize, supported

if not supported():
    pytest.skip("this processor has no fast 8-bit arithmetic", allow_module_level=True)


def block() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64), nn.Linear(64, 64))


def test_layers_that_lead_back_from_a_wider_space_are_left_alone():
    quantized = quantize(block())
    kinds = [type(layer) is nn.Linear for layer in quantized]
    assert kinds == [False, False, True, False]


def test_the_result_is_nearly_the_same():
    inputs = torch.randn(8, 64)
    with torch.inference_mode():
        exact, quantized = block()(inputs), quantize(block())(inputs)
    assert (exact - quantized).abs().max() < 0.03 * exact.abs().max()
