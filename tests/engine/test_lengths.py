"""Several lengths in one run: each branch is the shorter run that it stands for, and leaves no
trace in the whole one; cut off anywhere, all of them come out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sixteenth import RunSpec, parse_spec
from sixteenth.data import ImageDataset
from sixteenth.engine import loop
from sixteenth.engine.lengths import plan_lengths
from sixteenth.engine.optim import learning_rate
from sixteenth.engine.train import Progress, train_run
from sixteenth.engine.workload import Workload
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from tiny_study import checkpoint_at_every_step, interrupt_at

pytestmark = pytest.mark.usefixtures("tiny_models")

WSD = "warmup-stable-decay"


def cell(lengths: list[Any], **train: Any) -> RunSpec:
    """A run on 200 images: seven steps an epoch, 28 in all."""
    return parse_spec(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["200 images"],
            "lengths": lengths,
            "train": {"epochs": 4, "batch_size": 32, "schedule": WSD, "crop": 1, **train},
        }
    ).runs()[0]


def contents(folder: RunFolder) -> list[object]:
    """All that a run left, times aside."""
    files = sorted(path for path in folder.path.iterdir() if path.suffix != ".csv")
    history = folder.read_history().drop(columns="seconds").to_csv()
    record = folder.read_record()
    assert record is not None
    assert record.metrics is not None
    metrics = [each.to_dict() | {"seconds": None} for each in (record.metrics, *record.lengths)]
    return [
        [path.name for path in files],
        [path.read_bytes() for path in files if path.suffix != ".json"],
        history,
        metrics,
    ]


def losses(record: RunRecord) -> dict[str, Any]:
    """The losses and accuracies of the whole run."""
    assert record.metrics is not None
    return {
        key: value
        for key, value in record.metrics.to_dict().items()
        if key.startswith(("test_", "train_l", "train_a"))
    }


@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "adamw"},
        {"optimizer": "sgd", "flip": "alternating"},
        {"optimizer": "muon", "test_augmentation": "mirror"},
        {"cooldown": 0.5, "batch_size": 50},  # branches leave at the end of an epoch
    ],
    ids=["adamw", "sgd", "muon", "at-an-end"],
)
def test_the_whole_run_is_the_one_without_branches_and_a_branch_is_the_shorter_run(
    digits: ImageDataset, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    folders = {name: RunFolder(tmp_path / name) for name in ("all", "1", "1/2", "1/4")}
    branched = cell(["1/4", "1/2", 1], warmup=0.5, **recipe)
    record = train_run(branched, digits, folders["all"])
    assert [each.length for each in record.lengths] == ["1/4", "1/2"]
    steps = {each.length: each.steps for each in record.lengths} | {"1": record.metrics.steps}
    for length, share in (("1", 0.125), ("1/2", 0.25), ("1/4", 0.5)):
        alone = cell([1], warmup=share, steps=steps[length], **recipe)
        # The recipe differs by its steps alone: both runs see the same images in the same order.
        single = train_run(alone, digits, folders[length])
        assert (
            folders["all"].predictions_path_of(length).read_bytes()
            == folders[length].predictions_path_of("1").read_bytes()
        ), length
        if length != "1":
            (branch,) = (each for each in record.lengths if each.length == length)
            assert losses(single).items() <= branch.to_dict().items()
            assert branch.train_flops == single.train_flops
            assert branch.epoch == single.metrics.epoch
    whole, plain = folders["all"], folders["1"]
    assert whole.weights_path.read_bytes() == plain.weights_path.read_bytes()
    assert (
        whole.read_history()
        .drop(columns="seconds")
        .equals(plain.read_history().drop(columns="seconds"))
    )


def test_the_whole_run_has_spent_what_its_branches_took(
    digits: ImageDataset, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    run = cell(["1/4", "1/2", 1])
    record = train_run(run, digits, RunFolder(tmp_path / "run"), on_progress=seen.append)
    # Of 7 steps the last one cools down, and of 14 the last three.
    assert [each.steps for each in record.lengths] == [7, 14]
    assert record.metrics.steps == 28
    steps = [progress.step for progress in seen if progress.row is None]
    assert steps == list(range(1, 28 + 1 + 3 + 1))
    assert {progress.steps for progress in seen} == {32}
    per_image = record.model.train_flops_per_image
    work = Workload.of(run.train, 200, len(digits.test), lengths=run.lengths)
    assert record.train_flops == pytest.approx(per_image * work.images, rel=0.01)
    assert record.lengths[0].train_flops == per_image * 200
    assert 0 < record.lengths[0].seconds < record.lengths[1].seconds < record.seconds
    alone = Workload.of(run.train, 200, len(digits.test))
    assert work.all_steps == alone.all_steps + 4
    assert work.evaluated == alone.evaluated + 2 * (200 + len(digits.test))
    assert work.curve_images == alone.curve_images


def test_the_epoch_of_the_progress_does_not_go_back_after_a_cooldown(
    digits: ImageDataset, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    run = cell(["1/4", "1/2", 1], epochs=30, batch_size=100)
    train_run(run, digits, RunFolder(tmp_path / "run"), on_progress=seen.append)
    # Of two steps an epoch, the shorter lengths cool down for three and six steps.
    epochs = [progress.epoch for progress in seen]
    assert epochs == sorted(epochs)
    assert set(epochs) == set(range(1, 31))
    of_epoch = [progress.epoch for progress in seen if progress.row is not None]
    assert of_epoch == list(range(1, 31))


# Of 32 steps the seventh cools down for 1/4, and steps 13 to 15 for 1/2.
@pytest.mark.parametrize(
    "stops",
    [
        pytest.param((6, 7, 14, 16, 32), id="around the ends"),
        pytest.param((3, 8, 12, 13, 15, 17, 26), id="elsewhere", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("every_step", [True, False], ids=["every-step", "at-ends"])
def test_cut_off_anywhere_a_run_comes_out_the_same(
    digits: ImageDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    every_step: bool,
    stops: tuple[int, ...],
) -> None:
    run, whole = cell(["1/4", "1/2", 1]), RunFolder(tmp_path / "whole")
    train_run(run, digits, whole)
    if every_step:
        checkpoint_at_every_step(monkeypatch)
    else:
        monkeypatch.setattr(loop, "CHECKPOINT_SHARE", 1e9)
    for stop in stops:
        cut = RunFolder(tmp_path / f"cut{stop}")
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut, on_progress=interrupt_at(step=stop))
        steps: list[int] = []
        train_run(run, digits, cut, on_progress=lambda p, steps=steps: steps.append(p.step))
        assert contents(cut) == contents(whole), stop
        # Lost is a branch at most, or a step: the last of an epoch has its checkpoint afterwards.
        assert steps[0] >= (stop - 3 if every_step else 2 if stop > 8 else 1)


@pytest.mark.parametrize(
    "recipe", [{}, {"cooldown": 0.5, "batch_size": 50}], ids=["in", "at-an-end"]
)
def test_a_run_that_stops_after_a_length_has_its_result_and_goes_on_to_the_same_end(
    digits: ImageDataset, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    run = cell(["1/4", "1/2", 1], **recipe)
    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    train_run(run, digits, whole)
    steps: list[int] = []
    for _ in range(2):  # the second time there is nothing left to do
        record = train_run(
            run, digits, cut, until="1/2", on_progress=lambda p: steps.append(p.step)
        )
        assert record.status == "interrupted"
        assert [each.length for each in record.lengths] == ["1/4", "1/2"]
        assert record == cut.read_record()
        assert list(cut.predictions_of(record)) == [f"{run.run_id}@1/4", f"{run.run_id}@1/2"]
    work = Workload.of(run.train, 200, len(digits.test), lengths=run.lengths)
    assert max(steps) == round(work.part_until(1) * work.all_steps) < 0.7 * work.all_steps
    done = int(cut.read_history()["step"].iloc[-1])
    assert work.part_left(done, 2) == pytest.approx(1 - work.part_until(1))
    assert work.part_left(0) == 1
    assert work.part_left(work.steps) == 0

    with pytest.raises(KeyboardInterrupt):
        train_run(run, digits, cut, on_progress=interrupt_at())
    assert len(cut.read_record().lengths) == 2, "what is measured stays known"
    train_run(run, digits, cut)
    assert contents(cut) == contents(whole)


# Steps 13 to 15 cool down for 1/2; 16 is the first one after them.
@pytest.mark.parametrize(("stop", "goes_on"), [(14, 13), (16, 17)])
def test_a_run_cut_off_in_a_branch_loses_that_branch_alone(
    digits: ImageDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
    goes_on: int,
) -> None:
    checkpoint_at_every_step(monkeypatch)
    run, cut, steps = cell(["1/4", "1/2", 1]), RunFolder(tmp_path / "cut"), list[int]()

    def first(progress: Progress) -> None:
        steps.append(progress.step)
        raise KeyboardInterrupt

    for on_progress in (interrupt_at(step=stop), first):
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut, on_progress=on_progress)
    assert steps == [goes_on]


def test_a_run_is_cut_off_many_times_and_comes_out_the_same(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_at_every_step(monkeypatch)
    run, cut = cell(["1/4", "1/2", 1]), RunFolder(tmp_path / "cut")
    train_run(run, digits, RunFolder(tmp_path / "whole"))
    for stop in (4, 7, 7, 10, 14, 15, 20, 31):
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut, on_progress=interrupt_at(step=stop))
    train_run(run, digits, cut)
    assert contents(cut) == contents(RunFolder(tmp_path / "whole"))


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 100, 11_730])
@pytest.mark.parametrize("cooldown", [0.0, 0.2, 0.5, 0.99])
def test_lengths_have_their_share_of_the_steps_however_few_there_are(
    steps: int, cooldown: float
) -> None:
    recipe = TrainSpec(cooldown=cooldown, schedule=WSD)
    lengths = plan_lengths(["1/100", "1/4", "1/2", "1"], steps, recipe)
    assert lengths[-1].steps == steps
    assert [each.is_whole for each in lengths] == [False, False, False, True]
    for each in lengths:
        assert 0 <= each.start < each.steps <= steps
        rates = [learning_rate(step, each.steps, recipe, 0) for step in range(each.steps)]
        assert set(rates[: each.start]) <= {recipe.peak_learning_rate}
        assert all(0 < rate < recipe.peak_learning_rate for rate in rates[each.start :])
    starts = [each.start for each in lengths]
    assert starts == sorted(starts)
