"""The work-arounds for wrong gradients: only where torch has the fault, and right there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from sixteenth.engine import gradient_fault
from sixteenth.engine.execution import Execution
from sixteenth.engine.gradient_fault import correct_gradients, has_fault, has_pooling_fault
from sixteenth.engine.padding import axis_of, used_part

BF16 = Execution("cpu", "bfloat16", "channels-last", 1)


class Torch(TorchDispatchMode):
    """torch whose bfloat16 convolutions give unused kernel elements a certain gradient."""

    def __init__(self, unused: float) -> None:
        super().__init__()
        self.unused = unused

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution_backward.default and found[1] is not None:
            maps, weight, stride, padding = args[1], args[2], args[4], args[5]
            rows, cols = (
                axis_of(maps.shape[2 + i], weight.shape[2 + i], stride[i], padding[i], padding[i])
                for i in (0, 1)
            )
            if maps.dtype is torch.bfloat16 and rows and cols:
                full = torch.full_like(found[1], self.unused)
                used_part(full, rows, cols).copy_(used_part(found[1], rows, cols))
                found[1].copy_(full)
        return found


@pytest.fixture(autouse=True)
def _tried_anew() -> Iterator[None]:
    has_fault.cache_clear()
    yield
    has_fault.cache_clear()


def gradients(conv: nn.Conv2d, x: Tensor, execution: Execution = BF16) -> list[Tensor]:
    """Output, input gradient and weight gradient, as a training step computes them."""
    conv.weight.grad, x = None, x.detach().clone().requires_grad_()
    with execution.autocast(), correct_gradients(execution):
        y = conv(x)
    ones = torch.ones_like(y)
    leave_garbage(conv)
    y.backward(ones)
    assert x.grad is not None
    assert conv.weight.grad is not None
    return [y.detach(), x.grad, conv.weight.grad]


def leave_garbage(module: nn.Module) -> None:
    """Fill memory of the sizes of the gradients to come with NaN, and free it."""
    for parameter in module.parameters():
        for width in (2, 4):
            for more in (0, 64, 256, 1024, 4096):
                count = (parameter.numel() * width + more) // 4 + 1
                junk = [torch.full((count,), math.nan) for _ in range(24)]
                del junk


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format], ids=str)
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("torch_is", ["faulty", "as it is"])
def test_no_gradient_in_bf16_is_memory_that_nothing_was_written_to(
    torch_is: str, groups: int, layout: torch.memory_format
) -> None:
    conv = nn.Conv2d(64, 64, 3, 2, padding=1, groups=groups, bias=False).to(memory_format=layout)
    for seed in range(6):
        torch.manual_seed(seed)
        x = torch.randn(4, 64, 1, 1).to(memory_format=layout).requires_grad_()
        in_float32 = nn.functional.conv2d(x, conv.weight, None, 2, 1, 1, groups).sum()
        (expected,) = torch.autograd.grad(in_float32, conv.weight)
        if torch_is == "faulty":
            with Torch(unused=math.nan):
                found = gradients(conv, x)
            assert has_fault()
        else:
            found = gradients(conv, x)
        torch.testing.assert_close(found[2], expected, rtol=2e-2, atol=2e-2)
    assert type(conv) is nn.Conv2d


def test_where_torch_is_right_nothing_is_done() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 64, 3, 2, padding=1, bias=False)
    x = torch.randn(4, 64, 2, 2)
    calls = []
    with Torch(unused=0.0):
        assert not has_fault()
        with correct_gradients(BF16):
            calls = torch.overrides._get_current_function_mode_stack()  # type: ignore[attr-defined]
            output = conv(x)
        assert torch.equal(output, conv(x))
    assert calls == []


def test_the_fault_is_one_of_bfloat16_on_a_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_fault, "has_pooling_fault", lambda device: False)
    with Torch(unused=math.nan):
        assert has_fault()
    for execution in (
        Execution("cpu", "float32", "channels-last", 1),
        Execution("cuda", "bfloat16", "channels-last", 1),
    ):
        with correct_gradients(execution):
            assert torch.overrides._get_current_function_mode_stack() == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Conv2d(8, 8, 5, stride=2, padding=2),
        nn.Conv2d(8, 8, (1, 3), padding=(0, 1), groups=8),
        nn.Conv2d(8, 8, 3, padding="same"),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2),
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
    ],
    ids=str,
)
def test_the_work_around_computes_the_same_convolutions(conv: nn.Conv2d) -> None:
    for size in (1, 2, 4, 9):
        if conv.padding_mode == "reflect" and size == 1:
            continue
        x = torch.randn(3, 8, size, size)
        expected = conv(x)
        with Torch(unused=math.nan), correct_gradients(BF16):
            found = conv(x)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


class Pooling(TorchDispatchMode):
    """torch whose average pooling gives channels-last maps the gradients of other pixels."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.avg_pool2d_backward.default and any(args[4]):
            _, channels, _, width = args[1].shape
            if args[1].stride()[1] == 1 and args[1].stride()[3] == channels and width > 1:
                return found.roll((1, 1), (2, 3))
        return found


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Execution:
    """An execution on CUDA, for which the fault of pooling is looked for on the CPU."""
    has_pooling_fault.cache_clear()
    monkeypatch.setattr(gradient_fault, "has_pooling_fault", lambda _: has_pooling_fault("cpu"))
    return Execution("cuda", "float32", "channels-last", 1)


@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(3, 1, 1),
        nn.AvgPool2d(2, 2, (0, 1), ceil_mode=True, count_include_pad=False),
        nn.AvgPool2d(3, padding=1, divisor_override=4),
        nn.AvgPool2d(2),
    ],
    ids=str,
)
def test_padded_pooling_has_right_gradients_where_torch_has_wrong_ones(
    pool: nn.Module, cuda: Execution
) -> None:
    x = torch.randn(2, 3, 6, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    expected = pool(x)
    (right,) = torch.autograd.grad((expected**2).sum(), x)
    with Pooling():
        (wrong,) = torch.autograd.grad((pool(x) ** 2).sum(), x)
        assert torch.equal(wrong, right) == (pool.padding == 0)
        with correct_gradients(cuda):
            output = pool(x)
        (found,) = torch.autograd.grad((output**2).sum(), x)
    assert torch.equal(output, expected)
    torch.testing.assert_close(found, right)
    assert output.is_contiguous(memory_format=torch.channels_last)


def test_pooling_is_left_as_it_is_where_torch_is_right(cuda: Execution) -> None:
    with correct_gradients(cuda):
        assert torch.overrides._get_current_function_mode_stack() == []  # type: ignore[attr-defined]
    assert not has_pooling_fault("cpu")
