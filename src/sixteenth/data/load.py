"""Load a dataset by name or path: find its layout, then use the cached copy or decode the images.

A new layout is a module with a function that takes a path and returns a `Found` or None, and a line
in `_find_path`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..messages import looked_for, nearest
from ..spec import RunSpec, StudySpec
from ..spec.fields import NAMED_DATA, Interpolation
from ..spec.hub_address import parse_address
from ..spec.work import WorkCallback
from ..storage.run_facts import Understood
from . import cache
from .broken import refuse_broken
from .checks import examine
from .dataset import ImageDataset
from .layouts.arrays import find_digits, find_npz
from .layouts.folder import find_folder
from .layouts.hub import find_hub
from .layouts.named import CIFARS, find_cifar_copy, find_named_cifar
from .layouts.parquet import find_parquet
from .layouts.table import ENDINGS
from .pixel_store import PixelStore
from .source import Content, Found, Options, check_content

_ACCEPTED = (
    f"data are {', '.join(NAMED_DATA)}, hf://OWNER/NAME, or the path of a folder with train/CLASS/ "
    f"and test/CLASS/ images, of a folder with CLASS/ images or with images and metadata.csv, of a "
    f"folder with "
    f"train*.parquet and test*.parquet, or of an .npz file with x_train, y_train, x_test, y_test"
)

MAX_LEFT_OUT = 100
"""Lines on what was left out that a record keeps, broken images included."""

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".7z", ".rar")


def load_dataset(
    source: str | Path,
    *,
    image_size: int,
    interpolation: Interpolation = "bilinear",
    data_dir: str | Path | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    train_folder: Sequence[str] = (),
    test_folder: Sequence[str] = (),
    exclude: Sequence[str] = (),
    test_fraction: float = 0.2,
    split_seed: int = 0,
    skip_broken: bool = False,
    cifar_archive: str | Path | None = None,
    progress: WorkCallback | None = None,
) -> ImageDataset:
    """The decoded dataset of a name or path; all images are `image_size` x `image_size` pixels.

    Decoded images are cached in `data_dir`, and used again while the source files keep their paths,
    sizes and modification times.

    Args:
        source: cifar10, cifar100, digits, hf://OWNER/NAME, or a path. A name takes precedence over
            a folder of the same name.
        image_size: height and width to resize every image to, in pixels.
        interpolation: by which they are resized, antialiased.
        data_dir: folder for downloads and decoded images; by default the user's cache folder.
        image_column, label_column: columns of a Parquet folder or of a table beside images, if
            several are possible.
        train_folder, test_folder: folders in a folder of images whose subfolders are classes.
        exclude: patterns of what is left out of a folder of images or Parquet files.
        test_fraction: share of the images, in [0, 1), to use as the test split, stratified by
            class, if the data have none.
        split_seed: draws these images.
        skip_broken: leave out images that cannot be decoded, instead of raising an error.
        cifar_archive: the archive of CIFAR-10 or CIFAR-100, a file or an http(s) address, instead
            of a download from its usual addresses.
        progress: told how much is downloaded and decoded.

    Raises:
        DataError: there is no such source, or its images or labels cannot be used.
    """
    home = Path(data_dir).expanduser() if data_dir is not None else cache.default_data_dir()
    options = Options(
        home,
        image_column,
        label_column,
        test_fraction,
        split_seed,
        exclude=tuple(exclude),
        train_folders=tuple(train_folder),
        test_folders=tuple(test_folder),
        cifar_archive=None if cifar_archive is None else str(cifar_archive),
        progress=progress,
    )
    if cifar_archive is not None and str(source) not in CIFARS:
        raise DataError(f"--cifar-archive is for {' and '.join(CIFARS)}, not for {source}")
    found = _find(str(source), options)
    if "label_column" not in found.identity and (image_column or label_column):
        raise DataError(
            f"{source} has no columns: --image-column and --label-column are for Parquet and for "
            "tables beside images, such as metadata.csv"
        )
    if exclude and "exclude" not in found.identity:
        raise DataError(f"{source} is no folder of images or Parquet files: exclude is for those")
    if (train_folder or test_folder) and "train_folders" not in found.identity:
        raise DataError(
            f"{source} is no folder of images: train_folder and test_folder are for those"
        )
    folder = cache.cache_folder(home, found, image_size, interpolation)
    cached = cache.load_cached(folder, found.stamp) if found.cached else None
    kept = folder if found.cached else None
    with PixelStore(image_size, progress, kept, interpolation) as target:
        content = cached[0] if cached else found.read(target)
        if not skip_broken:
            way_out = ", or leave them out with --skip-broken"
            listing = home / "broken" / f"{folder.name}.txt"
            refuse_broken(content.broken, content.total, way_out, listing)
        if cached:
            content, digest, checks = cached
        else:
            check_content(content, str(source))
            digest, checks = cache.fingerprint(content), examine(content)
            if found.cached:
                content = cache.store_cached(folder, found.stamp, content, digest, checks)
    return ImageDataset(
        name=found.name,
        source=found.source or str(source),
        classes=content.classes,
        train=content.train,
        test=content.test,
        fingerprint=digest,
        symbols=found.symbols,
        checks=checks,
        understood=_understood(found, content),
        interpolation=interpolation,
        cache_dir=home,
    )


def options_of(spec: StudySpec | RunSpec) -> dict[str, Any]:
    """The arguments of `load_dataset` that a study file and its runs say, but the source."""
    return {
        "image_size": spec.image_size,
        "image_column": spec.image_column,
        "label_column": spec.label_column,
        "train_folder": spec.train_folder,
        "test_folder": spec.test_folder,
        "exclude": spec.exclude,
        "test_fraction": spec.test_fraction,
        "split_seed": spec.split_seed,
    }


def _understood(found: Found, content: Content) -> Understood:
    """What the source was taken for; the language makes sentences of it (`Language.understood`)."""
    labels = np.concatenate([content.train.labels, content.test.labels])
    counts = np.bincount(labels, minlength=len(content.classes)).tolist()
    broken = [f"{one.name} cannot be read: {one.reason}" for one in content.broken]
    left_out = [*found.beside, *content.left_out, *broken]
    if (more := len(left_out) - MAX_LEFT_OUT) > 0:
        left_out[MAX_LEFT_OUT:] = [f"and {more} more"]
    return Understood(
        layout=found.layout,
        classes=content.classes,
        train_images=len(content.train),
        test_images=len(content.test),
        validation_images=content.validation_images,
        per_class=dict(zip(content.classes, counts, strict=True)),
        left_out=tuple(left_out),
        notes=content.notes,
    )


def _find(source: str, options: Options) -> Found:
    """Find the layout of `source`, a name or a path."""
    if source in CIFARS:
        return find_named_cifar(source, options)
    if source == "digits":
        return find_digits(options)
    if address := parse_address(source):
        return find_hub(address, options)
    try:
        path = Path(source).expanduser()
        if path.exists():
            return _find_path(path, options)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"cannot read the data {source!r}: {reason}") from None
    if page := re.match(r"https?://[^/]+/datasets/([^/]+/[^/?#]+)", source):
        raise DataError(
            f"there are no data {source!r}: of a data set of the Hugging Face Hub give its name, "
            f"hf://{page[1]}"
        )
    where = looked_for(source)
    raise DataError(
        f"there are no data {source!r}{where}{_suggest(source, path) or f': {_ACCEPTED}'}"
    )


def _find_path(path: Path, options: Options) -> Found:
    if path.is_dir():
        found = find_parquet(path, options) or find_cifar_copy(path) or find_folder(path, options)
        if found is not None:
            return found
        names = sorted(entry.name for entry in path.iterdir())
        inside = ", ".join(names[:8]) or "nothing"
        packed = next((name for name in names if name.lower().endswith(_ARCHIVES)), None)
        way_out = _ACCEPTED if packed is None else f"unpack {packed} there first"
        raise DataError(f"no images found in {path} (it has {inside}): {way_out}")
    if path.suffix.lower() == ".npz":
        return find_npz(path, options)
    if path.suffix.lower() == ".parquet":
        raise DataError(
            f"{path} is one file: give the folder with train*.parquet and test*.parquet"
        )
    if path.name.lower().endswith(_ARCHIVES):
        raise DataError(f"{path} is an archive: unpack it, and give the folder")
    if path.suffix.lower() in ENDINGS:
        raise DataError(f"{path} is a table: give the folder that holds it and the images")
    raise DataError(f"{path} is no kind of data that is known: {_ACCEPTED}")


def _suggest(source: str, path: Path) -> str:
    """A hint at names similar to `source`, or at similar files; empty if there are none."""
    close = nearest(source, NAMED_DATA)
    if close or not path.parent.is_dir():
        return close
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()], most=1)
