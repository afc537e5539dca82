"""The example of docs/data.md and the README is what the product says of that folder."""

from __future__ import annotations

from pathlib import Path

from understanding import greys

from sixteenth.data import load_dataset
from sixteenth.language import language_for

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_docs_is_what_is_said(tmp_path: Path) -> None:
    greys(
        {
            "data/Training/pets_train/cat": [1, 2, 3],
            "data/Training/pets_train/dog": [4, 5],
            "data/Testing/pets_test/cat": [6],
            "data/Testing/pets_test/dog": [7],
            "data/val/cat": [8],
        }
    )(tmp_path)
    data = load_dataset(tmp_path / "data", image_size=4, data_dir=tmp_path / "cache")
    said = language_for().understood(data.understood)
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    assert "".join(f"    {line}\n" for line in said) in page
    assert f"    {said[0]}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
