"""Two trainings that are timed in turn, each in a process of its own, as its user would run it."""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import torch

from sixteenth.engine.execution import peak_memory


@contextlib.contextmanager
def process_of(
    rounds: Callable[[argparse.Namespace], Iterator[float]], options: argparse.Namespace
) -> Iterator[Callable[..., float]]:
    """A process that makes `rounds`: calls give its next round, or what a given function says."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        1, mp_context=fresh, initializer=_begin, initargs=(rounds, options)
    ) as pool:
        yield lambda function=_next_round: pool.submit(function).result()


def peak_gigabytes() -> float:
    """The most memory that this process has held, torch included; on a GPU, what was held there."""
    return (peak_memory(torch.device(_device)) or 0) / 1e9


def _begin(
    rounds: Callable[[argparse.Namespace], Iterator[float]], options: argparse.Namespace
) -> None:
    global _rounds, _device
    _device = getattr(options, "device", "cpu")
    torch.manual_seed(getattr(options, "seed", 0))
    _rounds = rounds(options)


def _next_round() -> float:
    return next(_rounds)


_rounds: Iterator[float]
_device = "cpu"
"""Of a process that `process_of` has made."""
