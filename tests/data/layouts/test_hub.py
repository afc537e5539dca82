"""Data sets of the hub: the real client, and a hub on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_hub import FakeHub

from sixteenth.errors import DataError

CARD = b"""---
dataset_info:
  features:
  - name: img
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': cat
          '1': dog
          '2': emu
---
# Animals
"""


@pytest.fixture
def files(parquet_folder: Path) -> dict[str, bytes]:
    """As a data set lies on the hub, with the files of a training and a test split."""
    return {
        "README.md": b"# Animals",
        ".gitattributes": b"",
        **{
            f"data/{part}-00000-of-00001.parquet": (parquet_folder / f"{part}.parquet").read_bytes()
            for part in ("train", "test")
        },
    }


@pytest.mark.parametrize("written", ["hf://me/animals", "hfds/me/animals"])
def test_the_same_images_and_classes_as_from_a_folder(load, hub, files, parquet_folder, written):
    commit = hub.add("me/animals", files).refs["main"]
    there, here = load(written), load(parquet_folder)
    assert there.fingerprint == here.fingerprint
    assert there.classes == ("cat", "dog", "emu")
    assert np.array_equal(there.test.images, here.test.images)
    assert (there.name, there.source) == ("animals", f"hf://me/animals@{commit}")
    assert there.understood.layout == "Parquet"
    assert there.understood.notes[0] == f"hf://me/animals at revision {commit[:12]}"
