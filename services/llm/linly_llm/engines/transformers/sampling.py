"""How each request of a batch chooses its next token."""

from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)

from linly_llm.engine import Sampling
from linly_llm.engines.transformers.request import BatchRequest


def choose(logits: torch.Tensor, sampling: Sampling, position: int) -> int:
    """Chooses the token at ``position`` of a conversation.

    The random number is a function of seed and position alone (Philox, a counter-based
    generator: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), so that a
    reply depends neither on its neighbours in the batch nor on being set back.

    Args:
        logits: (vocabulary,) float32.
        sampling: temperature, top-k, then top-p, in this order.
        position: tokens of prompt and reply before this one.
    """
    if sampling.temperature == 0:
        return int(logits.argmax())
    likeliest, tokens = logits.topk(min(sampling.top_k, logits.numel()))
    scaled = likeliest.double().cpu().numpy() / sampling.temperature
    weights = np.exp(scaled - scaled[0])
    weights /= weights.sum()
    cumulative = np.cumsum(weights)
    kept = int(np.searchsorted(cumulative, sampling.top_p)) + 1
    cumulative = cumulative[:kept]
    key = (position << 64) | (sampling.seed % 2**64)
    draw = np.random.Generator(np.random.Philox(key=key)).random() * cumulative[-1]
    index = int(np.searchsorted(cumulative, draw, side="right"))
    return int(tokens[min(index, len(cumulative) - 1)])


class PerRequestSampling(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]  # untyped
    """Makes every choice itself; the batch then takes the likeliest token, which is the choice.

    transformers' own processors know neither a seed nor greedy choice per request.
    """

    supported_kwargs = {"request": BatchRequest}  # noqa: RUF012  # the base class's contract
    ignored_kwargs = ()

    def __init__(self) -> None:
        """Has no batch yet."""
        self._rows: list[tuple[Sampling, int]] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Nothing travels through the tensor: rows are remembered on this side."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        """Remembers whose row is which. Called right before the batch of the same rows."""
        self._rows = [
            (
                future.state.logit_processor_kwargs["request"].sampling,
                # A request that is set back takes its reply into its prompt: the sum stays.
                len(future.state.initial_tokens) + len(future.state.generated_tokens),
            )
            for future in requests_with_new_token
        ]
        return torch.zeros(len(self._rows), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """Raises the chosen token of each row above all others; shape (rows, vocabulary)."""
        # A prompt that is read in several steps has a row before it has a token; those are last.
        for row, (sampling, position) in zip(scores, self._rows, strict=False):
            row[choose(row, sampling, position)] = torch.inf
        return scores


def per_request_sampling() -> ContinuousBatchingLogitsProcessorList:
    """What a continuous batching manager applies to the logits of a batch."""
    processors = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([PerRequestSampling()]))
    processors.tensors_required = 1  # counted only for processors that it converted itself
    return processors
