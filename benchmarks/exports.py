"""Which networks can be written as ONNX: ``python -m benchmarks.exports [MODEL ...]``.

Builds each network with random weights and ten classes, at the smallest of a few image sizes that
it takes, writes it as `sixteenth export --to onnx` does, and compares the logits on 20 images of
digits. Prints a row of a Markdown table for each; without names, of all that need no code of the
user (about an hour on one core). How large logits are depends on the random weights: the difference
is to be read beside the largest logit.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from sixteenth.data import load_dataset
from sixteenth.engine.inference import ImageClassifier
from sixteenth.errors import ModelError
from sixteenth.models import OWN_FACTORIES, build_model, model_names
from sixteenth.study.export import onnx_file

SIZES = (32, 64, 96, 224)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HEAD = """| model | pixels | opset | MB | largest difference | largest logit | seconds |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def build(name: str) -> tuple[ImageClassifier, int]:
    """A network at the smallest size that it takes, and that size."""
    for size in SIZES:
        try:
            network = build_model(name, 10, image_size=size)
        except ModelError:
            if size == SIZES[-1]:
                raise
            continue
        with torch.no_grad():
            for weight in network.parameters():
                if weight.ndim > 1 and not weight.any():  # heads of ViT: all logits would be zero
                    weight.normal_(std=0.02)
        classes = [str(digit) for digit in range(10)]
        model = ImageClassifier(network, *IMAGENET, classes, size)
        _measure_norms(model)
        return model.eval(), size
    raise AssertionError("SIZES is empty")


def _measure_norms(model: ImageClassifier) -> None:
    """Set the statistics of batch norms from digits: with those of a network that has seen nothing,
    features vanish on the way, and any file would give the same logits."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # a plain mean
    with torch.no_grad():
        model.train()(torch.from_numpy(digits(model.image_size)))


def digits(size: int) -> NDArray[np.uint8]:
    """Test images of all classes, uint8 (20, size, size, 3)."""
    return onnx_file.spread(load_dataset("digits", image_size=size).test.images, 20)


def row(name: str) -> str:
    """The row of one network; of one that cannot be exported, why."""
    try:
        model, size = build(name)
        began = time.perf_counter()
        content = onnx_file.to_onnx(model, name, {})
        seconds = time.perf_counter() - began
    except ModelError as error:
        return f"| {name} | {error} |"
    found = onnx_file.compare(
        digits(size), onnx_file.reference(model), onnx_file.onnx_runner(content)
    )
    opset = onnx.load_from_string(content).opset_import[0].version
    return (
        f"| {name} | {size} | {opset} | {len(content) / 1e6:.1f} | {found.largest_difference:.1e} "
        f"| {found.largest_logit:.2g} | {seconds:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=[*model_names(), *OWN_FACTORIES])
    print(HEAD)
    for name in parser.parse_args().models:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
