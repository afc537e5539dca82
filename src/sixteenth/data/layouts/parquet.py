"""The Parquet layout of the Hugging Face Hub: train*.parquet and test*.parquet in one folder.

The image column has the type struct{bytes, path}, the label column an integer type. Class names
come from the `huggingface` metadata of the schema. The `datasets` library is not needed, and
nothing is downloaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, nearest, one_line
from ..decode import Encoded, ProgressCallback
from ..source import Content, Decoded, Found, Options, first_names, numbered_classes, stamp_files

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _Columns:
    image: str
    label: str
    names: tuple[str, ...] | None


def find_parquet(folder: Path, options: Options) -> Found | None:
    """The Parquet files in `folder`, in its `data/` or in its only subfolder with some; else None.

    Raises:
        DataError: a split or a shard is missing, or the columns are ambiguous.
    """
    home = _home(folder)
    if home is None:
        return None
    splits = {part: sorted(home.glob(f"{part}*.parquet")) for part in ("train", "test")}
    for part, files in splits.items():
        if not files:
            others = ", ".join(sorted(path.name for path in home.glob("*.parquet"))[:5])
            raise DataError(
                f"{home} has no {part}*.parquet (it has {others}): both train*.parquet and "
                f"test*.parquet are needed; a validation split is not taken for a test split"
            )
        _check_shards(files)
    files = [*splits["train"], *splits["test"]]
    columns = _columns(splits["train"][0], options)
    return Found(
        name=folder.resolve().name,
        layout="Parquet",
        identity={
            "layout": "parquet",
            "path": str(home.resolve()),
            "image_column": columns.image,
            "label_column": columns.label,
        },
        stamp=stamp_files(home, files),
        read=lambda size, progress: _read(splits, columns, size, progress),
    )


def _home(folder: Path) -> Path | None:
    """The folder with the Parquet files, None if there is none."""
    for candidate in (folder, folder / "data"):
        if any(candidate.glob("train*.parquet")) or any(candidate.glob("test*.parquet")):
            return candidate
    inside = sorted({path.parent for path in folder.glob("*/train*.parquet")})
    if len(inside) > 1:
        names = ", ".join(str(path) for path in inside[:5])
        raise DataError(f"{folder} holds several Parquet datasets: give one of {names}")
    return inside[0] if inside else None


def _check_shards(files: Sequence[Path]) -> None:
    """Raise an error if there is, for example, only the first of two shards."""
    names = {path.name for path in files}
    for path in files:
        shard = re.fullmatch(r"(.+)-(\d+)-of-(\d+)\.parquet", path.name)
        if not shard:
            continue
        stem, digits, count = shard[1], len(shard[2]), int(shard[3])
        # A count larger than the number of files fails at the latest at the next one.
        for number in range(min(count, len(files) + 1)):
            wanted = f"{stem}-{number:0{digits}d}-of-{shard[3]}.parquet"
            if wanted not in names:
                raise DataError(f"{path.parent} lacks the shard {wanted}: download it again")


def _columns(file: Path, options: Options) -> _Columns:
    """The image and the label column, and the class names if the file has them."""
    import pyarrow as pa

    with _open(file) as parquet:
        schema = parquet.schema_arrow
    features = _features(schema.metadata)

    def is_image(kind: Any) -> bool:
        return bool(pa.types.is_struct(kind)) and {"bytes", "path"} <= {f.name for f in kind}

    images = [field.name for field in schema if is_image(field.type)]
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    # If the file declares some integer columns as class labels, the others are no candidates.
    declared = [name for name in integers if _class_names(features, name) is not None]
    image = _choose(
        "image", "struct {bytes, path}", options.image_column, images, images, schema.names, file
    )
    label = _choose(
        "label", "integer", options.label_column, declared or integers, integers, schema.names, file
    )
    return _Columns(image, label, _class_names(features, label))


def _choose(
    role: str,
    kind: str,
    requested: str | None,
    candidates: list[str],
    allowed: list[str],
    columns: list[str],
    file: Path,
) -> str:
    """The requested column for `role`, or the only candidate."""
    if requested is not None:
        if requested in allowed:
            return requested
        if requested in columns:
            raise DataError(
                f"column {requested!r} of {file} is not of type {kind}; "
                f"{role} columns are: {', '.join(allowed) or 'none'}"
            )
        hint = nearest(requested, columns) or f"; its columns are {', '.join(columns)}"
        raise DataError(f"{file} has no column {requested!r}{hint}")
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise DataError(
            f"{file} has no {role} column (type {kind}); its columns are {', '.join(columns)}"
        )
    raise DataError(
        f"{file} has several {role} columns: choose one with --{role}-column "
        f"({', '.join(candidates)})"
    )


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """The `features` of the Hugging Face metadata; empty if there are none."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(features: dict[str, Any], column: str) -> tuple[str, ...] | None:
    feature = features.get(column)
    if not isinstance(feature, dict) or not isinstance(feature.get("names"), list):
        return None
    return tuple(str(name) for name in feature["names"])


