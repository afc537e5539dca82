"""Each way to compute a part of a dense convolution gives what torch's own call does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from gradients import assert_same, images, results
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from sixteenth.engine.cpu import convolution as lowering
from sixteenth.engine.cpu.dense import PRODUCTS, Dense, Ways
from sixteenth.engine.cpu.geometry import residues_of, spans_of
from sixteenth.engine.padding import axis_of, is_symmetric

TOLERANCE = {torch.float64: 1e-10, torch.float32: 2e-4}
BACKEND = Ways("backend", "backend", "backend")
BESIDE = Ways("backend", "backend", "beside")


def gradients(
    ways: Ways | None, x: Tensor, weight: Tensor, stride: tuple[int, int], padding: int
) -> list[Tensor]:
    """Output, input gradient and weight gradient; by torch's own call where `ways` is None."""
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    if ways is None:
        y = nn.functional.conv2d(x, weight, None, stride, padding)
    else:
        rows, cols = (
            axis_of(x.shape[2 + i], weight.shape[2 + i], stride[i], padding, padding)
            for i in (0, 1)
        )
        y = Dense.apply(x, weight, rows, cols, ways)
    y.backward(torch.linspace(-1, 1, y.numel(), dtype=x.dtype).view(y.shape).sin())
    assert x.grad is not None
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()  # or the optimiser would have to copy
    return [y.detach(), x.grad, weight.grad]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("ways", [PRODUCTS, BACKEND], ids=["products", "backend"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 3), (1, 2)], ids=str)
