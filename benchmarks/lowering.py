"""Training speed with and without lowered convolutions: ``python -m benchmarks.lowering``.

Times whole optimiser steps, as the trainer takes them.  The ordinary and the lowered network take
turns within each round, so that other load on the machine falls on both, and the best round of
each counts.  ``--layers`` times single layers instead, and ``--parts`` the output and the gradients
of dense layers in each of their ways, which is where the limits in ``sixteenth/engine/cpu``
come from.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from sixteenth.engine.cpu import convolution as lowering
from sixteenth.engine.cpu.dense import Dense, Ways
from sixteenth.engine.cpu.memory import keep_freed_memory
from sixteenth.engine.padding import axis_of

MODELS = {"resnet18": 32, "resnet50": 32, "efficientnet-lite0": 64, "efficientnet-lite2": 64}
# kernel, stride, channels, map side, depthwise
LAYERS = [
    (1, 1, 512, 2, False),
    (1, 1, 128, 8, False),
    (3, 1, 512, 1, False),
    (3, 1, 512, 2, False),
    (3, 1, 256, 4, False),
    (3, 1, 256, 7, False),
    (3, 1, 128, 8, False),
    (5, 1, 1152, 2, True),
    (5, 1, 672, 4, True),
    (5, 1, 672, 8, True),
    (3, 1, 480, 4, True),
    (3, 2, 96, 32, True),
    (5, 2, 144, 16, True),
]
# channels in and out, map side, stride, padding, of 3x3 kernels
DENSE_LAYERS = [
    *(
        (channels, channels, side, 1, 1)
        for side in (1, 2, 3, 4, 5, 6, 7, 8)
        for channels in (128, 256)
    ),
    *((128, 256, side, 2, 1) for side in (2, 4, 8, 16)),
    *((channels, channels, side, 1, 0) for side in (6, 8, 10) for channels in (64, 128, 256)),
]
WAYS = {"output": 2, "input gradient": 2, "weight gradient": 3}
NAMES = ("products", "backend", "beside")


def build(name: str) -> nn.Module:
    """A network with random weights, in the layout that the lowering needs."""
    model: nn.Module
    if name.startswith("efficientnet"):
        from efficientnet_lite_pytorch import EfficientNet

        model = EfficientNet.from_name(name)
    else:
        model = torchvision.models.get_model(name, num_classes=10)
    return model.to(memory_format=torch.channels_last)


def stepper(model: nn.Module, size: int, batch: int, bf16: bool) -> Callable[[], None]:
    """A function that takes one training step on a fixed random batch."""
    x = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
    )

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def layer_pass(conv: nn.Module, channels: int, side: int, bf16: bool) -> Callable[[], None]:
    """A function that takes one forward and backward pass through a layer."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    x = torch.randn(128, channels, side, side, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            y = conv(x)
        conv.zero_grad()
        y.backward(torch.ones_like(y))

    return step