def _read(
    splits: dict[str, list[Path]], columns: _Columns, size: int, progress: ProgressCallback | None
) -> Content:
    read = {}
    for part, files in splits.items():
        labels = np.concatenate([_labels(file, columns) for file in files])
        names: list[str] = []
        encoded = (image for file in files for image in _images(file, columns.image, names))
        read[part] = Decoded.of(part, encoded, labels, names, size, progress)
    classes = columns.names
    if classes is None:
        classes = numbered_classes([split.labels for split in read.values()])
    return Content.of(classes, read["train"], read["test"])


def _labels(file: Path, columns: _Columns) -> NDArray[np.int64]:
    import pyarrow as pa

    column = columns.label
    try:
        with _open(file, column) as parquet:
            metadata = parquet.schema_arrow.metadata
            labels = parquet.read([column])[column]
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot read column {column!r} of {file}: {_line(error)}") from None
    names = _class_names(_features(metadata), column)
    if names and columns.names and names != columns.names:
        # If the order differs, a label means different classes in the two files.
        raise DataError(
            f"{file} names its classes otherwise than the first training file: "
            f"{first_names(names)} here, {first_names(columns.names)} there"
        )
    if not pa.types.is_integer(labels.type):
        raise DataError(f"column {column!r} of {file} is not of type integer, but {labels.type}")
    if labels.null_count:
        row = labels.is_null().to_pylist().index(True)
        raise DataError(
            f"{file} has {labels.null_count} images without a label in column {column!r}, "
            f"the first in row {row}: remove them"
        )
    return np.asarray(labels.to_numpy(), dtype=np.int64)


def _images(file: Path, column: str, names: list[str]) -> Iterator[Encoded]:
    """Yield the encoded images of a file, row by row; their names are appended to `names`."""
    import pyarrow as pa

    row = 0
    try:
        with _open(file, column) as parquet:
            for batch in parquet.iter_batches(batch_size=256, columns=[column]):
                images = batch.column(0)
                paths = images.field("path").to_pylist()
                for data, path in zip(images.field("bytes").to_pylist(), paths, strict=True):
                    names.append(f"{file.name} row {row}{f' {path}' if path else ''}")
                    yield names[-1], data
                    row += 1
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot read column {column!r} of {file}: {_line(error)}") from None


def _open(file: Path, column: str | None = None) -> Any:
    """A pyarrow.parquet.ParquetFile.

    Raises:
        DataError: it cannot be read, or has no column `column`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is not a readable Parquet file: {_line(error)}") from None
    names = parquet.schema_arrow.names
    if column is not None and column not in names:
        parquet.close()
        raise DataError(
            f"{file} has no column {column!r}, unlike the first training file; "
            f"its columns are {', '.join(names)}"
        )
    return parquet


def _line(error: Exception) -> str:
    return one_line(error)[:200]
