"""A step of the model that nobody wants any more is broken off between two layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer


class _UnwantedError(Exception):
    """Every request of the step has been cancelled."""


@contextmanager
def breaking_off(model: nn.Module, manager: Any) -> Iterator[None]:
    """Has a manager that is not started yet break off steps whose every request is cancelled.

    A step that reads a prompt takes a processor a tenth of a second, and a cancel would
    otherwise be read after it. What the step has computed is lost, and nothing else: its
    requests have all been cancelled, the scheduler frees their part of the cache before it plans
    the next step, and pages that were not filled were not offered to other prompts yet. A step
    that one request still wants runs to its end.

    Args:
        model: what the manager runs; looked into only at the layers that transformers marks as
            such, so a model without them runs every step to its end.
        manager: of continuous batching, with requests that are ``BatchRequest``s.
    """
    run_step = manager._generation_loop_body

    def run_wanted_step(*arguments: Any, **named: Any) -> bool:
        try:
            go_on: bool = run_step(*arguments, **named)
        except _UnwantedError:
            return True
        return go_on

    def look(*_: object) -> None:
        batch = manager.batch_processor.inputs_and_outputs.requests_in_batch
        requests = (entry.state.logit_processor_kwargs["request"] for entry in batch)
        if all(request.cancelled for request in requests):
            raise _UnwantedError

    manager._generation_loop_body = run_wanted_step
    layers = (layer for layer in model.modules() if isinstance(layer, GradientCheckpointingLayer))
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