@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (2, 0), (3, 1), (3, 0), (5, 2), (7, 3)])
def test_output_and_gradients_are_those_of_the_ordinary_convolution(
    kernel: int, padding: int, stride: tuple[int, int], ways: Ways, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 6, kernel, kernel, dtype=dtype).to(memory_format=torch.channels_last)
    for shape in ((1, 1), (2, 2), (3, 5), (4, 4), (7, 7)):
        if min(shape) + 2 * padding < kernel:
            continue
        axes = [axis_of(size, kernel, stride[i], padding, padding) for i, size in enumerate(shape)]
        if ways is BACKEND and not all(axis is not None and is_symmetric(axis) for axis in axes):
            continue
        x = torch.randn(3, 6, *shape, dtype=dtype).to(memory_format=torch.channels_last)
        found, wanted = (gradients(each, x, weight, stride, padding) for each in (ways, None))
        assert_same(found, wanted, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("shape", [(5, 5), (7, 7), (5, 7), (2, 3)], ids=str)
@pytest.mark.parametrize("count", [4, 5, 12])  # all beside each other are 5
def test_maps_side_by_side_give_the_gradients_of_the_ordinary_convolution(
    count: int, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 6, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    x = torch.randn(count, 6, *shape, dtype=dtype).to(memory_format=torch.channels_last)
    found, wanted = (gradients(each, x, weight, (1, 1), 1) for each in (BESIDE, None))
    assert_same(found, wanted, TOLERANCE[dtype])


class Multiplications(TorchDispatchMode):
    """Counts the multiplications of all matrix products."""

    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten.mm.default:
            self.total += args[0].shape[0] * args[0].shape[1] * args[1].shape[1]
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("side", "stride", "used"),
    [(1, 1, 1), (2, 1, 16), (2, 2, 4), (3, 1, 49), (4, 1, 100), (4, 2, 25)],
)
def test_products_multiply_nothing_with_padding(side: int, stride: int, used: int) -> None:
    """`used` pairs of an output and an element of a padded 3x3 kernel read the map, in each."""
    n, inputs, outputs = 2, 6, 8
    axis = axis_of(side, 3, stride, 1, 1)
    x = images(side, torch.float32, channels=inputs, batch=n).requires_grad_()
    weight = torch.randn(outputs, inputs, 3, 3).requires_grad_()
    with Multiplications() as forward:
        y = Dense.apply(x, weight, axis, axis, PRODUCTS)
    with Multiplications() as backward:
        y.sum().backward()
    assert forward.total == n * inputs * outputs * used
    assert backward.total == 2 * forward.total


def test_spans_and_residues_hold_each_output_and_each_input_that_is_read_once() -> None:
    for axis in every_axis():
        outputs = [o for span in spans_of(axis) for o in range(*span.outputs.indices(axis.out))]
        assert outputs == sorted(set(outputs))
        read = {
            o * axis.stride + k - axis.low for o in range(axis.out) for k in range(axis.kernel)
        } & set(range(axis.size))
        reached = [
            part.first + axis.stride * i for part in residues_of(axis) for i in range(part.axis.out)
        ]
        assert len(reached) == len(set(reached))
        assert all(spans_of(part.axis) for part in residues_of(axis))
        assert read <= set(reached)


def every_axis() -> Iterator[Any]:
    for size in range(1, 9):
        for kernel in range(1, 6):
            for stride in (1, 2, 3):
                for low in range(kernel):
                    for high in {low, max(low - 1, 0)}:
                        axis = axis_of(size, kernel, stride, low, high)
                        if axis is not None:
                            yield axis


@pytest.mark.parametrize("amx", [False, True], ids=["no AMX", "AMX"])
@pytest.mark.parametrize(
    ("channels", "size", "stride", "padding", "dtype", "without", "with_it"),
    [
        (64, 2, 1, 1, torch.bfloat16, PRODUCTS, PRODUCTS),
        (64, 2, 1, 1, torch.float32, PRODUCTS, PRODUCTS),
        (64, 3, 1, 1, torch.bfloat16, "mixed", PRODUCTS),
        (64, 4, 1, 1, torch.bfloat16, None, PRODUCTS),
        (256, 4, 1, 1, torch.bfloat16, "mixed", PRODUCTS),
        (64, 8, 2, 1, torch.bfloat16, "mixed", PRODUCTS),
        (128, 5, 1, 1, torch.bfloat16, None, BESIDE),
        (256, 8, 1, 1, torch.bfloat16, None, BESIDE),
        (256, 9, 1, 1, torch.bfloat16, None, None),
        (256, 14, 2, 1, torch.bfloat16, None, None),
        (96, 7, 1, 1, torch.bfloat16, None, None),
        (256, 7, 1, 1, torch.float32, None, None),
        (128, 8, 1, 0, torch.bfloat16, "mixed", None),
        (64, 8, 1, 0, torch.bfloat16, None, None),
        (256, 9, 1, 0, torch.bfloat16, None, None),
        (128, 8, 1, 0, torch.float32, None, None),
    ],
)
def test_each_part_is_computed_in_the_way_that_was_measured_to_be_fastest(
    monkeypatch: pytest.MonkeyPatch,
    channels: int,
    size: int,
    stride: int,
    padding: int,
    dtype: torch.dtype,
    without: Any,
    with_it: Any,
    amx: bool,
) -> None:
    monkeypatch.setattr(lowering, "_has_amx", lambda: amx)
    taken: list[Ways] = []

    class Spy:
        @staticmethod
        def apply(x: Tensor, weight: Tensor, rows: Any, cols: Any, ways: Ways) -> Tensor:
            taken.append(ways)
            return Dense.apply(x, weight, rows, cols, ways)

    monkeypatch.setattr(lowering, "Dense", Spy)
    torch.manual_seed(0)
    conv = nn.Conv2d(channels, 256, 3, stride, padding, bias=False)
    conv = conv.to(memory_format=torch.channels_last)
    x = images(size, torch.float32, channels=channels)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
        ordinary = results(conv, x)
        lowering.lower_convolutions(nn.Sequential(conv))
        got, again = results(conv, x), results(conv, x)
    wanted = with_it if amx else without
    if wanted == "mixed":
        wanted = Ways("backend", "backend", "products")
    assert taken == ([wanted] * 2 if wanted else [])
    assert all(torch.equal(a, b) for a, b in zip(got, again, strict=True))
    for mine, theirs in zip(got, ordinary, strict=True):
        assert (mine - theirs).norm() < 6e-3 * theirs.norm()
