"""What was measured of a model, kept for the next one of the same structure.

A study builds the same network for each of its runs, and to call one without values takes longer
than to train a small one for an epoch. Kept in this process only.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable, Hashable
from types import FunctionType, SimpleNamespace
from typing import Any, TypeVar

from torch import Tensor, nn

T = TypeVar("T")

KEPT = 64
"""Results of a function that are kept; then the oldest makes room."""


def measured_once(
    measure: Callable[[nn.Module, int, bool], T],
) -> Callable[[nn.Module, int], T]:
    """`measure`, called for the first model of each structure and image size only.

    Args:
        measure: called with a model, the image size in pixels, and whether it must not try more
            than a call without values. If it needs values its result may depend on them, and is
            not kept.
    """
    known: dict[Hashable, T] = {}

    @functools.wraps(measure)
    def measured(model: nn.Module, image_size: int) -> T:
        same = structure(model)
        if same is None:
            return measure(model, image_size, False)
        key = same, image_size
        if key not in known:
            try:
                result = measure(model, image_size, True)
            except Exception:  # whatever a model raises that is called without values
                return measure(model, image_size, False)
            while len(known) >= KEPT:
                known.pop(next(iter(known)), None)
            known[key] = result
        return known[key]

    return measured


def structure(model: nn.Module) -> Hashable | None:
    """Equal for models that do the same, whatever the values of their parameters and buffers.

    It compares all attributes of all modules, and the very classes and functions: one that was
    imported anew is another. None if an attribute cannot be compared: one that pickle refuses,
    another tensor, or a function that keeps variables.
    """
    pickler = _Structure(model)
    try:
        pickler.dump(model)
    except Exception:  # whatever an attribute raises when it is pickled
        return None
    return pickler.written.digest(), tuple(pickler.code)


class _Structure(pickle.Pickler):
    """Writes a model with shapes in place of tensors, and numbers in place of code."""

    def __init__(self, model: nn.Module) -> None:
        self.written = hashlib.sha256()
        super().__init__(SimpleNamespace(write=self.written.update))
        state = [*model.parameters(), *model.buffers()]
        self.numbers = {id(tensor): number for number, tensor in enumerate(state)}
        self.code: list[Callable[..., Any]] = []

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        if isinstance(value, Tensor):
            # Others than these have values, on which even a call without values may depend.
            number = self.numbers[id(value)]
            kind = str(value.dtype), str(value.device), value.requires_grad
            return number, *value.shape, *kind
        if isinstance(value, type | FunctionType):
            if getattr(value, "__closure__", None):
                raise pickle.PicklingError("variables of a closure are not compared")
            self.code.append(value)
            return (len(self.code),)
        return None
