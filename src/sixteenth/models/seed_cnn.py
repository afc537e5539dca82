"""The baseline network: the one that the best model of a study has to beat.

Four convolutions and three linear layers, as in the study that Sixteenth grew out of, where it got
91% on CIFAR-10's test images. Kept exactly as it was: do not improve it here.
"""

from __future__ import annotations

from torch import nn

from ..errors import ModelError


def seed_cnn(num_classes: int, image_size: int) -> nn.Sequential:
    """The baseline network for square images of `image_size` pixels.

    Convolutions keep the size ("same" padding) and two max-pools halve it, so the flattened map
    has 256 * (image_size / 4)**2 values: 256 * 8 * 8 at 32 pixels.

    Weights are drawn as He et al. (2015, arXiv:1502.01852) advise for ReLU, normal with variance
    2 / fan-in, biases are zero; the last layer, which no ReLU follows, gets variance 1 / fan-in.

    Raises:
        ModelError: `image_size` is not divisible by 4.
    """
    if image_size < 4 or image_size % 4:
        raise ModelError(
            f"seed-cnn halves images twice: image_size must be a multiple of 4, not {image_size}"
        )
    model = nn.Sequential(
        *_convolution(3, 128, kernel=5),
        *_convolution(128, 128, kernel=5),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.25),
        *_convolution(128, 256, kernel=3),
        *_convolution(256, 256, kernel=3),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.25),
        nn.Flatten(),
        *_linear(256 * (image_size // 4) ** 2, 1024),
        *_linear(1024, 512),
        nn.Linear(512, num_classes),
    )
    *hidden, last = (m for m in model if isinstance(m, nn.Conv2d | nn.Linear))
    for module in hidden:
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    for module in (*hidden, last):
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return model


def _convolution(inputs: int, outputs: int, *, kernel: int) -> list[nn.Module]:
    # Padding as a number, not as the word "same": the same values, but only with a number do other
    # tools (and engine.lowering) see it without knowing torch's rule for odd kernels.
    return [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _linear(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Linear(inputs, outputs),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
    ]
