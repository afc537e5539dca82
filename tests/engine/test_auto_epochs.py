"""`train.epochs: auto`: a run is doubled until a doubling buys too little validation accuracy. It
leaves what fixed lengths leave, and cut off anywhere it comes out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from sixteenth import RunSpec, parse_spec
from sixteenth.data import ImageDataset, draw_others, load_dataset
from sixteenth.engine import lengths as planning
from sixteenth.engine import loop, workload
from sixteenth.engine.evaluation import Evaluation, guessing_bound
from sixteenth.engine.lengths import plan_doublings
from sixteenth.engine.train import Progress, train_run
from sixteenth.engine.workload import FORWARD_SHARE, Workload, split_of
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from tiny_study import checkpoint_at_every_step, interrupt_at

pytestmark = pytest.mark.usefixtures("tiny_models")


def cell(data: str = "digits", **train: Any) -> RunSpec:
    """A run on 180 of 200 images: six steps an epoch."""
    return parse_spec(
        {
            "data": data,
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["200 images"],
            "train": {"epochs": "auto", "batch_size": 32, "crop": 1, **train},
        }
    ).runs()[0]


def small_steps(monkeypatch: pytest.MonkeyPatch, least_gain: float) -> None:
    """Shortest runs of two epochs; a gain of two always ends a run, of minus two never."""
    if abs(least_gain) > 1:
        monkeypatch.setattr(Evaluation, "guessing", -1.0)
    monkeypatch.setattr(planning, "FIRST_EPOCHS", 2)
    monkeypatch.setattr(planning, "FIRST_STEPS", 12)
    monkeypatch.setattr(planning, "LEAST_GAIN", least_gain)


def contents(folder: RunFolder) -> list[object]:
    """All that a run left, times aside."""
    files = sorted(path for path in folder.path.iterdir() if path.suffix not in (".csv", ".json"))
    record = folder.read_record()
    assert record is not None
    assert record.metrics is not None
    return [
        [path.name for path in files],
        [path.read_bytes() for path in files],
        folder.read_history().drop(columns="seconds").to_csv(),
        [each.to_dict() | {"seconds": None} for each in (record.metrics, *record.lengths)],
    ]


def of_lengths(record: RunRecord, what: str) -> list[Any]:
    return [getattr(each, what) for each in (*record.lengths, record.metrics)]


def test_a_run_ends_when_it_has_levelled_off_and_goes_on_while_it_gains(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FIRST_STEPS", 50)
    splits: dict[str, Any] = {}
    for name, split in (("train", digits.train), ("test", digits.test)):
        two = split.labels < 2
        splits |= {f"x_{name}": split.images[two], f"y_{name}": split.labels[two]}
    np.savez(tmp_path / "two.npz", **splits)
    two = load_dataset(str(tmp_path / "two.npz"), image_size=8, data_dir=tmp_path)
    spec = cell(str(tmp_path / "two.npz"), max_epochs=80)
    easy = train_run(spec, two, RunFolder(tmp_path / "easy"))
    # Zeros and ones are told apart after the first length; a slow learner needs more of ten digits.
    assert of_lengths(easy, "epoch") == [9, 18]
    assert easy.metrics.chosen_by == "levelled-off"
    assert easy.metrics.validation_accuracy >= 0.9
    slow = cell(learning_rate=8e-4, max_epochs=80)
    hard = train_run(slow, digits, RunFolder(tmp_path / "hard"))
    epochs, accuracies = of_lengths(hard, "epoch"), of_lengths(hard, "validation_accuracy")
    assert epochs == [9, 18, 36, 72][: len(epochs)]
    assert len(epochs) > 2
    gains = np.diff(accuracies)
    assert (gains[:-1] >= 0.005).all()
    assert (gains[-1] < 0.005) == (hard.metrics.chosen_by == "levelled-off")


def test_a_network_that_still_guesses_has_not_levelled_off(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch, 0.005)
    run = cell(learning_rate=1e-9, max_epochs=8)
    record = train_run(run, digits, RunFolder(tmp_path / "run"))
    assert of_lengths(record, "epoch") == [2, 4, 8]
    assert record.metrics.chosen_by == "max-epochs"


def test_a_network_can_be_better_than_guessing_however_unequal_the_classes_are() -> None:
    unequal = guessing_bound(torch.tensor([0] * 67 + [1] * 3))
    assert 67 / 70 < unequal < 1
    two_sided = 2 * norm.sf(2)
    _, upper = proportion_confint(67, 70, two_sided, method="wilson")
    assert unequal == pytest.approx(upper, abs=1e-12)
    equal = guessing_bound(torch.arange(1000) % 10)
    assert equal == pytest.approx(0.1 + 2 * (0.09 / 1000) ** 0.5, abs=0.003)
    for images in (2, 20, 5000):
        assert guessing_bound(torch.tensor([0] * (images - 1) + [1])) < 1


def test_the_last_length_is_the_whole_run_and_the_others_are_its_halves(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch, -2.0)
    seen: list[Progress] = []
    folder = RunFolder(tmp_path / "run")
    run = cell(max_epochs=10)
    record = train_run(run, digits, folder, on_progress=seen.append)
    assert [each.length for each in record.lengths] == ["1/4", "1/2"]
    assert of_lengths(record, "epoch") == [2, 4, 8]
    assert of_lengths(record, "steps") == [12, 24, 48]
    assert record.metrics.chosen_by == "max-epochs"
    assert record.train_size == 200
    names = {path.name for path in folder.path.glob("predictions*")}
    assert names == {"predictions.npz", "predictions-1of2.npz", "predictions-1of4.npz"}
    assert len(dict(folder.predictions_of(record))) == 3  # and they have the stated accuracies
    history = folder.read_history()
    assert list(history["epoch"]) == list(range(1, 9))
    assert history["validation_accuracy"].isna().all()  # else figures would say it chose the epoch
    # The part of the current doubling: up to the end of the length that is being trained.
    steps = [progress for progress in seen if progress.row is None]
    assert [each.step for each in steps] == list(range(1, 48 + 2 + 5 + 1))
    assert list(dict.fromkeys((each.epochs, each.steps) for each in steps)) == [
        (2, 12),
        (4, 24 + 2),
        (8, 48 + 2 + 5),
    ]
    # The epochs of a cool-down that was left again are told once, as they stay in the history.
    epochs = [each.epoch for each in seen]
    assert epochs == sorted(epochs)
    told = [each.row for each in seen if each.row is not None]
    assert [row.epoch for row in told] == list(range(1, 9))
    assert [row.test_accuracy for row in told] == pytest.approx(history["test_accuracy"])
    work = Workload.of(run.train, 180, len(digits.test), 20)
    assert (work.epochs, work.steps, work.all_steps) == (8, 48, 55)


def test_a_run_that_ends_early_is_the_run_of_that_length(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are those of a longer run's branch, and of a run that could not be longer."""
    small_steps(monkeypatch, 2.0)
    ended = train_run(cell(max_epochs=16), digits, RunFolder(tmp_path / "ended"))
    assert of_lengths(ended, "epoch") == [2, 4]
    assert ended.metrics.chosen_by == "levelled-off"
    whole = train_run(cell(max_epochs=4), digits, RunFolder(tmp_path / "whole"))
    assert whole.metrics.chosen_by == "levelled-off"
    assert (
        contents(RunFolder(tmp_path / "ended"))[:2] == contents(RunFolder(tmp_path / "whole"))[:2]
    )
    small_steps(monkeypatch, -2.0)
    longer = train_run(cell(max_epochs=16), digits, RunFolder(tmp_path / "longer"))
    halves = [each.length for each in longer.lengths]
    assert halves == ["1/8", "1/4", "1/2"]
    assert (
        RunFolder(tmp_path / "ended").predictions_path_of("1").read_bytes()
        == RunFolder(tmp_path / "longer").predictions_path_of("1/4").read_bytes()
    )
    assert longer.lengths[1].test_accuracy == ended.metrics.test_accuracy
    assert longer.lengths[1].validation_accuracy == ended.metrics.validation_accuracy


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param((11, 13, 25), id="around the ends"),
        pytest.param((3, 9, 10, 12, 20, 22, 26), id="elsewhere", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("least_gain", "every_step"),
    [
        pytest.param(2.0, True, id="levels-off, every step"),
        pytest.param(-2.0, False, id="at max_epochs, at ends"),
        pytest.param(2.0, False, id="levels-off, at ends", marks=pytest.mark.slow),
        pytest.param(-2.0, True, id="at max_epochs, every step", marks=pytest.mark.slow),
    ],
)
def test_cut_off_anywhere_a_run_comes_out_the_same(
    digits: ImageDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    least_gain: float,
    every_step: bool,
    stops: tuple[int, ...],
) -> None:
    small_steps(monkeypatch, least_gain)
    run, whole = cell(max_epochs=4 if least_gain < 0 else 9), RunFolder(tmp_path / "whole")
    train_run(run, digits, whole)
    if every_step:
        checkpoint_at_every_step(monkeypatch)
    else:
        monkeypatch.setattr(loop, "CHECKPOINT_SHARE", 1e9)
    # The first length ends at step 12, of which two are its cool-down; the second at 26.
    for stop in stops:
        cut = RunFolder(tmp_path / f"cut{stop}")
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut, on_progress=interrupt_at(step=stop))
        train_run(run, digits, cut)
        assert contents(cut) == contents(whole), stop


