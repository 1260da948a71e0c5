"""Tensors of torch that are alive, found by Python's garbage collector."""

import gc
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Likeness:
    """What tensors have to have in common to be counted together."""

    device: str
    """``cpu``, ``cuda:0``, …"""
    dtype: str
    """``float32``, ``bfloat16``, …"""
    shape: tuple[int, ...]
    """Size per dimension."""


@dataclass(slots=True)
class Held:
    """Tensors of one likeness."""

    count: int = 0
    """Tensors, views among them."""
    size: int = 0
    """Bytes of the storages that count as theirs."""


@dataclass(frozen=True, slots=True)
class TensorGrowth:
    """Tensors of one likeness now, and since the baseline."""

    likeness: Likeness
    """What they have in common."""
    now: Held
    """All that are alive."""
    count_diff: int
    """Tensors more."""
    size_diff: int
    """Bytes more."""


def living() -> dict[Likeness, Held]:
    """All tensors that Python knows; none if the process has not imported torch.

    A storage counts once. Of the tensors that share it the one with most elements has it, so
    that a view never hides what it keeps alive.
    """
    kind = getattr(sys.modules.get("torch"), "Tensor", None)
    if kind is None:
        return {}
    found: dict[Likeness, Held] = {}
    owners: dict[tuple[str, int], tuple[int, int, Likeness]] = {}
    # By type(), since isinstance asks objects for their __class__, and proxies run code then.
    for tensor in [each for each in gc.get_objects() if issubclass(type(each), kind)]:
        likeness = _likeness(tensor)
        found.setdefault(likeness, Held()).count += 1
        address, size = _storage(tensor)
        if address:
            key = (likeness.device, address)
            known = owners.get(key)
            if known is None or known[0] < tensor.numel():
                owners[key] = (tensor.numel(), size, likeness)
    for _, size, likeness in owners.values():
        found[likeness].size += size
    return found


def grown(
    before: Mapping[Likeness, Held], now: Mapping[Likeness, Held], top: int
) -> list[TensorGrowth]:
    """The tensors of ``now``, largest growth first, then the largest."""
    nothing = Held()
    growths = [
        TensorGrowth(
            likeness,
            held,
            held.count - before.get(likeness, nothing).count,
            held.size - before.get(likeness, nothing).size,
        )
        for likeness, held in now.items()
    ]
    growths.sort(key=lambda each: (each.size_diff, each.count_diff, each.now.size), reverse=True)
    return growths[:top]


def _likeness(tensor: Any) -> Likeness:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return Likeness(str(tensor.device), dtype, tuple(map(int, tensor.shape)))


def _storage(tensor: Any) -> tuple[int, int]:
    """Address and bytes; (0, 0) for a tensor without one, as sparse and meta tensors are."""
    with suppress(RuntimeError):
        storage = tensor.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    return 0, 0
