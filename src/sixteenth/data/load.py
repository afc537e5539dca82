"""Load a dataset by name or path: find its layout, then use the cached copy or decode the images.

A new layout is a module with a function that takes a path and returns a `Found` or None, and a line
in `_find_path`.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError, nearest
from ..spec.fields import NAMED_DATA
from . import cache
from .checks import examine
from .dataset import ImageDataset
from .decode import ProgressCallback, refuse_broken
from .layouts.arrays import find_digits, find_npz
from .layouts.folder import find_folder
from .layouts.named import CIFARS, find_cifar_copy, find_named_cifar
from .layouts.parquet import find_parquet
from .source import Found, Options, check_content

_ACCEPTED = (
    f"data are {', '.join(NAMED_DATA)}, or the path of a folder with train/CLASS/ and test/CLASS/ "
    f"images, of a folder with CLASS/ images, of a folder with train*.parquet and test*.parquet, "
    f"or of an .npz file with x_train, y_train, x_test, y_test"
)


def load_dataset(
    source: str | Path,
    *,
    image_size: int,
    data_dir: str | Path | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    skip_broken: bool = False,
    progress: ProgressCallback | None = None,
) -> ImageDataset:
    """The decoded dataset of a name or path; all images are `image_size` x `image_size` pixels.

    Decoded images are cached in `data_dir`, and used again while the source files keep their paths,
    sizes and modification times.

    Args:
        source: cifar10, cifar100, digits, or a path. A name takes precedence over a folder of the
            same name.
        image_size: height and width to resize every image to, in pixels.
        data_dir: folder for downloads and decoded images; by default the user's cache folder.
        image_column, label_column: columns of a Parquet folder, if several are possible.
        test_fraction: share of the images, in [0, 1), to use as the test split, stratified by
            class, if the data have none.
        split_seed: draws these images.
        skip_broken: leave out images that cannot be decoded, instead of raising an error.
        progress: called with (name of the task, done, total) while images are decoded.

    Raises:
        DataError: there is no such source, or its images or labels cannot be used.
    """
    if image_size < 1:
        raise ValueError(f"image_size is at least 1, not {image_size}")
    home = Path(data_dir).expanduser() if data_dir is not None else cache.default_data_dir()
    options = Options(home, image_column, label_column, test_fraction, split_seed)
    found = _find(str(source), options)
    if found.identity.get("layout") != "parquet" and (image_column or label_column):
        raise DataError(
            f"{source} has no columns: --image-column and --label-column are for Parquet"
        )
    folder = cache.cache_folder(home, found, image_size)
    cached = cache.load_cached(folder, found.stamp) if found.cached else None
    content = cached[0] if cached else found.read(image_size, progress)
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
            cache.store_cached(folder, found.stamp, content, digest, checks)
    return ImageDataset(
        name=found.name,
        source=str(source),
        classes=content.classes,
        train=content.train,
        test=content.test,
        fingerprint=digest,
        symbols=found.symbols,
        checks=checks,
        cache_dir=home,
    )


def _find(source: str, options: Options) -> Found:
    """Find the layout of `source`, a name or a path."""
    if source in CIFARS:
        return find_named_cifar(source, options)
    if source == "digits":
        return find_digits(options)
    try:
        path = Path(source).expanduser()
        if path.exists():
            return _find_path(path, options)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"cannot read the data {source!r}: {reason}") from None
    raise DataError(f"there are no data {source!r}{_suggest(source, path) or f': {_ACCEPTED}'}")


def _find_path(path: Path, options: Options) -> Found:
    if path.is_dir():
        found = find_parquet(path, options) or find_cifar_copy(path) or find_folder(path, options)
        if found is not None:
            return found
        inside = ", ".join(sorted(entry.name for entry in path.iterdir())[:8])
        raise DataError(f"no images found in {path} (it has {inside or 'nothing'}): {_ACCEPTED}")
    if path.suffix.lower() == ".npz":
        return find_npz(path, options)
    if path.suffix.lower() == ".parquet":
        raise DataError(
            f"{path} is one file: give the folder with train*.parquet and test*.parquet"
        )
    raise DataError(f"{path} is no kind of data that is known: {_ACCEPTED}")


def _suggest(source: str, path: Path) -> str:
    """A hint at names similar to `source`, or at similar files; empty if there are none."""
    close = nearest(source, NAMED_DATA)
    if close or not path.parent.is_dir():
        return close
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()], most=1)