def test_killed_while_it_names_its_lengths_a_run_comes_out_the_same(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch, -2.0)
    run, cut = cell(max_epochs=8), RunFolder(tmp_path / "cut")
    train_run(run, digits, RunFolder(tmp_path / "whole"))

    def killed(self: RunFolder, lengths: list[str], shares: list[str]) -> None:
        rename(self, lengths[:1], shares[:1])
        raise KeyboardInterrupt

    rename = RunFolder.name_by_shares
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "name_by_shares", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut)
    train_run(run, digits, cut)
    assert contents(cut) == contents(RunFolder(tmp_path / "whole"))


def test_what_is_held_out_is_a_tenth_of_the_run_s_own_images(digits: ImageDataset) -> None:
    kept, held = split_of(cell(), digits)
    fixed = split_of(cell(epochs=4), digits)[0]
    assert (len(kept), len(held)) == (180, 20)
    assert sorted([*kept, *held]) == sorted(fixed)


def test_lengths_are_measured_on_images_outside_of_the_subset_too(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They tell better whether a doubling bought half a point; none of them is trained on."""
    measured: list[np.ndarray] = []

    class Watched(Evaluation):
        def __init__(self, learner: Any, work: Any, train: Any, held: Any, test: Any) -> None:
            super().__init__(learner, work, train, held, test)
            measured.append(np.asarray(held[1]))

    monkeypatch.setattr(loop, "Evaluation", Watched)
    small_steps(monkeypatch, 2.0)
    kept, held = split_of(cell(), digits)
    all_images, first = len(digits.train), 2 * 180
    for most, others in ((5000, round(0.05 * first / FORWARD_SHARE)), (60, 40), (10, 0)):
        monkeypatch.setattr(workload, "OTHERS_MOST", most)
        work = Workload.of(cell().train, 180, 360, 20, other_images=all_images - 200)
        assert work.others == others
        alone = Workload.of(cell().train, 180, 360, 20)
        assert work.evaluated - alone.evaluated == others * len(work.lengths)
        assert work.subset == alone.subset == 200
        record = train_run(cell(max_epochs=4), digits, RunFolder(tmp_path / str(most)))
        assert (record.train_size, record.metrics.validation_images) == (200, 20 + others)
        labels = digits.train.labels
        drawn = draw_others(labels, np.concatenate([kept, held]), others, seed=0)
        assert not {*drawn} & {*kept, *held}
        assert len({*drawn}) == others
        assert measured[-1].tolist() == labels[np.concatenate([held, drawn])].tolist()
    every = Workload.of(cell().train, 180, 360, 20, other_images=0)
    assert every.others == 0, "of the whole training set nothing is left"
    fixed = Workload.of(cell(epochs=4).train, 200, 360, other_images=all_images - 200)
    assert fixed.others == 0


@pytest.mark.parametrize(
    ("batches", "most", "epochs"),
    [
        (22, 120, [10, 20, 40, 80]),
        (352, 120, [4, 8, 16, 32, 64]),
        (1, 120, [60, 120]),  # 200 steps are more epochs than there may be
        (1, 1000, [200, 400, 800]),
        (352, 7, [3, 6]),
        (352, 2, [1, 2]),
        (352, "auto", [4, 8, 16, 32, 64]),
        (22, "auto", [10, 20, 40, 80, 160]),
        (6, "auto", [34, 68, 136, 272, 544]),  # 120 epochs would be 720 steps
    ],
)
def test_the_shortest_length_has_some_200_steps_and_there_is_a_doubling(
    batches: int, most: int | Literal["auto"], epochs: list[int]
) -> None:
    recipe = TrainSpec(epochs="auto", max_epochs=most)
    lengths = plan_doublings(batches, recipe)
    assert [each.steps for each in lengths] == [n * batches for n in epochs]
    assert [each.is_whole for each in lengths] == [False] * (len(epochs) - 1) + [True]
    assert len(lengths) <= cell(max_epochs=most).most_lengths


def measured_so_far(record: RunRecord, folder: RunFolder) -> list[Any]:
    """Epochs of all lengths that are known, their names, and what chose the last."""
    assert record == folder.read_record()
    names = [each.length for each in record.lengths]
    rows = [record.row_id(name) for name in (*names, "1")]
    assert list(dict(folder.predictions_of(record))) == rows, "with the accuracies that it states"
    return [of_lengths(record, "epoch"), names, record.metrics and record.metrics.chosen_by]


def test_a_run_that_is_stopped_counts_as_it_was_at_its_longest_length(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as if that length had been the whole run; going on, it comes out the same."""
    small_steps(monkeypatch, -2.0)
    run, whole, cut = cell(max_epochs=8), RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    finished = train_run(run, digits, whole)

    def stop_at(step: int) -> RunRecord:
        with pytest.raises(KeyboardInterrupt):
            train_run(run, digits, cut, on_progress=interrupt_at(step=step))
        record = cut.read_record()
        assert record is not None
        assert record.status == "interrupted"
        return record

    early = stop_at(11)
    assert early.metrics is None
    assert not early.has_result
    # The first length ends at step 12, of which two are its cool-down; the second at 26.
    later = stop_at(28)
    assert later.has_result
    assert measured_so_far(later, cut) == [[2, 4], ["1/2"], "stopped"]
    assert later.metrics.test_accuracy == finished.lengths[1].test_accuracy
    assert later.metrics.train_measured == 180
    assert later.metrics.validation_images == finished.metrics.validation_images
    assert later.train_flops == finished.lengths[1].train_flops
    goes_on: list[RunRecord | None] = []
    train_run(run, digits, cut, on_progress=lambda _: goes_on.append(cut.read_record()))
    assert contents(cut) == contents(whole)
    assert goes_on[0] is not None
    assert goes_on[0].status == "running"
    assert goes_on[0].has_result, "what is known stays known while it goes on"


def test_a_run_is_trained_to_a_length_unless_it_ends_before(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch, -2.0)
    run, whole, part = cell(max_epochs=8), RunFolder(tmp_path / "w"), RunFolder(tmp_path / "part")
    train_run(run, digits, whole)
    stopped = train_run(run, digits, part, until="4 epochs")
    assert stopped.status == "interrupted"
    assert measured_so_far(stopped, part) == [[2, 4], ["1/2"], "stopped"]
    assert part.read_history()["step"].max() < 24, "it goes on from where the cool-down began"
    assert train_run(run, digits, part, until="4 epochs").metrics == stopped.metrics
    train_run(run, digits, part)
    assert contents(part) == contents(whole)
    small_steps(monkeypatch, 2.0)
    ended = train_run(cell(max_epochs=32), digits, RunFolder(tmp_path / "ended"), until="8 epochs")
    assert ended.is_finished
    assert ended.metrics.epoch == 4
    assert ended.metrics.chosen_by == "levelled-off"


def test_a_run_that_fails_later_has_no_result(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch, -2.0)
    run, folder = cell(max_epochs=8), RunFolder(tmp_path / "run")

    def fail(progress: Progress) -> None:
        if progress.step > 28:
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        train_run(run, digits, folder, on_progress=fail)
    record = folder.read_record()
    assert record is not None
    assert record.status == "failed"
    assert (record.metrics, record.lengths, record.has_result) == (None, (), False)
    # Of a run that goes on from there, what the checkpoint knows is known again.
    with pytest.raises(KeyboardInterrupt):
        train_run(run, digits, folder, on_progress=interrupt_at(step=1))
    again = folder.read_record()
    assert again is not None
    assert again.status == "interrupted"
