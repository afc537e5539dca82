"""Models of timm and the weights of their tags, read by timm's own loader from the hub's cache."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sixteenth.errors import ModelError, WeightsError
from sixteenth.models import (
    build_model,
    check_init,
    check_model,
    choose_interpolation,
    count_parameters,
    find_head,
    find_weights,
    is_factory,
    load_initial_weights,
    load_trained_weights,
    sample_logits,
    weights_are_here,
)
from timm_hub import REVISION, publish

timm = pytest.importorskip("timm", reason="the timm extra is missing")

RESNET, VIT = "timm/test_resnet.r160_in1k", "timm/test_vit.r160_in1k"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and of torch's, without a network."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return folder


def published(name: str, cache: Path, **options: object) -> dict[str, torch.Tensor]:
    """Weights that nobody else draws, put into the cache under the name of a model with a tag."""
    torch.manual_seed(7)
    state = timm.create_model(name.removeprefix("timm/"), **options).state_dict()
    publish(cache, name.removeprefix("timm/"), state)
    return dict(state)


@pytest.mark.parametrize(
    ("name", "size", "parameters"),
    [(RESNET, 32, 373_658), ("timm/test_vit", 32, 300_746), ("timm/test_convnext", 40, 207_778)],
)
def test_a_network_is_made_for_the_classes_and_the_image_size(
    name: str, size: int, parameters: int
) -> None:
    model = build_model(name, 10, image_size=size)
    assert count_parameters(model) == parameters
    logits = sample_logits(model, size)
    assert logits is not None
    assert logits.shape == (2, 10)
    again = build_model(name, 10, image_size=size)
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))
    head, _ = find_head(model, name, lambda: sample_logits(model, size))
    assert head in ("fc", "head", "head.fc")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm/resnet5", r"no model 'resnet5'; did you mean timm/resnet50 or timm/resnet"),
        ("timm/ResNet50.a1_in1k", r"did you mean timm/resnet50.a1_in1k or timm/"),
        (
            "timm/resnet18.a9_in1k",
            r"resnet18 has no tag 'a9_in1k': its tags are a1_in1k, .*did you",
        ),
        ("timm/vit_base_patch16_224_in21k", "is called timm/vit_base_patch16_224.augreg_in21k"),
        ("timm/hf-hub:someone/something", "no model 'hf-hub:someone/something'"),
        ("resnet50.a1_in1k", "timm's as timm/NAME"),
    ],
)
def test_an_unknown_name_is_answered_with_those_near_it(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check_model(name)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError, match=r"pip install 'sixteenth\[timm\]'"):
        check_model(RESNET)


def test_a_name_of_timm_is_no_code_of_the_user() -> None:
    assert not is_factory("timm/hf-hub:someone/something")
    assert not is_factory(RESNET)
    with pytest.raises(ModelError, match="stem: cifar is for ResNets"):
        check_model(RESNET, "cifar")


def test_a_size_that_a_network_cannot_take_is_answered_with_one_that_it_can() -> None:
    with pytest.raises(
        ModelError, match=r"image_size 30 \(.*patches of 16 pixels\).*can is 32, and 160 is the one"
    ):
        build_model("timm/test_vit", 10, image_size=30)


def test_imagenet_means_the_weights_of_the_tag_as_timm_loads_them(cache: Path) -> None:
    state = published(RESNET, cache)
    assert weights_are_here(RESNET, "imagenet")
    model = build_model(RESNET, 10, image_size=32, seed=4)
    classifier = model.fc.weight.clone()
    found = load_initial_weights(model, RESNET, "imagenet")
    assert found is not None
    assert torch.equal(model.fc.weight, classifier)
    theirs = timm.create_model(RESNET.removeprefix("timm/"), pretrained=True, num_classes=10)
    own = model.state_dict()
    for key, value in theirs.state_dict().items():
        assert key.startswith("fc.") or torch.equal(own[key], value), key
    assert torch.equal(own["conv1.0.weight"], state["conv1.0.weight"])
    assert found.path.parent.name == REVISION
    assert found.sha256 == found.path.resolve().name


def test_how_images_are_prepared_is_that_of_the_tag(cache: Path) -> None:
    published(VIT, cache)
    found = find_weights(VIT, "imagenet")
    assert found is not None
    assert found.config is not None
    assert found.normalisation is not None
    theirs = timm.data.resolve_model_data_config(timm.create_model(VIT.removeprefix("timm/")))
    assert {key: found.config[key] for key in theirs} == theirs
    assert found.normalisation.mean == theirs["mean"] == (0.5, 0.5, 0.5)
    assert found.normalisation.source == VIT
    assert found.config["tag"] == "r160_in1k"
    assert choose_interpolation([VIT], ["imagenet"]) == ("bicubic", "")
    assert choose_interpolation([VIT], ["own.safetensors#imagenet"]) == ("bicubic", "")


def test_position_embeddings_are_fitted_to_the_image_size(cache: Path, tmp_path: Path) -> None:
    state = published(VIT, cache)
    model = build_model(VIT, 10, image_size=32)
    load_initial_weights(model, VIT, "imagenet")
    theirs = timm.create_model(VIT.removeprefix("timm/"), pretrained=True, img_size=32)
    assert model.pos_embed.shape != state["pos_embed"].shape
    assert torch.equal(model.pos_embed, theirs.pos_embed)
    assert torch.equal(model.blocks[0].attn.qkv.weight, state["blocks.0.attn.qkv.weight"])
    save_file(state, tmp_path / "model.safetensors")  # brought here by hand
    by_hand = build_model(VIT, 10, image_size=32)
    init = f"{tmp_path / 'model.safetensors'}#imagenet"
    found = load_initial_weights(by_hand, VIT, init, allow_partial=True)
    assert found is not None
    assert found.normalisation is not None
    assert found.normalisation.mean == (0.5, 0.5, 0.5)
    assert torch.equal(by_hand.pos_embed, model.pos_embed)


def test_weights_without_a_classifier_leave_it_random(cache: Path) -> None:
    published(RESNET, cache, num_classes=0)
    model = build_model(RESNET, 10, image_size=32, seed=4)
    classifier = model.fc.weight.clone()
    load_initial_weights(model, RESNET, "imagenet")
    assert torch.equal(model.fc.weight, classifier)


def test_weights_of_a_run_are_loaded_into_the_network_that_saved_them(tmp_path: Path) -> None:
    model = build_model(VIT, 10, image_size=32, seed=1)
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    other = build_model(VIT, 10, image_size=32, seed=2)
    load_trained_weights(other, tmp_path / "own.safetensors")
    assert all(map(torch.equal, model.state_dict().values(), other.state_dict().values()))
    third = build_model(VIT, 10, image_size=32, seed=3)
    load_initial_weights(third, VIT, str(tmp_path / "own.safetensors"))
    assert torch.equal(third.head.weight, model.head.weight)


def test_another_network_or_a_damaged_file_is_refused(cache: Path) -> None:
    torch.manual_seed(0)
    publish(cache, "test_resnet.r160_in1k", timm.create_model("test_vit").state_dict())
    model = build_model(RESNET, 10, image_size=32)
    with pytest.raises(WeightsError, match=r"does not fit this network: it lacks conv1\.0\.weight"):
        load_initial_weights(model, RESNET, "imagenet")
    path, sha256 = publish(cache, "test_resnet.r160_in1k", model.state_dict())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"must begin with {sha256} and is"):
        find_weights(RESNET, "imagenet")


@pytest.mark.parametrize(
    ("name", "init", "message"),
    [
        ("timm/coatnet_0_224", "imagenet", "of coatnet_0_224: use init: .*mean coatnet_0_rw_224"),
        ("timm/test_resnet", "imagenet:IMAGENET1K_V1", "it has imagenet:r160_in1k"),
        (RESNET, "imagnet", r"did you mean imagenet\?"),
    ],
)
def test_weights_that_timm_does_not_have_are_answered_with_those_it_has(
    name: str, init: str, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        check_init(name, init)


def test_a_file_for_a_model_without_published_weights_has_the_normalisation_of_its_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "own.safetensors").write_bytes(b"not read here")
    init = f"{tmp_path / 'own.safetensors'}#imagenet"
    mean = {}
    for name in ("timm/ghostnet_050", "timm/coatnet_0_224"):
        found = find_weights(name, init)
        assert found is not None
        assert found.normalisation is not None
        mean[name] = found.normalisation.mean
    assert mean == {
        "timm/ghostnet_050": (0.485, 0.456, 0.406),
        "timm/coatnet_0_224": (0.5, 0.5, 0.5),
    }


def test_another_tag_can_be_asked_for_by_init(cache: Path) -> None:
    check_init("timm/resnet18.a1_in1k", "imagenet:tv_in1k")
    state = published("timm/test_resnet.r160_in1k", cache)
    model = build_model("timm/test_resnet", 10, image_size=32)
    load_initial_weights(model, "timm/test_resnet", "imagenet:r160_in1k")
    assert torch.equal(model.conv1[0].weight, state["conv1.0.weight"])


def test_without_a_network_the_message_says_where_weights_are_looked_for(cache: Path) -> None:
    assert not weights_are_here(RESNET, "imagenet")
    check_init(RESNET, "imagenet")  # there are such weights; nothing is downloaded
    with pytest.raises(WeightsError) as caught:
        find_weights(RESNET, "imagenet")
    message = str(caught.value)
    assert f"not in the cache {cache}" in message
    assert "https://huggingface.co/timm/test_resnet.r160_in1k cannot be had" in message
    assert "hf download timm/test_resnet.r160_in1k model.safetensors" in message
    assert "\n" not in message
    with pytest.raises(WeightsError, match=r"seresnet18-4bb0ce65.pth is not in .*checkpoints"):
        find_weights("timm/legacy_seresnet18", "imagenet")


class _Hub(BaseHTTPRequestHandler):
    """Serves one file, as the hub does a large one."""

    content: bytes
    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        if not self.path.endswith("/resolve/main/model.safetensors"):
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def hub(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """A hub on this machine that has `RESNET` alone."""
    torch.manual_seed(7)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "served.safetensors")
    _Hub.content, _Hub.asked = (tmp_path / "served.safetensors").read_bytes(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        constants = "huggingface_hub.constants"
        monkeypatch.setattr(f"{constants}.ENDPOINT", endpoint)
        address = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield _Hub
        server.shutdown()


def test_weights_that_are_not_here_are_downloaded_once(
    hub: type[_Hub], cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = find_weights(RESNET, "imagenet")
    assert found is not None
    assert found.path.read_bytes() == hub.content
    assert cache in found.path.parents
    assert "downloading weights of timm/test_resnet.r160_in1k" in capsys.readouterr().err
    asked = len(hub.asked)
    assert asked
    assert find_weights(RESNET, "imagenet") == found
    assert len(hub.asked) == asked


def test_other_models_do_without_timm_and_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("timm", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, None)
    for module in ("timm_models", "timm_weights"):
        monkeypatch.delitem(sys.modules, f"sixteenth.models.{module}")
        importlib.import_module(f"sixteenth.models.{module}")
    check_model("resnet18")
    check_init("resnet18", "imagenet")
