"""The image and label columns of Parquet and Arrow files: chosen by type and name, and read.

Images are binary, or a struct with `bytes` as the Hugging Face Hub writes it. Labels are integers,
strings or booleans, or categories of these, as pandas writes them; class names of integers come
from the schema's `huggingface` metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ...messages import counted, nearest, one_line
from ...storage.lfs import LFS_REASON, is_lfs_pointer
from ..decode import Encoded
from ..source import Options, class_name, first_names
from .table_labels import are_absent, is_label_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LABELS = "integer, string or boolean"
_IMAGES = "binary, or struct {bytes, path}"


@dataclass(frozen=True)
class Columns:
    """The columns of a data set; `text` if labels are the names of classes, or booleans."""

    image: str
    label: str
    names: tuple[str, ...] | None
    text: bool


def choose_columns(file: Path, options: Options) -> Columns:
    """The image and the label column, and the class names if the file has them.

    Raises:
        DataError: there is none, or several and none was asked for.
    """
    with _open(file) as (schema, _):
        pass
    named = {column: {"names": names} for column, names in options.class_names.items()}
    features = _features(schema.metadata) or named
    kinds = {field.name: field.type for field in schema}
    images = [name for name, kind in kinds.items() if _is_image(kind)]
    labels = [name for name, kind in kinds.items() if _is_label(kind)]
    # If the file declares some columns as class labels, the others are no candidates.
    declared = [
        name
        for name in labels
        if not _is_text(kinds[name]) and _class_names(features, name) is not None
    ]
    meant = [name for name in kinds if is_label_name(name)]
    usual = [name for name in meant if name in labels]
    image = _choose("image", _IMAGES, options.image_column, images, images, kinds, file)
    if meant and labels and not (declared or usual or options.label_column):
        # Another column would be taken for the labels, such as the number of a fold.
        raise DataError(
            f"column {meant[0]!r} of {file} is not of type {_LABELS}, but {kinds[meant[0]]}: "
            f"convert it, or choose another with --label-column ({', '.join(labels)})"
        )
    likely = declared or usual or labels
    label = _choose("label", _LABELS, options.label_column, likely, labels, kinds, file)
    text = _is_text(kinds[label])
    return Columns(image, label, None if text else _class_names(features, label), text)


def count_rows(file: Path) -> int:
    """Number of rows of a file."""
    with _open(file) as (_, batches):
        return sum(len(batch) for batch in batches([]))


def read_labels(file: Path, columns: Columns) -> NDArray[Any]:
    """The labels of a file, int64 or str (rows,).

    Raises:
        DataError: they cannot be read, are of another type, one is missing, or the file names its
            classes otherwise than the first training file.
    """
    import pyarrow as pa

    column = columns.label
    with _open(file, column) as (schema, batches):
        kind = schema.field(column).type
        names = _class_names(_features(schema.metadata), column)
        if names and columns.names and names != columns.names:
            # If the order differs, a label means different classes in the two files.
            raise DataError(
                f"{file} names its classes otherwise than the first training file: "
                f"{first_names(names)} here, {first_names(columns.names)} there"
            )
        if not _is_label(kind) or _is_text(kind) != columns.text:
            wanted = "string or boolean" if columns.text else "integer"
            raise DataError(f"column {column!r} of {file} is not of type {wanted}, but {kind}")
        read = [_decoded(batch.column(0)) for batch in batches([column])]
        kind = _values(kind)
        labels = pa.chunked_array(read, type=kind)
    missing = labels.is_null().to_numpy()
    if columns.text and kind != pa.bool_():
        missing = np.array(are_absent([str(label or "") for label in labels.to_pylist()]), bool)
    if missing.any():
        count = int(missing.sum())
        raise DataError(
            f"{file} has {counted(count, 'image')} without a label in column {column!r}, "
            f"the first in row {int(np.argmax(missing))}: remove {'it' if count == 1 else 'them'}"
        )
    if columns.text:
        return np.array([str(label).strip() for label in labels.to_pylist()], dtype=str)
    return np.asarray(labels.to_numpy(), dtype=np.int64)


def lacks_labels(file: Path, columns: Columns) -> bool:
    """Whether no row of a file has a label: the hub's hidden ones are -1, or missing.

    Raises:
        DataError: it cannot be read, or its labels stand in another column.
    """
    import pyarrow as pa

    with _open(file) as (schema, batches):
        if columns.label not in schema.names and not any(map(is_label_name, schema.names)):
            return True
        _check_column(file, schema, columns.label)
        whole = pa.types.is_integer(schema.field(columns.label).type)
        rows = 0
        for batch in batches([columns.label]):
            labels = _decoded(batch.column(0)).to_pylist()
            rows += len(labels)
            if any(label is not None and not (whole and label == -1) for label in labels):
                return False
        return rows > 0


def read_images(file: Path, column: str) -> Iterator[Encoded]:
    """Yield the name and the encoded bytes of the images of a file, row by row."""
    import pyarrow as pa

    with _open(file, column) as (schema, batches):
        if not _is_image(schema.field(column).type):
            raise DataError(
                f"column {column!r} of {file} is not of type {_IMAGES}, unlike that of the first "
                f"training file, but {schema.field(column).type}"
            )
        row = 0
        for batch in batches([column]):
            images = batch.column(0)
            paths: list[str | None] = [None] * len(images)
            if pa.types.is_struct(images.type):
                if images.type.get_field_index("path") >= 0:
                    paths = images.field("path").to_pylist()
                images = images.field("bytes")
            for data, path in zip(images.to_pylist(), paths, strict=True):
                yield f"{file.name} row {row}{f' {path}' if path else ''}", data
                row += 1


def _is_image(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _is_image(field.type) for field in kind)
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _is(kind, "is_binary_view")
    )


def _is_label(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(_values(kind))) or _is_text(kind)


def _is_text(kind: Any) -> bool:
    """Whether labels of this type are names of classes: texts, and booleans."""
    import pyarrow as pa

    kind = _values(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is(kind, "is_string_view")
    return bool(text or pa.types.is_boolean(kind))


def _values(kind: Any) -> Any:
    """The type of the values; of categories, that of what they stand for."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _decoded(column: Any) -> Any:
    """An array of values, without the dictionary of categories."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is(kind: Any, test: str) -> bool:
    """A test of types that older versions of pyarrow lack."""
    import pyarrow as pa

    return bool(getattr(pa.types, test, lambda _: False)(kind))


def _choose(
    role: str,
    kind: str,
    requested: str | None,
    candidates: list[str],
    allowed: list[str],
    kinds: dict[str, Any],
    file: Path,
) -> str:
    """The requested column for `role`, or the only candidate."""
    columns = [f"{name} ({' '.join(str(each).split())[:60]})" for name, each in kinds.items()]
    if requested is not None:
        if requested in allowed:
            return requested
        if requested in kinds:
            raise DataError(
                f"column {requested!r} of {file} is not of type {kind}, but {kinds[requested]}; "
                f"{role} columns are: {', '.join(allowed) or 'none'}"
            )
        hint = nearest(requested, kinds) or f"; its columns are {', '.join(kinds)}"
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
    if not isinstance(feature, dict) or not isinstance(feature.get("names"), list | tuple):
        return None
    return tuple(class_name(name) for name in feature["names"])


@contextmanager
def _open(file: Path, column: str | None = None) -> Iterator[tuple[Any, Any]]:
    """The schema of a Parquet or Arrow file, and a function from columns to batches of rows.

    Raises:
        DataError: it cannot be read, or has no column `column`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if is_lfs_pointer(file):
            raise OSError(LFS_REASON)
        if file.suffix == ".arrow":
            with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream:
                _check_column(file, stream.schema, column)
                yield stream.schema, lambda names: (batch.select(names) for batch in stream)
        else:
            with pq.ParquetFile(file) as parquet:
                _check_column(file, parquet.schema_arrow, column)
                yield (
                    parquet.schema_arrow,
                    lambda names: parquet.iter_batches(batch_size=256, columns=names),
                )
    except (pa.ArrowException, OSError) as error:
        reason = one_line(error)[:200]
        what = "an Arrow" if file.suffix == ".arrow" else "a"
        if column is None:
            kind = "Parquet file" if what == "a" else "file of a saved data set"
            raise DataError(f"{file} is not {what} readable {kind}: {reason}") from None
        raise DataError(f"cannot read column {column!r} of {file}: {reason}") from None


def _check_column(file: Path, schema: Any, column: str | None) -> None:
    if column is not None and column not in schema.names:
        raise DataError(
            f"{file} has no column {column!r}, unlike the first training file; "
            f"its columns are {', '.join(schema.names)}"
        )
