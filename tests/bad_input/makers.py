"""Bad inputs, written to the current folder as a stranger or an accident would leave them."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

Make = Callable[[], None]


# Study files


def study(text: str | bytes, name: str = "bad.yaml") -> Make:
    """A study file of that text."""

    def make() -> None:
        content = text if isinstance(text, bytes) else text.encode()
        Path(name).write_bytes(content)

    return make


def data_beside_the_study() -> None:
    """A study file in a folder that is not the current one, and its images beside it."""
    put("mine/my images/train/cat/1.png", png())()
    study("data: my images", "mine/bad.yaml")()


def laughs() -> None:
    """Nine lines that mean a billion strings."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{other}: &{other} [{', '.join([f'*{one}'] * 10)}]")
    Path("bad.yaml").write_text("\n".join([*lines, "models: *i", "data: digits"]), encoding="utf-8")


# Images


def png(size: int = 8, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def bomb_png(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few bytes whose header claims so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def folder(change: Make | None = None, classes: tuple[str, ...] = ("cat", "dog")) -> Make:
    """images/train/CLASS and images/test/CLASS, sound but for `change`."""

    def make() -> None:
        for i, part in enumerate(("train", "test")):
            for j, name in enumerate(classes):
                place = Path("images", part, name)
                place.mkdir(parents=True)
                for k in range(4):
                    (place / f"{k}.png").write_bytes(png(seed=100 * i + 10 * j + k))
        if change is not None:
            change()

    return make


def put(path: str, content: bytes) -> Make:
    def make() -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)

    return make


def remove(path: str) -> Make:
    return lambda: shutil.rmtree(path)


def drop(path: str | Path) -> Make:
    return lambda: Path(path).unlink()


def pipe(path: str) -> Make:
    return lambda: os.mkfifo(path)


def parquet(
    images: list[bytes | None] | None = None,
    labels: list[Any] | None = None,
    names: list[str] | None = None,
    test_names: list[str] | None = None,
    change: Make | None = None,
) -> Make:
    """images/train.parquet and images/test.parquet, sound but for what is given."""

    def write(part: str, data: list[bytes | None], values: list[Any], classes: Any) -> None:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        rows = [{"bytes": one, "path": None} for one in data]
        table = pa.table({"img": pa.array(rows, kind), "label": pa.array(values, pa.int64())})
        if classes:
            features = {"label": {"names": classes, "_type": "ClassLabel"}}
            about = json.dumps({"info": {"features": features}})
            table = table.replace_schema_metadata({"huggingface": about})
        Path("images").mkdir(exist_ok=True)
        pq.write_table(table, f"images/{part}.parquet")

    def make() -> None:
        sound: list[bytes | None] = [png(seed=i) for i in range(6)]
        write("train", images or sound, labels or [0, 1, 0, 1, 0, 1], names)
        write("test", [png(seed=10), png(seed=11)], [0, 1], test_names or names)
        if change is not None:
            change()

    return make


def npz(**changes: Any) -> Make:
    """d.npz, sound but for what is given; None leaves an array out."""

    def make() -> None:
        arrays: dict[str, Any] = {
            "x_train": np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8),
            "y_train": np.arange(8) % 2,
            "x_test": np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8),
            "y_test": np.arange(4) % 2,
            **changes,
        }
        np.savez("d.npz", **{key: value for key, value in arrays.items() if value is not None})

    return make


def npz_that_claims_terabytes() -> None:
    """An array whose header claims three terabytes, of which a few bytes are there."""
    npz()()
    header = io.BytesIO()
    shape = (1_000_000, 1000, 1000, 3)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile("d.npz") as bag:
        kept = {name: bag.read(name) for name in bag.namelist()}
    kept["x_train.npy"] = header.getvalue() + b"few"
    with zipfile.ZipFile("d.npz", "w") as bag:
        for name, content in kept.items():
            bag.writestr(name, content)


# Weights


class Runs:
    """What a pickle runs when it is loaded by one who trusts it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def tiny_state(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """The weights of tiny_models:small for ten classes, sound but for what is given."""
    import tiny_models  # type: ignore[import-not-found]

    net: nn.Module = tiny_models.small(num_classes=10)
    state = {**net.state_dict(), **{key.replace("__", "."): v for key, v in changes.items()}}
    return {key: value for key, value in state.items() if value is not None}


def weights(name: str = "w.safetensors", **changes: torch.Tensor | None) -> Make:
    """A weights file of tiny_models:small, sound but for what is given; ``0__weight=None``."""

    def make() -> None:
        state = tiny_state(**changes)
        save_file(state, name) if name.endswith(".safetensors") else torch.save(state, name)

    return make


def pickled(name: str, by_torch: bool) -> Make:
    def make() -> None:
        content = {"0.weight": torch.zeros(1), "x": Runs()}
        if by_torch:
            torch.save(content, name)
        else:
            Path(name).write_bytes(pickle.dumps(content))

    return make


# Run folders and study folders, made from a copy of the trained study in studies/tiny


def run_dir(model: str = "small", fraction: str = "all") -> Path:
    return Path(f"studies/tiny/runs/tiny_models.{model}-random-{fraction}-seed0")


def record(**changes: Any) -> Make:
    """run.json with dotted keys changed: ``metrics__test_accuracy=7``."""

    def make() -> None:
        path = run_dir() / "run.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        for key, value in changes.items():
            target = content
            *parts, last = key.split("__")
            for part in parts:
                target = target[part]
            target[last] = value
        path.write_text(json.dumps(content), encoding="utf-8")

    return make


def in_run(name: str, content: bytes) -> Make:
    return lambda: put(str(run_dir() / name), content)()


def cut(name: str) -> Make:
    """A file of the run, without its second half."""

    def make() -> None:
        path = run_dir() / name
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])

    return make


def predictions(labels: Any, probabilities: Any) -> Make:
    return lambda: np.savez(
        run_dir() / "predictions.npz", labels=labels, probabilities=probabilities
    )


def moved_predictions() -> None:
    """The predictions of one run in the folder of another."""
    shutil.copy(run_dir("small", "50images") / "predictions.npz", run_dir() / "predictions.npz")


def edited_study(old: str, new: str) -> Make:
    """The frozen study.yaml, changed by hand."""

    def make() -> None:
        path = Path("studies/tiny/study.yaml")
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return make