def layer_parts(
    inputs: int, outputs: int, side: int, stride: int, padding: int, batch: int, bf16: bool
) -> dict[tuple[str, str], Callable[[], None]]:
    """Functions that compute one part of a 3x3 convolution in one way."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    axis = axis_of(side, 3, stride, padding, padding)
    assert axis is not None
    x = torch.randn(batch, inputs, side, side, dtype=dtype)
    x = x.to(memory_format=torch.channels_last)
    weight = torch.randn(outputs, inputs, 3, 3).to(memory_format=torch.channels_last)
    steps: dict[tuple[str, str], Callable[[], None]] = {}
    for number, (part, count) in enumerate(WAYS.items()):
        for name in NAMES[:count]:
            if name == "beside" and (stride > 1 or side == 1 or not padding):
                continue
            choice = ["backend"] * 3
            choice[number] = name
            ways = Ways(*choice)  # type: ignore[arg-type]

            def output(ways: Ways = ways) -> None:
                Dense.apply(x, weight, axis, axis, ways)

            steps[part, name] = output
            if number > 0:
                call = _Call(x, weight, axis, ways, wanted=(number == 1, number == 2))
                steps[part, name] = call.gradient
    return steps


class _Call:
    """One call of `Dense`, whose gradient can be computed again and again, without autograd."""

    def __init__(
        self, x: Tensor, weight: Tensor, axis: Any, ways: Ways, wanted: tuple[bool, bool]
    ) -> None:
        self.needs_input_grad = wanted
        self.saved_tensors: tuple[Tensor, ...] = ()
        self.grad = torch.randn_like(Dense.forward(self, x, weight, axis, axis, ways))

    def save_for_backward(self, *tensors: Tensor) -> None:
        self.saved_tensors = tensors

    def gradient(self) -> None:
        Dense.backward(self, self.grad)


def best_seconds(steps: list[Callable[[], None]], rounds: int, repeat: int) -> list[float]:
    """The shortest time of each step over rounds in which all take turns."""
    best = [float("inf")] * len(steps)
    for step in steps:
        step()
    for _ in range(rounds):
        for i, step in enumerate(steps):
            start = time.perf_counter()
            for _ in range(repeat):
                step()
            best[i] = min(best[i], (time.perf_counter() - start) / repeat)
    return best


def time_parts(batch: int, rounds: int) -> None:
    """Print milliseconds of each part of dense layers, in each way."""
    print(f"{'':28}" + "".join(f"{part:^{10 * count}}" for part, count in WAYS.items()))
    heads = "".join(f"{name:>10}" for count in WAYS.values() for name in NAMES[:count])
    print(f"{'ms':28}{heads}")
    for bf16, (inputs, outputs, side, stride, padding) in product((True, False), DENSE_LAYERS):
        steps = layer_parts(inputs, outputs, side, stride, padding, batch, bf16)
        best = dict(zip(steps, best_seconds(list(steps.values()), rounds, 3), strict=True))
        cells = "".join(
            f"{best[part, name] * 1e3:10.2f}" if (part, name) in best else f"{'':10}"
            for part, count in WAYS.items()
            for name in NAMES[:count]
        )
        kind = "bf16" if bf16 else "f32"
        layer = f"{kind} {inputs}->{outputs} {side}px" + (f"/{stride}" if stride > 1 else "")
        layer += "" if padding else " no padding"
        print(f"{layer:28}{cells}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), help="networks to time")
    parser.add_argument("--size", type=int, help="image side (default: 32, EfficientNet 64)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", action="store_true", help="time single layers instead")
    parser.add_argument("--parts", action="store_true", help="time parts of dense layers instead")
    parser.add_argument("--threads", type=int, help="of an operation (default: torch's own choice)")
    args = parser.parse_args()
    keep_freed_memory()  # as where it trains
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.parts:
        time_parts(args.batch, args.rounds)
        return
    for bf16 in (True, False):
        precision = "bf16" if bf16 else "f32"
        if args.layers:
            for kernel, stride, channels, side, depthwise in LAYERS:
                groups = channels if depthwise else 1
                conv = nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=groups)
                plain = nn.Sequential(conv).to(memory_format=torch.channels_last)
                pair = plain, lowering.lower_convolutions(copy.deepcopy(plain))
                steps = [layer_pass(m, channels, side, bf16) for m in pair]
                before, after = (s * 1e3 for s in best_seconds(steps, args.rounds, 3))
                kind = "depthwise" if depthwise else "dense"
                print(
                    f"{precision:4} {kind:9} {kernel}x{kernel}/{stride} {channels:4} channels "
                    f"{side:2}px {before:7.2f} -> {after:6.2f} ms  {before / after:5.1f}x"
                )
            continue
        for name in args.models:
            size = args.size or MODELS.get(name, 32)
            plain = build(name)
            pair = plain, lowering.lower_convolutions(copy.deepcopy(plain))
            steps = [stepper(m, size, args.batch, bf16) for m in pair]
            before, after = (args.batch / s for s in best_seconds(steps, args.rounds, 1))
            print(
                f"{precision:4} {name:20} {size:3}px {before:6.0f} -> {after:6.0f} images/s  "
                f"{after / before:5.1f}x",
                flush=True,
            )


if __name__ == "__main__":
    main()
