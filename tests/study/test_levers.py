"""What each lever of `sixteenth explain` changes in a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from sixteenth.analysis.findings.levers import CellPair, Lever
from sixteenth.spec import StudySpec, dump_spec, spec_differences
from sixteenth.storage.study_folder import StudyFolder, _are_repeats
from sixteenth.study.levers import begun_levers, lever_study


def begins_as_torchvision(**more: object) -> StudySpec:
    content = {"data": "cifar10", "fractions": ["1/16", 1], "train": {"epochs": 3}}
    return StudySpec.model_validate(content | {"zero_init_residual": False} | more)


RESNETS = CellPair("1/16", ("resnet50", "random"), ("resnet18", "random"))


def changed(lever: Lever, tmp_path: Path, **more: object) -> list[str] | None:
    base = begins_as_torchvision(**more)
    made = lever_study(base, tmp_path, RESNETS, lever, symbols=False)
    if made is None:
        return None
    runs = {(run.model, run.fraction): run for run in base.runs()}
    return sorted(
        {
            f"{key}: {before!r}, {now!r}"
            for run in made.runs()
            for key, (before, now) in spec_differences(runs[run.model, run.fraction], run).items()
        }
    )


@pytest.mark.parametrize(
    ("lever", "differs"),
    [
        (Lever.STEPS, ["train.epochs: 3, 12"]),
        (Lever.IMAGE_SIZE, ["image_size: 32, 64"]),
        (Lever.STEM, ["stem: 'default', 'cifar'"]),
        (Lever.ZERO_INIT, ["zero_init_residual: False, True"]),
        (Lever.RATE_HALF, ["train.learning_rate: None, 0.001"]),
        (Lever.RATE_DOUBLE, ["train.learning_rate: None, 0.004"]),
        (Lever.WEIGHT_DECAY, ["train.weight_decay: None, 0.2"]),
        (Lever.AUGMENTATION, ["train.cutout: 0, 8"]),
        (Lever.SEEDS, []),
    ],
)
def test_a_lever_changes_one_thing_of_each_run(
    lever: Lever, differs: list[str], tmp_path: Path
) -> None:
    """Longer training must not switch the schedule, which follows from the lengths when auto."""
    assert (changed(lever, tmp_path) or []) == differs


@pytest.mark.parametrize(
    ("lever", "settings"),
    [
        (Lever.STEPS, ["train.epochs=32"]),
        (Lever.IMAGE_SIZE, ["image_size=64", "train.crop=8"]),
        (Lever.STEM, ["stem=cifar"]),
        (Lever.ZERO_INIT, ["zero_init_residual=auto"]),  # of resnet50 alone
        (Lever.RATE_HALF, []),  # of the one that is behind alone
        (Lever.WEIGHT_DECAY, ["train.weight_decay=0.2"]),
        (Lever.AUGMENTATION, ["train.cutout=8"]),
        (Lever.SEEDS, []),
    ],
)
def test_the_settings_of_a_lever_train_the_whole_study_with_it(
    lever: Lever, settings: list[str], tmp_path: Path
) -> None:
    base = begins_as_torchvision(train={"epochs": 8, "crop": 4})
    made = lever_study(base, tmp_path, RESNETS, lever, symbols=False)
    assert made is not None
    assert list(made.settings(base)) == settings


def test_settings_keep_the_schedule_and_the_lengths_of_the_runs_with_the_lever(
    tmp_path: Path,
) -> None:
    """Two epochs are too few for several lengths; eight would have them by themselves."""
    base = begins_as_torchvision(train={"epochs": 2})
    made = lever_study(base, tmp_path, RESNETS, Lever.STEPS, symbols=False)
    assert made is not None
    assert base.runs()[0].lengths == ["1"]
    settings = made.settings(base)
    assert settings[0] == 'lengths=["1"]'
    assert settings[1:] == ("train.epochs=8", "train.schedule=one-cycle")


def test_the_settings_that_begin_a_network_with_blocks_of_two(tmp_path: Path) -> None:
    pair = CellPair("1/16", ("resnet34", "random"), ("resnet18", "random"))
    base = begins_as_torchvision()
    made = lever_study(base, tmp_path, pair, Lever.ZERO_INIT, symbols=False)
    assert made is not None
    assert made.settings(base) == ("zero_init_residual=true",)


def test_pixels_grow_with_the_images(tmp_path: Path) -> None:
    train = {"crop": 4, "cutout": 8}
    found = changed(Lever.IMAGE_SIZE, tmp_path, train=train)
    assert found == ["image_size: 32, 64", "train.crop: 4, 8", "train.cutout: 8, 16"]


def test_a_lever_that_changes_nothing_is_none(tmp_path: Path) -> None:
    assert changed(Lever.STEM, tmp_path, stem="cifar") is None
    for begun in (True, "auto"):
        assert changed(Lever.ZERO_INIT, tmp_path, zero_init_residual=begun) is None
    assert changed(Lever.IMAGE_SIZE, tmp_path, image_size=1000) is None
    assert changed(Lever.WEIGHT_DECAY, tmp_path, train={"weight_decay": 0}) is None


def test_runs_that_chose_their_steps_are_not_given_others(tmp_path: Path) -> None:
    auto = {"epochs": "auto"}
    assert changed(Lever.STEPS, tmp_path, train=auto) is None
    assert changed(Lever.AUGMENTATION, tmp_path, train=auto) == ["train.cutout: 0, 8"]


def test_augmentation_that_was_forbidden_stays_off(tmp_path: Path) -> None:
    """Mirrored house numbers are no house numbers."""
    forbidden = {"flip": False, "crop": 0}
    assert changed(Lever.AUGMENTATION, tmp_path, train=forbidden) == ["train.cutout: 0, 8"]
    assert changed(Lever.AUGMENTATION, tmp_path, train=forbidden | {"cutout": 4}) is None
    base = begins_as_torchvision()
    made = lever_study(base, tmp_path, RESNETS, Lever.AUGMENTATION, symbols=True)
    assert made is not None
    assert made.settings(base) == ("train.crop=4", "train.cutout=8")


def test_a_study_whose_heads_come_first_is_repeated_as_its_networks_were(tmp_path: Path) -> None:
    base = StudySpec.model_validate(
        {
            "data": "cifar10",
            "init": ["imagenet"],
            "finetune": ["head", "all"],
            "fractions": ["1/2", 1],
        }
    )
    pair = CellPair("1/2", ("resnet50", "imagenet"), ("resnet18", "imagenet"))
    made = lever_study(base, tmp_path, pair, Lever.SEEDS, symbols=False, more=1)
    assert made is not None
    alike = {run.cell: run for run in base.runs() if run.finetune == "all"}
    differs = {key for run in made.runs() for key in spec_differences(alike[run.cell], run)}
    assert differs == {"seed"}


def test_a_training_of_another_recipe_is_no_repeat() -> None:
    run = begins_as_torchvision(lengths=["1/2", 1]).runs()[0]
    assert run.train.schedule == "warmup-stable-decay"
    again = run.model_copy(update={"seed": 1, "replicate": 1})
    assert _are_repeats(run, again)
    train = run.train.model_copy(update={"schedule": "one-cycle"})
    assert not _are_repeats(run, again.model_copy(update={"train": train}))


def test_more_seeds_that_turn_a_pair_round_train_the_one_that_is_behind_now(
    tmp_path: Path,
) -> None:
    """In the folder that was begun, where what was trained of the other one stays."""
    base = begins_as_torchvision()
    begun = lever_study(base, tmp_path, RESNETS, Lever.RATE_HALF, symbols=False)
    assert begun is not None
    assert {run.model for run in begun.runs()} == {"resnet50"}
    place = StudyFolder(begun.folder)
    place.path.mkdir(parents=True)
    place.spec_path.write_text(dump_spec(begun.spec, place.spec_path), "utf-8")
    turned = CellPair("1/16", RESNETS.ahead, RESNETS.behind)
    now = lever_study(base, tmp_path, turned, Lever.RATE_HALF, symbols=False)
    assert now is not None
    assert (now.folder, now.spec) == (begun.folder, begun.spec)
    assert {run.model for run in now.runs()} == {"resnet18"}
    (kept,) = begun_levers(base, tmp_path)
    assert {run.model for run in kept.runs()} == {"resnet50"}, "nothing was trained yet"
    for run in begun.runs():
        place.run(run.run_id).path.mkdir(parents=True)
    assert {run.model for run in now.runs()} == {"resnet18", "resnet50"}
    double = lever_study(base, tmp_path, turned, Lever.RATE_DOUBLE, symbols=False)
    assert double is not None
    other = StudyFolder(double.folder)
    other.run(double.runs()[0].run_id).path.mkdir(parents=True)
    other.spec_path.write_text(dump_spec(double.spec, other.spec_path), "utf-8")
    both = list(begun_levers(base, tmp_path))
    assert [{run.model for run in each.runs()} for each in both] == [{"resnet50"}, {"resnet18"}]
    assert len({each.pair for each in both}) == 1, "one pair is told once"


def test_another_first_layer_is_no_setting_of_a_study_whose_weights_do_not_fit_it(
    tmp_path: Path,
) -> None:
    for init, settings in ((["random"], ("stem=cifar",)), (["random", "imagenet"], ())):
        base = begins_as_torchvision(init=init)
        made = lever_study(base, tmp_path, RESNETS, Lever.STEM, symbols=False)
        assert made is not None
        assert made.settings(base) == settings
