"""run.json as version 0.1 wrote it, as it is written now, and as nobody should write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sixteenth import InputError, MismatchError, RunSpec, parse_spec
from sixteenth.storage.run_facts import (
    AugmentationFacts,
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
    Metrics,
    ModelFacts,
)
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord

OLD: dict[str, Any] = {
    "format": 1,
    "run_id": "resnet18-random-1of16-seed0",
    "spec": {
        "model": "resnet18",
        "init": "random",
        "fraction": "1/16",
        "seed": 0,
        "replicate": 0,
        "data": "cifar10",
        "image_size": 32,
        "train": {"epochs": 2, "batch_size": 64},
    },
    "status": "finished",
    "error": None,
    "notices": [],
    "data": {
        "name": "CIFAR-10",
        "source": "cifar10",
        "fingerprint": "9f2c",
        "classes": ["cat", "dog"],
        "train_images": 50_000,
        "test_images": 10_000,
    },
    "data_checks": {"leaked_test_images": 3, "skipped": [], "examples": ["a is b"]},
    "train_size": 3125,
    "model": {
        "parameters": 11_181_642,
        "train_flops_per_image": 3_336_536_064,
        "final_map": [4, 4],
        "normalisation": {"mean": [0.5, 0.5, 0.4], "std": [0.2, 0.2, 0.3], "source": "own"},
        "weights_sha256": None,
    },
    "environment": {"torch": "2.9.0+cpu", "cores": 2, "gpu": None},
    "execution": {
        "device": "cpu",
        "precision": "bfloat16",
        "layout": "channels-last",
        "threads": 2,
        "measured": [{"precision": "float32", "processes": 2}],
    },
    "metrics": {"epoch": 2, "train_loss": 1.0, "test_accuracy": 0.5},
    "train_flops": 20_853_350_400_000_001,
    "seconds": 12.5,
    "started": "2026-03-03T10:00:00+00:00",
    "finished": "2026-03-03T10:00:13+00:00",
}


def changed(**values: Any) -> dict[str, Any]:
    """The record with dotted keys changed: ``metrics__test_accuracy=7``."""
    record = json.loads(json.dumps(OLD))
    for key, value in values.items():
        *parts, last = key.split("__")
        target = record
        for part in parts:
            target = target[part]
        target[last] = value
    return record


def test_a_record_of_version_0_1_is_read_and_written_again_as_it_was(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    text = json.dumps(OLD, indent=2) + "\n"
    folder.record_path.write_text(text, encoding="utf-8")
    record = folder.read_record()
    assert record is not None
    assert record.is_finished
    assert record.spec.fraction == "1/16"
    assert record.model is not None
    assert record.model.final_map == (4, 4)
    assert record.train_flops == 20_853_350_400_000_001, "a whole number keeps all its digits"
    assert record.run_spec(folder.record_path).train.batch_size == 64
    folder.write_record(record)
    assert folder.record_path.read_text(encoding="utf-8") == text


def test_what_an_old_or_short_record_lacks_is_none() -> None:
    record = RunRecord.from_dict(OLD)
    assert record.augmentation is None
    assert record.train_loss is None
    assert record.data_checks is not None
    assert record.data_checks.duplicates_within_train is None
    begun = {key: OLD[key] for key in ("format", "run_id", "spec")} | {"status": "failed"}
    record = RunRecord.from_dict(begun)
    assert (record.data, record.metrics, record.error, record.notices) == (None, None, None, ())
    assert record.to_dict() == begun


def test_keys_of_another_version_stay_when_a_record_is_written_again() -> None:
    record = RunRecord.from_dict(changed(status="running", weather="mild", model__colour="blue"))
    failed = record.as_failed(ValueError("no\nroom")).to_dict()
    assert (failed["weather"], failed["model"]["colour"]) == ("mild", "blue")
    assert failed["error"] == {"type": "ValueError", "message": "no room"}
    assert failed["metrics"] == OLD["metrics"]
    assert (record.status, record.error) == ("running", None), "a record is never changed"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "done"}, "status: "),
        ({"metrics": None}, "metrics"),
        ({"metrics__test_accuracy": None}, "metrics.test_accuracy"),
        ({"metrics__test_accuracy": 1.5}, "metrics.test_accuracy"),
        ({"metrics__train_loss": "1.0"}, "metrics.train_loss"),
        ({"metrics__epoch": 2.5}, "metrics.epoch"),
        ({"metrics__epoch": True}, "metrics.epoch"),
        ({"seconds": True}, "seconds: "),
        ({"seconds": float("inf")}, "seconds: "),
        ({"spec__fraction": "5/0"}, "spec.fraction"),
        ({"data__classes": "cat"}, "data.classes"),
        ({"data__train_images": -1}, "data.train_images"),
        ({"model__normalisation": {"mean": [0.5]}}, "model.normalisation.std"),
        ({"error": {"type": "E"}}, "error.message"),
        ({"augmentation": {"crop": 4, "flip": "sometimes"}}, "augmentation.flip"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_or_range_is_refused_by_its_name(
    values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        RunRecord.from_dict(changed(**values))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(changed(format=2)), "a later version"),
        ("[1]", "not the record of a run"),
        ("{", "cannot be read"),
        (json.dumps(changed(seconds=float("nan"))), "NaN is no number"),
    ],
    ids=["later", "list", "cut", "nan"],
)
def test_a_file_that_is_no_record_is_named_with_the_way_out(
    tmp_path: Path, text: str, said: str
) -> None:
    folder = RunFolder(tmp_path)
    folder.record_path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as refused:
        folder.read_record()
    assert str(folder.record_path) in str(refused.value)


def test_a_record_from_begin_to_end_has_every_key_of_the_format_in_its_order() -> None:
    run = RunSpec.model_validate(OLD["spec"])
    begun = RunRecord.begin(
        run,
        data=DataFacts(name="CIFAR-10", classes=("cat", "dog")),
        data_checks=DataChecks(leaked_test_images=0),
        environment=Environment(torch="2.9.0"),
        execution=ExecutionFacts(device="cpu"),
        before=None,
    )
    assert list(begun.to_dict()) == [
        *("format", "run_id", "spec", "status", "error", "notices", "data", "data_checks"),
        *("train_loss", "train_size", "augmentation", "model", "environment", "execution"),
        *("metrics", "lengths", "train_flops", "seconds", "feature_seconds", "evaluation_seconds"),
        *("images_per_second", "peak_memory_bytes", "started", "finished"),
    ]
    assert (begun.status, begun.finished, begun.metrics) == ("running", None, None)
    noticed = begun.with_notices(["a checkpoint was damaged"])
    again = RunRecord.begin(
        run,
        data=DataFacts(),
        data_checks=DataChecks(),
        environment=Environment(),
        execution=ExecutionFacts(),
        before=noticed.as_interrupted(),
    )
    assert (again.started, again.notices) == (begun.started, ("a checkpoint was damaged",))
    ended = (
        begun.with_training_images(200, AugmentationFacts(crop=4, flip=True, cutout=0))
        .with_model(ModelFacts(parameters=10))
        .as_finished(
            Metrics(test_accuracy=0.5),
            train_flops=10,
            seconds=1.0,
            evaluation_seconds=0.5,
            images_per_second=200.0,
            peak_memory_bytes=None,
        )
    )
    assert list(ended.to_dict()) == list(begun.to_dict())
    assert ended.is_finished
    assert ended.to_dict()["augmentation"] == {"crop": 4, "flip": True, "cutout": 0}
    assert RunRecord.from_dict(json.loads(ended.to_json())) == ended


def test_a_run_that_chose_its_length_has_the_halves_of_it() -> None:
    half, quarter = ({"length": n, "test_accuracy": 0.4} for n in ("1/2", "1/4"))
    chosen = changed(metrics__chosen_by="levelled-off")
    for lengths in ([half], [quarter, half]):
        assert len(RunRecord.from_dict(chosen | {"lengths": lengths}).lengths) == len(lengths)
    for lengths in ([quarter], [half, quarter], [half, half], [half | {"length": "8 epochs"}]):
        with pytest.raises(ValueError, match="lengths"):
            RunRecord.from_dict(chosen | {"lengths": lengths})


def test_a_finished_run_has_all_its_lengths_and_no_others() -> None:
    half = {"length": "1/2", "test_accuracy": 0.4}
    record = RunRecord.from_dict(changed(spec__lengths=["1/2", "1"]) | {"lengths": [half]})
    assert record.row_id(record.lengths[0].length) == "resnet18-random-1of16-seed0@1/2"
    assert record.row_id("1") == record.run_id
    for lengths in (
        [],
        [half, half],
        [half | {"length": "../1"}],
        [half | {"test_accuracy": None}],
    ):
        with pytest.raises(ValueError, match="lengths"):
            RunRecord.from_dict(changed(spec__lengths=["1/2", "1"]) | {"lengths": lengths})
    with pytest.raises(ValueError, match="lengths"):
        RunRecord.from_dict(changed() | {"lengths": [half]})


def test_a_run_that_was_stopped_after_a_length_has_the_shorter_ones_and_no_others() -> None:
    quarter, half, whole = ({"length": n, "test_accuracy": 0.4} for n in ("1/4", "1/2", "1"))
    stopped = changed(spec__lengths=["1/4", "1/2", "1"]) | {"status": "interrupted"}
    stopped["metrics"] = None
    for lengths in ([], [quarter], [quarter, half]):
        assert len(RunRecord.from_dict(stopped | {"lengths": lengths}).lengths) == len(lengths)
    for lengths in ([half], [half, quarter], [quarter, half, whole], [quarter, quarter]):
        with pytest.raises(ValueError, match="lengths"):
            RunRecord.from_dict(stopped | {"lengths": lengths})


def test_a_record_older_than_lengths_and_schedules_is_that_of_its_run(tmp_path: Path) -> None:
    train = {"epochs": 2, "batch_size": 64}
    study = {"data": "cifar10", "models": ["resnet18"], "fractions": ["1/16"], "train": train}
    (run,) = parse_spec(study).runs()
    RunFolder(tmp_path).check_same(RunRecord.from_dict(OLD), run, "9f2c")
    (longer,) = parse_spec(study | {"lengths": ["1/2", 1]}).runs()
    with pytest.raises(MismatchError, match=r"lengths: \['1'\] there, \['1/2', '1'\] asked for"):
        RunFolder(tmp_path).check_same(RunRecord.from_dict(OLD), longer, "9f2c")


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["cat", "hound"], "; classes 'dog' then, 'hound' now only)"),
        (["cat", "dog", "emu"], "; classes 'emu' now only)"),
        (["cat"], "; classes 'dog' then only)"),
        ([*"abcdefg"], "; classes 'cat', 'dog' then, 'a', 'b', 'c' and others now only)"),
        (["cat", "dog"], "10,000 now)"),
    ],
)
def test_classes_that_were_renamed_are_named(tmp_path: Path, classes: list[str], said: str) -> None:
    (run,) = parse_spec(
        {"data": "cifar10", "models": ["resnet18"], "fractions": ["1/16"],
         "train": {"epochs": 2, "batch_size": 64}}
    ).runs()  # fmt: skip
    record, images = RunRecord.from_dict(OLD), (50_000, 10_000)
    with pytest.raises(MismatchError, match="data fingerprint: 9f2c there, 1234 now") as caught:
        RunFolder(tmp_path).check_same(record, run, "1234", images, classes)
    assert said in str(caught.value)


def test_nothing_is_concluded_from_shorter_lengths_of_a_run_that_failed_later() -> None:
    quarter = {"length": "1/4", "test_accuracy": 0.4}
    stopped = changed(spec__lengths=["1/4", "1/2", "1"]) | {"status": "interrupted"}
    record = RunRecord.from_dict(stopped | {"metrics": None, "lengths": [quarter]})
    assert record.as_interrupted().lengths == record.lengths
    assert record.as_failed(ValueError("its loss became NaN")).lengths == ()


def test_a_run_that_goes_on_has_what_was_known_of_it_before_it_is_built_again() -> None:
    """Else one that is killed while it is built would have lengths of no number of images."""
    quarter = {"length": "1/4", "test_accuracy": 0.4}
    stopped = changed(spec__lengths=["1/4", "1/2", "1"]) | {"status": "interrupted"}
    before = RunRecord.from_dict(stopped | {"metrics": None, "lengths": [quarter]})
    assert before.train_size is not None
    again = RunRecord.begin(
        before.run_spec(Path("run.json")),
        data=DataFacts(),
        data_checks=DataChecks(),
        environment=Environment(),
        execution=ExecutionFacts(),
        before=before,
    )
    known = ("lengths", "train_size", "model", "augmentation")
    assert [getattr(again, name) for name in known] == [getattr(before, name) for name in known]
