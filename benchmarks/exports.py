"""Which networks can be written as ONNX: ``python -m benchmarks.exports [MODEL ...]``.

Builds each network with random weights and ten classes, at the smallest of a few image sizes that
it takes, writes it as `sixteenth export --to onnx` does, and compares the logits on 20 images of
digits, by the rule of the export. Prints a row of a Markdown table for each; without names, of all
that need no code of the user and of some small ones of timm. Seconds are CPU seconds, which other
work on the machine does not lengthen; a network that takes more than ``--seconds`` of them is left,
and its row says so. How large logits are depends on the random weights: the difference is to be
read beside the largest logit.
"""

from __future__ import annotations

import argparse
import signal
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

SIZES = (32, 64, 96, 224, 240)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TIMM = tuple(
    f"timm/{name}"
    for name in (
        *("resnet10t", "mobilenetv3_small_050", "tinynet_e", "lcnet_050", "ghostnet_050"),
        *("convnext_atto", "edgenext_xx_small", "mobilevitv2_050", "tf_efficientnet_b0"),
        *("vit_tiny_patch16_224", "regnety_002", "repvgg_a0", "efficientvit_b0", "levit_128s"),
    )
)
HEAD = """| model | pixels | opset | MB | largest difference | largest logit | CPU seconds |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


class TooLong(BaseException):
    """No `Exception`: the export tries its other way after one."""


def build(name: str) -> tuple[ImageClassifier, int]:
    """A network at the smallest size that it takes, and that size."""
    torch.manual_seed(0)
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
    """Set the statistics of batch norms from digits and random pixels, the images that the export
    and this table compare on: with those of a network that has seen nothing, features vanish on the
    way, and any file would give the same logits; with those of digits alone, random pixels give
    logits of thousands, and so do their rounding errors."""
    size = model.image_size
    noise = np.random.default_rng(1).integers(0, 256, (20, size, size, 3), dtype=np.uint8)
    model.eval()  # no dropped branches
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.train().momentum = None  # a plain mean
    with torch.no_grad():
        model(torch.from_numpy(np.concatenate([digits(size), noise])))


def digits(size: int) -> NDArray[np.uint8]:
    """Test images of all classes, uint8 (20, size, size, 3)."""
    return onnx_file.spread(load_dataset("digits", image_size=size).test.images, 20)


def _stop(*_: object) -> None:
    raise TooLong


def row(name: str, limit: int) -> str:
    """The row of one network; of one that cannot be exported in `limit` seconds, why."""
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        model, size = build(name)
        began = time.process_time()
        content, found = onnx_file.to_onnx(model, name, {}, digits(size))
        seconds = time.process_time() - began
    except ModelError as error:
        return f"| {name} | {error} |"
    except TooLong:
        return f"| {name} | not finished in {limit} CPU seconds |"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    assert found is not None
    opset = onnx.load_from_string(content).opset_import[0].version
    return (
        f"| {name} | {size} | {opset} | {len(content) / 1e6:.1f} | {found.largest_difference:.1e} "
        f"| {found.largest_logit:.2g} | {seconds:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=[*model_names(), *OWN_FACTORIES, *TIMM])
    parser.add_argument("--seconds", type=int, default=900, help="of CPU, for each network")
    options = parser.parse_args()
    print(HEAD)
    for name in options.models:
        print(row(name, options.seconds), flush=True)


if __name__ == "__main__":
    main()
