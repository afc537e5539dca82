"""Images that have moved since a study was trained: `sixteenth explain DIR --data NEW`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sixteenth import Study
from tiny_study import Command


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_images_that_have_moved_are_named_with_data_and_other_images_are_refused(
    tiny_folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tiny_folder)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8), np.uint8)
    labels = np.arange(60) % 2

    def write(name: str, of: np.ndarray) -> None:
        np.savez(name, x_train=of[:40], y_train=labels[:40], x_test=of[40:], y_test=labels[40:])

    write("here.npz", images)
    write("other.npz", 255 - images)
    settings = ("data=here.npz", "fractions=[1]", "train.epochs=1", "lengths=[1]")
    words = [word for setting in settings for word in ("--set", setting)]
    machine = ("--threads", "1", "--data-dir", "cache")
    assert sixteenth("run", "tiny.yaml", "--out", "t", *machine, *words).code == 0
    Path("here.npz").rename("there.npz")
    runs = [path.name for path in sorted(Path("t/runs").iterdir())]
    explain = ["explain", "t", "--between", *runs, "--only", "learning-rate-half", *machine]
    lost = sixteenth(*explain)
    assert lost.code == 2
    assert "'here.npz', are not there" in lost.err
    assert "with --data" in lost.err
    before = files(Path("t"))
    for place, why in (
        ("other.npz", "data fingerprint: "),
        ("digits", "holds another study (data: 'here.npz' there, 'digits' asked for)"),
        ("nowhere.npz", "there are no data 'nowhere.npz'"),
    ):
        refused = sixteenth(*explain, "--data", place)
        assert (refused.code, refused.out) == (2, "")
        assert why in refused.err
        assert "--out" not in refused.err, "explain has no such option"
    planned = sixteenth(*explain, "--data", "there.npz", "--plan")
    assert (planned.code, files(Path("t"))) == (0, before)
    assert sixteenth(*explain, "--data", "there.npz").code == 0
    assert Study.open("t").spec.data == "there.npz"
    assert sixteenth(*explain).code == 0, "it is remembered"
