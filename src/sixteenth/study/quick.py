"""`sixteenth quick`: an ordinary study of frozen features, with what suits the data and machine.

The preset `quick` says what is trained. Chosen here, unless set by the user, are

- the networks: EfficientNet-Lite0 and Lite2 where the extra ``lite`` is installed, else ResNet-18
  and ResNet-50 with torchvision's weights where these are cached or can be downloaded;
- the size of the images: as large as a pass over all of them allows in minutes, since features of
  networks that were pretrained at 224 pixels are better at larger sizes;
- the sizes of the training sets: halves of halves, down to a few images of each class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..data import ImageDataset, draw_subset
from ..errors import DataError, InputError, ModelError, WeightsError
from ..extras import install_command
from ..models import OWN_FACTORIES, find_weights
from ..spec import StudySpec, TrainFraction, load_spec
from ..spec.fields import NAMED_DATA
from ..spec.hub_address import parse_address
from ..spec.specs import slug
from ..spec.yaml import quote
from .listener import Listener
from .study import Study

PIXELS = 60_000 * 64**2
"""In all images together: what two networks pass through in minutes on two cores."""
IMAGE_SIZES = (224, 192, 160, 128, 96)

MOST_SIZES, FEWEST_SIZES = 8, 6
BETWEEN = Fraction(3, 4)
"""Where halves of halves give fewer than `FEWEST_SIZES`, three quarters of them lie between."""
PER_CLASS = 2
"""Images of each class, on average, in the smallest training set."""


def quick_study(
    data: str,
    settings: Sequence[str] = (),
    folder: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    cifar_archive: str | None = None,
    fresh: bool = False,
    language: str | None = None,
    listener: Listener | None = None,
) -> Study:
    """The study that `sixteenth quick` runs on `data`, a name or a path.

    Args:
        settings: ``KEY=VALUE`` of the study file; they replace what is chosen here.
        folder: by default ``studies/quick-DATA``.
        data_dir, cifar_archive: as of `Study`.
        fresh, language: as of `Study`.

    Raises:
        InputError: there is no pretrained network here, or the data cannot be used.
    """
    given = {setting.partition("=")[0].strip() for setting in settings}
    on_hub = parse_address(data)
    title = on_hub.name if on_hub else data if data in NAMED_DATA else Path(data).resolve().name
    name = f"quick-{slug(title) or 'data'}"
    spec = load_spec("quick", [f"data={quote(data)}", f"name={quote(name)}", *settings])
    changes: dict[str, object] = {}
    if "models" not in given:
        changes["models"] = pretrained_pair()
        spec = spec.model_copy(update=changes)
    given_to: dict[str, Any] = {
        "data_dir": data_dir,
        "cifar_archive": cifar_archive,
        "language": language,
    }
    study = Study(spec, folder, fresh=fresh, **given_to)
    folder, dataset = study.folder, study.dataset(listener)
    if "image_size" not in given:
        changes["image_size"] = _image_size(data, dataset, spec.image_size)
    if "fractions" not in given:
        noticed = (listener or Listener()).noticed
        changes["fractions"] = learning_curve_fractions(dataset, noticed)
    # Not the keys that nobody set: in the folder of an older study they are what they were there.
    chosen = StudySpec.model_validate(spec.model_dump(mode="json", exclude_unset=True) | changes)
    if chosen.image_size == spec.image_size:
        return Study(chosen, folder, dataset=dataset, **given_to)
    study = Study(chosen, folder, **given_to)
    study.dataset(_Progress(listener or Listener()))
    return study


class _Progress(Listener):
    """Passes on what is being done; what is odd about the images was told already."""

    def __init__(self, listener: Listener) -> None:
        self.working = listener.working  # type: ignore[method-assign]


def pretrained_pair() -> list[str]:
    """A small and a big network with ImageNet weights that are here or can be downloaded.

    Raises:
        InputError: what to install.
    """
    try:
        for name in OWN_FACTORIES:
            find_weights(name, "imagenet")
    except (ModelError, WeightsError):
        pass
    else:
        return list(OWN_FACTORIES)
    pair = ["resnet18", "resnet50"]
    try:
        for name in pair:
            find_weights(name, "imagenet")
    except WeightsError as error:
        raise InputError(
            f"quick needs pretrained networks: {install_command('lite')} brings some. "
            f"torchvision's cannot be had: {error}"
        ) from None
    return pair


def learning_curve_fractions(
    dataset: ImageDataset, noticed: Callable[[str], None] = lambda what: None
) -> list[str]:
    """Shares of the training images for a learning curve, the smallest first.

    Halves of halves, at most `MOST_SIZES`, of which the smallest has `PER_CLASS` images a class and
    one of every class; where that gives fewer than `FEWEST_SIZES`, sizes between them.

    Args:
        noticed: called with the class that is too rare for smaller sizes.

    Raises:
        DataError: there are too few images for three sizes, or too few of a class.
    """
    halves = [Fraction(1, 2**power) for power in range(MOST_SIZES)]
    halves = [share for share in halves if _is_enough(share, dataset)]
    shares = [share for share in halves if not _lacks_a_class(share, dataset)]
    rare = ""
    if len(shares) < len(halves):
        why = _lacks_a_class(halves[len(shares)], dataset)
        rare = f"{why}; label more of it, or leave it out of a folder of images with exclude"
    for share in [share * BETWEEN for share in shares]:
        enough = _is_enough(share, dataset) and not _lacks_a_class(share, dataset)
        if enough and len(shares) < FEWEST_SIZES:
            shares.append(share)
    if len(shares) < 3 and rare:
        raise DataError(f"{dataset.source}: no learning curve of three sizes: {rare}")
    if len(shares) < 3:
        raise DataError(
            f"{dataset.source} has {len(dataset.train)} training images in {len(dataset.classes)} "
            "classes, which is too few for a learning curve of three sizes: label more"
        )
    if rare:
        noticed(f"no training set is smaller than {min(shares)} of the images: {rare}")
    return [str(share) for share in sorted(shares)]


def _is_enough(share: Fraction, dataset: ImageDataset) -> bool:
    classes = len(dataset.classes)
    return TrainFraction(share=share).size(len(dataset.train), classes) >= PER_CLASS * classes


def _lacks_a_class(share: Fraction, dataset: ImageDataset) -> str:
    """Why a share of the images would have none of a class, which is named; else empty."""
    try:
        draw_subset(
            dataset.train.labels, TrainFraction(share=share), seed=0, classes=dataset.classes
        )
    except DataError as error:
        return str(error)
    return ""


def _image_size(data: str, dataset: ImageDataset, smallest: int) -> int:
    """The largest size at which all images have `PIXELS`; the named data sets have small images."""
    images = len(dataset.train) + len(dataset.test)
    fitting = [size for size in IMAGE_SIZES if images * size**2 <= PIXELS]
    return smallest if data in NAMED_DATA or not fitting else fitting[0]
