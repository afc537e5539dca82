"""Which networks a name gives, and what is said when it gives none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sixteenth.errors import ModelError
from sixteenth.models import build_model, check_model, count_parameters, final_map, is_factory
from sixteenth.models.speedrun import SHAPES
from sixteenth.models.zoo import SEED_CNN
from sixteenth.spec import fields as spec_values

OWN_MODELS = """
import torch
from torch import nn

class Flat(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(3 * 8 * 8, num_classes))

def flat(num_classes):
    return Flat(num_classes)

def sized(num_classes, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * image_size**2, num_classes))

def reads_values(num_classes):
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, num_classes)

        def forward(self, images):
            assert float(images.sum()) == 0.0
            return self.last(images.mean((2, 3)))

    return Picky()

def without_classes():
    return nn.Identity()

def no_module(num_classes):
    return "resnet18"

def fails(num_classes):
    raise RuntimeError("first line\\nsecond line")

def wrong_shape(num_classes):
    return Flat(num_classes + 1)

def nothing_to_train(num_classes):
    return Flat(num_classes).requires_grad_(False)

answer = 42
"""


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of the user's in the current directory; gives its name."""
    (tmp_path / "own_models_of_the_test.py").write_text(OWN_MODELS)
    monkeypatch.chdir(tmp_path)
    yield "own_models_of_the_test"
    sys.modules.pop("own_models_of_the_test", None)


