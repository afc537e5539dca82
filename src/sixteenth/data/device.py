"""Copies of tensors from the CPU to the device that computes (torch)."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device, as it is now; itself if it lies there.

    The caller may drop a source on the CPU at once. On CUDA the copy is queued: of pageable memory,
    as all tensors here have, CUDA takes a copy before the call returns. MPS reads the source itself
    later, when its memory may hold something else
    (https://github.com/pytorch/pytorch/issues/189690), so there the call waits for the copy.
    """
    return tensor.to(device, non_blocking=device.type == "cuda")
