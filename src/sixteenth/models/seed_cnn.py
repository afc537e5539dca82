"""The baseline network, which the best model of a study should beat.

Four convolutions and three linear layers, as in the study that Sixteenth started from, with 91%
test accuracy on CIFAR-10. It must not change, so that results stay comparable.
"""

from __future__ import annotations

from torch import nn

from ..errors import ModelError


def seed_cnn(num_classes: int, image_size: int) -> nn.Sequential:
    """The baseline network for square images of `image_size` pixels.

    Convolutions keep the size ("same" padding) and two max-pools halve it, so the flattened map
    has 256 * (image_size / 4)**2 values: 256 * 8 * 8 at 32 pixels.

    Weights are normal with variance 2 / fan-in (He et al. 2015, arXiv 1502.01852), in the last
    layer, which no ReLU follows, 1 / fan-in. Biases are zero.

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
    # Padding as a number instead of "same": the result is equal, and other code (engine.cpu) can
    # read it from the module.
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
