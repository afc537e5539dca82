"""The model of one's own on the page of the study file is one, with its weights."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from pages import ROOT, blocks

from sixteenth.models import build_model, load_initial_weights

PAGE = ROOT / "docs/study-file.md"


def test_the_factory_of_the_page_gives_a_network_and_weights_for_other_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = [each.text for each in blocks(PAGE) if each.language == "python"]
    monkeypatch.chdir(tmp_path)
    others = {name: module for name, module in sys.modules.items() if name != "nets"}
    monkeypatch.setattr(sys, "modules", others)
    Path("nets.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    trained = build_model("nets:small", 1000, image_size=16, seed=1)
    torch.save(trained.state_dict(), "small.pth")
    network = build_model("nets:small", 3, image_size=16)
    drawn = {key: value.clone() for key, value in network.state_dict().items()}
    file = load_initial_weights(network, "nets:small", "imagenet")
    assert file is not None
    assert file.normalisation is not None
    assert file.normalisation.mean == (0.485, 0.456, 0.406)
    loaded, theirs = network.state_dict(), trained.state_dict()
    assert torch.equal(loaded["0.weight"], theirs["0.weight"])
    assert torch.equal(loaded["5.weight"], drawn["5.weight"])
    assert network(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
