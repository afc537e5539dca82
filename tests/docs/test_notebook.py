"""The notebook in examples/ runs from top to bottom in a real kernel, on a tiny study."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pages import ROOT

NOTEBOOK = ROOT / "examples/reference-study.ipynb"

SETTINGS = """\
STUDY = {
    "data": "digits",
    "image_size": 8,
    "models": ["tiny_models:small", "tiny_models:big"],
    "fractions": ["50 images", 1],
    "train": {"epochs": 2, "batch_size": 64},
}
FOLDER, DEVICE = "study", "cpu"
"""
"""What stands after the cell that is tagged `parameters`, as papermill puts it there."""


def test_the_notebook_is_kept_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tiny_folder: Path) -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    tagged = [
        i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", ())
    ]
    assert len(tagged) == 1
    book.cells.insert(tagged[0] + 1, nbformat.v4.new_code_cell(SETTINGS))

    NotebookClient(book, timeout=120, resources={"metadata": {"path": tiny_folder}}).execute()

    outputs = [out for cell in book.cells for out in cell.get("outputs", ())]
    text = "\n".join(str(out.get("text") or out.data.get("text/plain")) for out in outputs)
    assert text.count(": finished") == 4
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 4
    assert any("### " in str(out.get("data", {}).get("text/markdown")) for out in outputs)
    assert re.search(r"tiny_models:\w+, random weights, 1,4\d\d images: \d+\.\d%\n +0: \d+", text)
    assert (tiny_folder / "study/report.html").is_file()
