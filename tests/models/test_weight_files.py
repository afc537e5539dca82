"""Which file initial weights come from: found, downloaded if need be, checked."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from loopback import Reply, Server
from sixteenth.errors import WeightsError
from sixteenth.models import (
    build_model,
    find_weights,
    load_initial_weights,
)

V1 = torchvision.models.ResNet18_Weights.IMAGENET1K_V1


@pytest.fixture(scope="module")
def pretrained() -> dict[str, torch.Tensor]:
    """A resnet18 as torchvision's file holds it: 1000 classes, no counters of batch norms."""
    model = torchvision.models.resnet18()
    with torch.no_grad():
        model.layer1[0].conv1.weight.fill_(0.25)
    return {k: v for k, v in model.state_dict().items() if "num_batches" not in k}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch's; no test here reaches another machine."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    opened = urllib.request.urlopen

    def no_network(request: urllib.request.Request, **options: Any) -> Any:
        if request.host.startswith("127.0.0.1"):
            return opened(request, **options)
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def put(
    state: dict[str, torch.Tensor], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """Save `state` as torchvision would name it and let the entry's address end in that name."""
    torch.save(state, folder / "new.pth")
    sha256 = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()
    path = (folder / "new.pth").rename(folder / f"resnet18-{sha256[:8]}.pth")
    entry = torchvision.models._api.Weights(
        url=f"https://example.invalid/{path.name}", transforms=V1.transforms, meta=V1.meta
    )
    monkeypatch.setattr(V1, "_value_", entry)
    return path, sha256


def test_random_weights_need_no_file_and_say_nothing_of_normalisation() -> None:
    model = build_model("resnet18", 10, image_size=32)
    before = model.conv1.weight.clone()
    assert load_initial_weights(model, "resnet18", "random", stem="default") is None
    assert torch.equal(model.conv1.weight, before)
    assert find_weights("resnet18", "random") is None


@pytest.mark.parametrize("init", ["imagenet", "imagenet:IMAGENET1K_V1"])
def test_imagenet_weights_fill_all_but_the_classifier(
    init: str,
    pretrained: dict[str, torch.Tensor],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, sha256 = put(pretrained, cache, monkeypatch)
    model = build_model("resnet18", 10, image_size=32, seed=4)
    classifier = model.fc.weight.clone()
    found = load_initial_weights(model, "resnet18", init, stem="default")
    assert found is not None
    normalisation = found.normalisation
    assert normalisation is not None
    assert normalisation.mean == (0.485, 0.456, 0.406)
    assert normalisation.std == (0.229, 0.224, 0.225)
    assert normalisation.source == "ResNet18_Weights.IMAGENET1K_V1"
    assert found.sha256 == sha256
    state = model.state_dict()
    assert all(torch.equal(state[k], v) for k, v in pretrained.items() if k[:3] != "fc.")
    assert torch.equal(model.fc.weight, classifier)
    found = find_weights("resnet18", init)
    assert found is not None
    assert found.path == path


def test_a_cached_file_with_another_hash_is_refused_and_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sha256 = put({"fc.bias": torch.zeros(1000)}, cache, monkeypatch)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    found = hashlib.sha256(damaged).hexdigest()[:8]
    with pytest.raises(
        WeightsError, match=f"{path.name} .*begin with {sha256[:8]} and is {found}; delete it"
    ):
        load_initial_weights(
            build_model("resnet18", 10, image_size=32), "resnet18", "imagenet", stem="default"
        )
    assert path.read_bytes() == damaged


def test_without_a_network_the_message_says_which_file_to_put_where(cache: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        find_weights("resnet18", "imagenet")
    message = str(caught.value)
    assert f"resnet18-f37072fd.pth is not in {cache}" in message
    assert "no network" in message
    assert "TORCH_HOME" in message
    assert "\n" not in message
    assert {path.suffix for path in cache.iterdir()} <= {".lock"}


def test_a_missing_file_is_downloaded_goes_on_after_a_break_and_is_checked(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sixteenth.data.download.PAUSE", 0)
    path, sha256 = put({"fc.bias": torch.zeros(1000)}, cache, monkeypatch)
    content = path.read_bytes()
    path.unlink()
    with Server(replies={f"/{path.name}": Reply(content, breaks=[1000, 0])}).running() as server:
        entry = V1.value
        address = f"{server.url}/{path.name}"
        monkeypatch.setattr(V1, "_value_", dataclasses.replace(entry, url=address))
        broke = rf"resnet18: {path.name} is not in .* broke off after 1,000 of .* try again"
        with pytest.raises(WeightsError, match=broke):
            find_weights("resnet18", "imagenet")
        assert not path.exists()
        found = find_weights("resnet18", "imagenet")
        assert found is not None
        assert found.sha256 == sha256
        assert server.ranges() == [None, "bytes=1000-", "bytes=1000-"]
        path.unlink()
        server.replies[f"/{path.name}"] = Reply(b"a page of a proxy")
        with pytest.raises(
            WeightsError, match=r"what it sends is another file \(sha256 [0-9a-f]{64}"
        ):
            find_weights("resnet18", "imagenet")
        assert {path.suffix for path in cache.iterdir()} <= {".lock"}
    assert f"downloading ImageNet weights of resnet18: {path.name}" in capsys.readouterr().err


def test_entries_that_a_model_does_not_have_are_answered_with_those_it_has() -> None:
    with pytest.raises(
        WeightsError, match=r"allowed: imagenet:IMAGENET1K_V1, imagenet:IMAGENET1K_V2"
    ):
        find_weights("resnet50", "imagenet:V3")
    with pytest.raises(WeightsError, match="no ImageNet weights of seed-cnn"):
        find_weights("seed-cnn", "imagenet")
    with pytest.raises(
        WeightsError, match=r"allowed are random, imagenet.*did you mean imagenet\?"
    ):
        find_weights("resnet18", "imagnet")


def test_imagenet_weights_do_not_go_with_another_stem() -> None:
    model = build_model("resnet18", 10, image_size=32, stem="cifar")
    with pytest.raises(WeightsError, match="use stem: default"):
        load_initial_weights(model, "resnet18", "imagenet", stem="cifar")


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_weights_of_the_test.py").write_text(
        "from torch import nn\n"
        "def net(num_classes):\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, num_classes))\n"
        "def bare(num_classes):\n"
        "    return net(num_classes)\n"
        "half = {'mean': (0.5, 0.5, 0.5), 'std': (0.25, 0.25, 0.25)}\n"
        "net.weights = {\n"
        "    'imagenet': {'file': 'net.safetensors', **half},\n"
        "    'plain': {'file': lambda: 'net.safetensors'},\n"
        "    'other': {'file': 'net.safetensors', 'sha256': '00000000'},\n"
        "    'typo': {'file': 'net.safetensors', 'meen': 0},\n"
        "    'flat': {'file': 'net.safetensors', 'mean': 0.5, 'std': (1, 1, 1)},\n"
        "    'gone': {'file': 'gone.safetensors'},\n"
        "    'crash': {'file': lambda: 1 / 0},\n"
        "}\n"
    )
    monkeypatch.chdir(tmp_path)
    name = "own_weights_of_the_test:net"
    model = build_model(name, 7, image_size=8, seed=9)
    save_file(model.state_dict(), tmp_path / "net.safetensors")
    yield name
    sys.modules.pop("own_weights_of_the_test", None)


def test_a_factory_offers_weights_under_names_of_its_own(own_module: str) -> None:
    source = build_model(own_module, 7, image_size=8, seed=9)
    model = build_model(own_module, 10, image_size=8, seed=1)
    classifier = model[2].weight.clone()
    found = load_initial_weights(model, own_module, "imagenet", stem="default")
    assert found is not None
    normalisation = found.normalisation
    assert normalisation is not None
    assert normalisation.mean == (0.5, 0.5, 0.5)
    assert normalisation.std == (0.25, 0.25, 0.25)
    assert torch.equal(model[0].weight, source[0].weight)
    assert torch.equal(model[2].weight, classifier)
    found = load_initial_weights(model, own_module, "plain", stem="default")
    assert found is not None
    assert found.normalisation is None


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("other", "must begin with 00000000"),
        ("typo", "unknown key 'meen'; known: file, mean, std, sha256"),
        ("flat", "mean must be three numbers, not 0.5"),
        ("gone", "no weights file gone.safetensors"),
        ("crash", "no file: ZeroDivisionError"),
        ("imagenett", "has no weights called 'imagenett': it offers imagenet, plain"),
    ],
)
def test_an_offer_that_is_not_right_is_told_in_one_line(
    own_module: str, init: str, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        find_weights(own_module, init)


def test_a_factory_without_an_offer_says_how_to_make_one(own_module: str) -> None:
    with pytest.raises(WeightsError, match=r"it offers none .a factory's attribute weights"):
        find_weights(own_module.replace(":net", ":bare"), "imagenet")


def test_a_file_of_ones_own_gets_the_normalisation_that_its_network_was_trained_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.pth"
    torch.save({}, path)
    for name, mean in (("inception_v3", 0.5), ("googlenet", 0.5), ("resnet18", 0.485)):
        found = find_weights(name, f"{path}#imagenet")
        assert found is not None
        assert found.normalisation is not None
        assert found.normalisation.mean[0] == mean