def weights_of(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "googlenet"])
def test_a_torchvision_model_gets_a_classifier_for_the_classes(name: str) -> None:
    model = build_model(name, 7, image_size=32).eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 7)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = (
        weights_of(build_model("resnet18", 10, image_size=32, seed=seed, stem="cifar"))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_building_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    build_model("mobilenet_v3_small", 10, image_size=32)
    assert torch.equal(torch.get_rng_state(), before)


def test_trying_the_image_size_leaves_norms_and_modes_as_built() -> None:
    model = build_model("resnet18", 10, image_size=32)
    assert all(module.training for module in model.modules())
    assert int(model.bn1.num_batches_tracked) == 0
    assert torch.equal(model.bn1.running_mean, torch.zeros(64))
    assert all(p.grad is None for p in model.parameters())


def test_the_seed_network_is_the_one_of_the_design() -> None:
    model = build_model("seed-cnn", 10, image_size=32)
    layers = [
        (type(m).__name__, tuple(m.weight.shape))
        for m in model
        if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    assert layers == [
        ("Conv2d", (128, 3, 5, 5)),
        ("Conv2d", (128, 128, 5, 5)),
        ("Conv2d", (256, 128, 3, 3)),
        ("Conv2d", (256, 256, 3, 3)),
        ("Linear", (1024, 256 * 8 * 8)),
        ("Linear", (512, 1024)),
        ("Linear", (10, 512)),
    ]
    assert [m.p for m in model if isinstance(m, nn.Dropout2d | nn.Dropout)] == [
        0.25,
        0.25,
        0.5,
        0.5,
    ]
    assert final_map(model, 32) == (16, 16)


def test_the_seed_network_works_on_small_digits_and_names_sizes_that_do_not() -> None:
    assert build_model("seed-cnn", 10, image_size=8).eval()(torch.zeros(2, 3, 8, 8)).shape == (
        2,
        10,
    )
    with pytest.raises(ModelError, match="multiple of 4, not 30"):
        build_model("seed-cnn", 10, image_size=30)


def test_the_cifar_stem_keeps_the_image_size_into_the_first_block() -> None:
    model = build_model("resnet18", 10, image_size=32, stem="cifar")
    assert model.conv1.kernel_size == (3, 3)
    assert model.conv1.stride == (1, 1)
    assert final_map(model, 32) == (4, 4)
    default = build_model("resnet18", 10, image_size=32)
    assert count_parameters(default) - count_parameters(model) == 3 * 64 * (49 - 9)


@pytest.mark.parametrize(("name", "last"), [("resnet18", "bn2"), ("resnext50_32x4d", "bn3")])
def test_residual_blocks_begin_as_the_identity_and_all_else_as_without(
    name: str, last: str
) -> None:
    """Goyal et al. 2017, section 5.1."""
    plain, zero = (
        build_model(name, 3, image_size=32, seed=5, zero_init_residual=wanted).state_dict()
        for wanted in (False, True)
    )
    changed = {key for key in plain if not torch.equal(plain[key], zero[key])}
    assert changed == {key for key in plain if key.endswith(f".{last}.weight")}
    assert not any(zero[key].any() for key in changed)


def test_a_model_of_another_kind_has_no_residual_blocks_to_change() -> None:
    plain, zero = (
        build_model("mobilenet_v2", 3, image_size=32, zero_init_residual=wanted).state_dict()
        for wanted in (False, True)
    )
    assert all(torch.equal(plain[key], zero[key]) for key in plain)


def test_the_names_of_our_own_networks_are_those_that_can_be_built() -> None:
    assert set(spec_values.OWN_MODELS) == {SEED_CNN, *SHAPES}


def test_a_model_without_such_a_stem_refuses_it() -> None:
    with pytest.raises(ModelError, match="vgg11 has no such stem"):
        check_model("vgg11", stem="cifar")
    with pytest.raises(ModelError, match="one of default, cifar"):
        check_model("resnet18", stem="imagenet")


def test_an_unknown_model_gets_the_nearest_names() -> None:
    with pytest.raises(ModelError, match="did you mean resnet18"):
        check_model("resnet-18")
    with pytest.raises(ModelError, match=r"allowed are .* seed-cnn, speedrun, .* and your own"):
        check_model("zzz")


@pytest.mark.parametrize(
    ("name", "size", "smallest"), [("vgg11", 16, 32), ("squeezenet1_1", 8, 17)]
)
def test_images_too_small_for_a_model_are_refused_with_the_smallest_size(
    name: str, size: int, smallest: int
) -> None:
    with pytest.raises(ModelError, match=f"image_size {size}: .* is {smallest}$"):
        build_model(name, 10, image_size=size)


def test_a_vision_transformer_takes_the_studys_image_size() -> None:
    model = build_model("vit_b_32", 10, image_size=64).eval()
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 10)
    with pytest.raises(ModelError, match="multiple of 16, not 40"):
        build_model("vit_b_16", 10, image_size=40)


@pytest.mark.parametrize("factory", ["flat", "Flat", "sized", "reads_values"])
def test_a_factory_in_the_current_directory_builds_the_model(own_models: str, factory: str) -> None:
    name = f"{own_models}:{factory}"
    check_model(name)
    first, again = (build_model(name, 5, image_size=8, seed=3) for _ in range(2))
    assert is_factory(name)
    assert torch.equal(weights_of(first), weights_of(again))
    assert str(Path.cwd()) not in sys.path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:net", "no module no_such_module in the current directory"),
        ("{own}:flit", "has no flit; did you mean flat"),
        ("{own}:answer", "answer is not a function but int"),
        ("{own}:without_classes", "called as without_classes.num_classes"),
        ("own models:net", "expected package.module:factory"),
        (":net", "expected package.module:factory"),
    ],
)
def test_a_factory_that_is_not_there_is_found_before_anything_is_built(
    own_models: str, name: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        check_model(name.format(own=own_models))


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no_module", "must return a torch.nn.Module, not str"),
        ("fails", "the factory failed: RuntimeError: first line second line$"),
        ("wrong_shape", r"logits of shape \(2, 5\); it gave shape \(2, 6\)"),
        ("nothing_to_train", "has no trainable parameters"),
    ],
)
def test_a_factory_that_does_not_do_its_job_is_told_so_in_one_line(
    own_models: str, factory: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        build_model(f"{own_models}:{factory}", 5, image_size=8)


def test_without_the_package_of_our_own_factories_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    monkeypatch.delitem(sys.modules, "sixteenth.models.lite", raising=False)
    with pytest.raises(ModelError, match=r"efficientnet_lite_pytorch .*'sixteenth\[lite\]'"):
        check_model("sixteenth.models.lite:lite0")


def test_a_module_that_cannot_be_imported_is_told_with_its_reason(own_models: str) -> None:
    Path("broken_module_of_the_test.py").write_text("import a_package_that_is_not_there\n")
    with pytest.raises(ModelError, match="failed: No module named 'a_package_that_is_not_there'"):
        check_model("broken_module_of_the_test:net")
