"""The check of the epochs before a long study: `sixteenth plan STUDY --check-epochs`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sixteenth import Study
from sixteenth.cli.epochs import epochs_hint
from sixteenth.engine.workload import FORWARD_SHARE
from sixteenth.errors import InputError, MismatchError, RunError
from sixteenth.study.epochs import EpochsCheck, check_epochs, epochs_study
from tiny_study import write_tiny_study

CHECK = EpochsCheck("small", "random", 1000, 100, ((8, 0.5), (16, 0.6)), None, gained=10, asked=8)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    write_tiny_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return Study.load("tiny.yaml", ['fractions=["1/4", 1]'])


def test_it_is_one_run_of_the_small_model_on_the_smallest_part_beside_the_study(
    study: Study,
) -> None:
    (run,) = epochs_study(study).runs()
    assert (run.model, run.fraction, run.seed) == ("tiny_models:small", "1/4", 0)
    assert (run.train.epochs, run.train.max_epochs) == ("auto", 12)
    assert epochs_study(study).folder.name == "tiny-epochs"


def test_it_takes_the_images_from_where_the_study_does_and_answers_in_its_language(
    study: Study,
) -> None:
    study.cifar_archive, study.language = "mirror/cifar-10-python.tar.gz", "zh-Hant"
    checked = epochs_study(study)
    assert (checked.cifar_archive, checked.language) == (study.cifar_archive, study.language)


def test_it_measures_each_doubling_on_images_that_were_held_out(study: Study) -> None:
    found = check_epochs(study, threads=1)
    assert found.train_size == 360
    # A tenth of the subset, and others, whose evaluation is a twentieth of the first 6 epochs.
    assert found.held_out == 36 + round(0.05 * 6 * 324 / FORWARD_SHARE)
    assert [epochs for epochs, _ in found.accuracies] == [6, 12], "at most four times 3 epochs"
    (_, before), (_, after) = found.accuracies
    assert found.gained == round(found.held_out * (after - before))
    assert check_epochs(study, threads=1) == found, "the finished run is read, not trained again"
    assert not study.folder.exists()


@pytest.mark.parametrize(
    ("enough", "gained", "told"), [(8, 0, True), (None, 4, False), (None, 5, True)]
)
def test_a_gain_of_few_images_is_not_told_from_chance(enough, gained, told) -> None:
    assert replace(CHECK, enough=enough, gained=gained).told is told


@pytest.mark.parametrize(
    ("setting", "way_out"),
    [
        ("train.steps=100", ["train.epochs=3", "train.steps=null"]),
        ("train.epochs=auto", ["train.epochs=3"]),
    ],
)
def test_a_study_without_a_number_of_epochs_is_refused_and_the_way_out_works(
    study: Study, setting: str, way_out: list[str]
) -> None:
    chosen = Study.load("tiny.yaml", [setting])
    with pytest.raises(InputError, match="no number of epochs to check") as refused:
        epochs_study(chosen)
    said = str(refused.value)
    assert said.endswith(", or leave out --check-epochs")
    assert [each for each in way_out if each.replace("=3", "=N") not in said] == []
    assert len(epochs_study(Study.load("tiny.yaml", [setting, *way_out])).runs()) == 1
    assert epochs_hint(chosen.spec, 3600, "tiny.yaml") == ""


def test_a_head_alone_has_no_epochs_to_check(study: Study) -> None:
    heads = Study({"data": "digits", "models": ["resnet18"], "init": ["imagenet"]})
    heads.spec = heads.spec.model_copy(update={"finetune": ["head"]})
    with pytest.raises(InputError, match="a head has none: leave out --check-epochs"):
        epochs_study(heads)
    assert epochs_hint(heads.spec, 3600, "sixteenth plan heads.yaml --check-epochs") == ""


def test_the_plan_of_a_long_study_names_the_check(study: Study) -> None:
    command = "sixteenth plan tiny.yaml --set name=a --check-epochs"
    assert epochs_hint(study.spec, 3600, command).endswith(f"One run tells: {command}")
    assert epochs_hint(study.spec, 60, "tiny.yaml") == ""


def test_an_earlier_check_of_another_recipe_is_named_with_a_way_out_that_works(
    study: Study,
) -> None:
    check_epochs(study, threads=1)
    other = Study.load("tiny.yaml", ['fractions=["1/4", 1]', "train.epochs=4"])
    with pytest.raises(MismatchError, match=r"remove .*studies/tiny-epochs") as refused:
        check_epochs(other, threads=1)
    assert "--fresh" not in str(refused.value)
    shutil.rmtree("studies/tiny-epochs")
    assert check_epochs(other, threads=1).asked == 4


def test_a_check_that_fails_says_why(study: Study) -> None:
    broken = Study.load("tiny.yaml", ["train.learning_rate=1e30", "train.schedule=constant"])
    with pytest.raises(RunError, match=r"the check of the epochs failed: .*loss"):
        check_epochs(broken, threads=1)


def test_the_folder_of_the_check_lies_beside_the_current_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_study(tmp_path)
    (tmp_path / "mine").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path / "mine")
    study = Study.load(tmp_path / "tiny.yaml", ['fractions=["1/4", 1]'], ".")
    assert epochs_study(study).folder == tmp_path / "mine-epochs"
