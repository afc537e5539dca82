"""The study file: what is read, what is refused, and in which words."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from sixteenth import (
    RunSpec,
    SpecError,
    TrainFraction,
    load_spec,
    parse_spec,
    preset_names,
    preset_text,
)
from sixteenth.cli.options import Flags
from sixteenth.spec import dump_spec, spec_differences
from sixteenth.spec.fields import FROZEN, LAST_STAGE, trains_more, weights_of
from sixteenth.spec.specs import slug


def test_a_study_is_the_grid_of_its_axes_small_subsets_first() -> None:
    spec = parse_spec({"data": "digits", "fractions": [1, "1/16", "1/2"], "seeds": [0, 7]})
    runs = spec.runs()
    assert len(runs) == len({run.run_id for run in runs}) == 2 * 3 * 2
    assert runs[0].run_id == "resnet18-random-1of16-seed0"
    assert runs[-1].run_id == "resnet50-random-all-seed7"
    assert {run.replicate for run in runs if run.seed == 7} == {1}


@pytest.mark.parametrize(("subsets", "same"), [("nested", True), ("disjoint", False)])
def test_the_place_of_a_seed_in_the_list_matters_to_disjoint_subsets_alone(
    subsets: str, same: bool
) -> None:
    study = {"data": "digits", "fractions": ["1/16"], "subsets": subsets}
    before = parse_spec({**study, "seeds": [7]}).runs()
    after = [run for run in parse_spec({**study, "seeds": [0, 7]}).runs() if run.seed == 7]
    differ = [spec_differences(old, new) for old, new in zip(before, after, strict=True)]
    assert differ == [{} if same else {"replicate": (0, 1)}] * 2


@pytest.mark.parametrize(
    ("written", "canonical", "size"),
    [
        ("1/16", "1/16", 3125),
        (0.0625, "1/16", 3125),
        (0.1, "1/10", 5000),
        (1, "1", 50_000),
        (1.0, "1", 50_000),
        ("500 images", "500 images", 500),
        ("1 image", "1 images", 1),
        ("25 per class", "25 per class", 250),
    ],
)
def test_a_fraction_is_a_share_or_a_count(written: str | float, canonical: str, size: int) -> None:
    fraction = TrainFraction.parse(written)
    assert str(fraction) == canonical
    assert fraction.size(50_000, 10) == size
    assert TrainFraction.parse(str(fraction)) == fraction


@pytest.mark.parametrize(
    "written", [0, -0.5, 1.5, 500, "1/0", "half", "0 images", True, "nan", "1e-9999999"]
)
def test_what_is_no_fraction_is_refused_by_name(written: object) -> None:
    with pytest.raises(SpecError, match="fraction"):
        parse_spec({"data": "digits", "fractions": [written]})


@pytest.mark.parametrize(
    ("written", "hint"),
    [(500, "500 images"), (500.0, "500 images"), ("3/2", ""), (1.5, "")],
)
def test_a_number_of_images_is_said_as_it_can_be_written(written: object, hint: str) -> None:
    with pytest.raises(SpecError, match="out of range") as caught:
        TrainFraction.parse(written)
    assert str(caught.value).endswith(f'write "{hint}"' if hint else "(0, 1]")
    assert not hint or TrainFraction.parse(hint).count == 500


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"data": "digits", "modles": ["resnet18"]}, "did you mean models"),
        (
            {"data": "digits", "train": {"epoch": 3}},
            "did you mean train.epochs or train.max_epochs",
        ),
        ({"data": "digits", "epochs": 3}, "did you mean train.epochs"),
        ({"data": "digits", "lr": 0.1}, "did you mean train.learning_rate"),
        ({"data": "digits", "train": {"lr": 0.1}}, "did you mean train.learning_rate"),
        ({"data": "digits", "epoch": 3}, "did you mean train.epochs"),
        ({"data": "digits", "smoothing": 0.1}, "did you mean train.label_smoothing"),
        ({"data": "digits", "o": 1}, "; known: name, data"),
        ({"data": "digits", "bs": 32}, "did you mean train.batch_size"),
        ({"data": "digits", "train": {"wd": 0.1}}, "did you mean train.weight_decay"),
        ({"data": "digits", "num-epochs": 3}, "did you mean train.epochs"),
        ({"data": "digits", "arch": ["resnet18"]}, "did you mean models"),
        ({"data": "digits", "train": {"image_size": 32}}, "did you mean image_size"),
        ({"data": "digits", "device": "cpu"}, r"did you mean --device \(on the command line"),
        (
            {"data": "digits", "name": False},
            r'name: .* \(YAML reads no, off .* quotes, such as "NO"',
        ),
        ({"data": "digits", "models": [True]}, r"models.0: .* \(YAML reads yes, on and true so\)"),
        ({"data": 2024}, 'data: .* put it in quotes: "2024"'),
        ({"data": "digits", "name": date(2024, 1, 2)}, 'put it in quotes: "2024-01-02"'),
        ({"data": "digits", "train": {"epochs": "many"}}, "train.epochs"),
        ({"data": "digits", "train": {"epochs": 0}}, "train.epochs"),
        ({"data": "digits", "train": {"optimizer": "sgdd"}}, "train.optimizer"),
        ({"data": "digits", "image_size": 32.5}, "image_size"),
        ({"data": "digits", "models": []}, "models"),
        ({"data": "digits", "models": ["resnet18", "resnet18"]}, "twice"),
        ({"data": "digits", "fractions": ["1/16", 0.0625]}, "twice"),
        ({"data": "digits", "seeds": ["a"]}, "seeds"),
        ({"models": ["resnet18"]}, "'data' is missing"),
        ({"data": "digits", "lengths": ["1/2"]}, "1, the whole run, is missing"),
        ({"data": "digits", "lengths": [1, "1"]}, "twice"),
        ({"data": "digits", "lengths": [2, 1]}, "lengths: 2 is no share"),
        ({"data": "digits", "lengths": ["500 images", 1]}, "lengths: '500 images' is no share"),
        ({"data": "digits", "lengths": "some"}, "lengths"),
        (
            {"data": "digits", "seeds": 3},
            r"seeds: .*, not 3; write \[0, 1, 2\] for 3 seeds, \[3\] for the seed 3$",
        ),
        ({"data": "digits", "seeds": 1}, r"; write \[0\] for 1 seed, \[1\] for the seed 1$"),
        ({"data": "digits", "seeds": 1234}, r"seeds: .*, not 1234; write \[1234\]$"),
        ({"data": "digits", "seeds": "1-3"}, "seeds: .*, not '1-3'$"),
        ({"data": "digits", "lengths": "1/2"}, "lengths: .*, not '1/2'$"),
        ({"models": "resnet18", "image_size": "x", "data": "digits"}, "image_size"),
    ],
)
def test_a_wrong_study_is_refused_in_one_line_that_names_the_key(
    content: dict[str, object], said: str
) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        parse_spec(content)
    assert "\n" not in str(caught.value)


def test_settings_are_dotted_and_their_values_are_yaml() -> None:
    spec = load_spec("demo", ["train.steps=2", 'fractions=["1/4", "1/2"]', "train.flip=true"])
    assert (spec.train.steps, spec.fractions, spec.train.flip) == (2, ["1/4", "1/2"], True)
    assert spec.name == "demo"


@pytest.mark.parametrize("setting", ["epochs", "=3", "train.epochs.x=3", "train.epochs=[1", "x=1"])
def test_a_wrong_setting_is_refused(setting: str) -> None:
    with pytest.raises(SpecError):
        load_spec("demo", [setting])


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_opens_with_its_command_and_reads_back_as_it_was_written(name: str) -> None:
    text = preset_text(name)
    assert text.startswith(("# sixteenth run " + name, "# sixteenth " + name))
    spec = load_spec(name)
    assert parse_spec(yaml.safe_load(dump_spec(spec))) == spec


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_study_file_is_read_as_windows_writes_it(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes("data: 貓與狗\r\nseeds: [1]\r\n".encode(encoding))
    assert (load_spec(file).data, load_spec(file).seeds) == ("貓與狗", [1])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(SpecError, match="did you mean cifar10"):
        load_spec("cifar1O")


def test_a_preset_goes_before_a_file_of_its_name_which_is_reached_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo").write_text("data: elsewhere\nmodels: ['lies_here:net']\n", encoding="utf-8")
    Path("mine").write_text("data: elsewhere\n", encoding="utf-8")
    assert load_spec("demo") == parse_spec(yaml.safe_load(preset_text("demo")) | {"name": "demo"})
    for study in ("./demo", str(tmp_path / "demo"), Path("demo")):
        spec = load_spec(study)
        assert (spec.data, spec.name, spec.models) == ("elsewhere", "demo", ["lies_here:net"])
    assert load_spec("mine").data == "elsewhere"


def test_names_that_are_no_file_names_stay_apart() -> None:
    assert slug("resnet18") == "resnet18"
    assert slug("a/b.pth") != slug("a-b.pth")
    assert "/" not in slug("../../x")
    assert slug("..") not in ("..", "")


@pytest.mark.parametrize(
    ("keys", "lengths", "schedule"),
    [
        ({}, ["1/4", "1/2", "1"], "warmup-stable-decay"),
        ({"lengths": [1, 0.25, "1/2"]}, ["1/4", "1/2", "1"], "warmup-stable-decay"),
        ({"lengths": ["1/3", 1], "train": {"epochs": 1}}, ["1/3", "1"], "warmup-stable-decay"),
        ({"lengths": [1]}, ["1"], "one-cycle"),
        ({"train": {"epochs": 3}}, ["1"], "one-cycle"),
        ({"train": {"steps": 99}}, ["1"], "one-cycle"),
        ({"train": {"steps": 100}}, ["1/4", "1/2", "1"], "warmup-stable-decay"),
        ({"train": {"validation": 0.1}}, ["1"], "one-cycle"),
        ({"train": {"epochs": "auto"}}, ["1"], "warmup-stable-decay"),
        ({"train": {"schedule": "one-cycle"}}, ["1"], "one-cycle"),
        (
            {"lengths": [1], "train": {"schedule": "warmup-stable-decay"}},
            ["1"],
            "warmup-stable-decay",
        ),
    ],
)
def test_lengths_and_schedule_that_are_left_open_are_resolved_for_each_run(
    keys: dict[str, Any], lengths: list[str], schedule: str
) -> None:
    spec = parse_spec({"data": "digits", **keys})
    assert parse_spec(yaml.safe_load(dump_spec(spec))) == spec
    for run in spec.runs():
        assert (run.lengths, run.train.schedule) == (lengths, schedule)
        assert RunSpec.model_validate(run.model_dump(mode="json")) == run


@pytest.mark.parametrize("key", ["schedule: one-cycle", "schedule: constant", "validation: 0.1"])
def test_a_shorter_length_that_cannot_be_had_names_both_keys_and_the_way_out(key: str) -> None:
    train = yaml.safe_load(key)
    with pytest.raises(SpecError, match=r"^the study: lengths: .*train\.\w+.*lengths: \[1\]"):
        parse_spec({"data": "digits", "lengths": ["1/2", 1], "train": train})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"train": {"steps": 100}}, r"train\.epochs: auto .*remove train\.steps, or set train"),
        ({"train": {"validation": 0.1}}, r"train\.epochs: auto .*set train\.validation: 0, or"),
        ({"train": {"schedule": "one-cycle"}}, r"train\.epochs: auto .*use warmup-stable-decay"),
        ({"train": {"max_epochs": 1}}, r"train\.max_epochs"),
        ({"lengths": ["1/2", 1]}, r"lengths: .*train\.epochs: auto .*set lengths: auto, or"),
    ],
)
def test_what_epochs_auto_cannot_go_with_is_named_with_the_way_out(
    keys: dict[str, Any], said: str
) -> None:
    train = {"epochs": "auto"} | keys.get("train", {})
    with pytest.raises(SpecError, match=f"^the study: {said}") as caught:
        parse_spec({"data": "digits"} | keys | {"train": train})
    assert "\n" not in str(caught.value)


def test_a_folder_is_named_by_a_text_or_by_a_list_and_every_run_knows_it() -> None:
    named = {"train_folder": "a", "test_folder": ["b", "c"], "exclude": "masks"}
    study = parse_spec({"data": "images", **named})
    for spec in (study, study.runs()[0]):
        assert (spec.train_folder, spec.test_folder, spec.exclude) == (["a"], ["b", "c"], ["masks"])
    with pytest.raises(SpecError, match="exclude"):
        parse_spec({"data": "images", "exclude": 5})


def test_residual_blocks_of_resnets_from_random_weights_alone_begin_as_the_identity() -> None:
    content = {"models": ["resnet18", "resnet50", "resnext50_32x4d", "resnets:mine", "seed-cnn"]}
    content |= {"data": "cifar10", "init": ["random", "imagenet"], "fractions": [1]}

    def begin_so(**more: object) -> list[tuple[str, str]]:
        runs = parse_spec(content | more).runs()
        return [(run.model, run.init) for run in runs if run.zero_init_residual]

    bottlenecks = [("resnet50", "random"), ("resnext50_32x4d", "random")]
    assert begin_so() == begin_so(zero_init_residual="auto") == bottlenecks
    assert begin_so(zero_init_residual=True) == [("resnet18", "random"), *bottlenecks]
    assert begin_so(zero_init_residual=False) == []
    with pytest.raises(SpecError, match="zero_init_residual"):
        parse_spec(content | {"zero_init_residual": "always"})


@pytest.mark.parametrize(
    "name", ["photos\U0001f600", "007", "null", 'it\'s "mine": [a]', "é\u2028"]
)
def test_flags_take_a_path_or_a_name_as_it_is(name: str) -> None:
    spec = load_spec("cifar10", Flags(data=name, image_column=name, label_column=name).changes())
    assert (spec.data, spec.image_column, spec.label_column) == (name, name, name)


def test_finetune_is_an_axis_beside_init_and_random_weights_are_always_trained() -> None:
    study = {"data": "digits", "models": ["resnet18"], "fractions": ["1/2", 1], "seeds": [0, 1]}
    spec = parse_spec({**study, "init": ["random", "imagenet"], "finetune": ["all", "head"]})
    runs = spec.runs()
    assert {run.strategy for run in runs} == {"random", "imagenet", "imagenet, frozen"}
    heads = [run for run in runs if run.finetune == "head"]
    assert [(run.fraction, run.seed) for run in heads] == [("1/2", 0), ("1/2", 1), ("1", 0)]
    assert all(run.lengths == ["1"] for run in heads)
    assert len({run.run_id for run in runs}) == len(runs)
    assert parse_spec({**study, "init": ["imagenet"], "finetune": "head"}).finetune == ["head"]
    with pytest.raises(SpecError, match="finetune: head trains the end of"):
        parse_spec({**study, "finetune": "head"})


def test_the_last_stage_is_trained_as_all_weights_are_but_not_from_random_ones() -> None:
    study = {"data": "digits", "models": ["resnet18"], "fractions": ["1/2", 1], "seeds": [0, 1]}
    kinds = ["last-stage", "all"]
    runs = parse_spec({**study, "init": ["random", "imagenet"], "finetune": kinds}).runs()
    stages = [run for run in runs if run.finetune == "last-stage"]
    assert {run.strategy for run in stages} == {"imagenet, last stage"}
    assert [(run.fraction, run.seed) for run in stages] == [
        ("1/2", 0), ("1/2", 1), ("1", 0), ("1", 1)
    ]  # fmt: skip
    assert all(run.lengths == ["1/4", "1/2", "1"] for run in stages)
    assert stages[0].run_id == "resnet18-imagenet+last-stage-1of2-seed0"
    assert len({run.run_id for run in runs}) == len(runs)
    for tuned in ("last-stage", ["head", "last-stage"]):
        with pytest.raises(SpecError, match=r"last-stage trains the end .* \[all, (head, )?last"):
            parse_spec({**study, "finetune": tuned})
    with pytest.raises(SpecError, match="last-stage"):
        parse_spec({**study, "finetune": "last stage"})


@pytest.mark.parametrize("weights", ["imagenet", "imagenet:IMAGENET1K_V2", "mine.pth"])
def test_of_the_same_weights_the_head_is_the_least_and_all_the_most_that_is_trained(
    weights: str,
) -> None:
    head, stage = weights + FROZEN, weights + LAST_STAGE
    order = [head, stage, weights]
    for i, than in enumerate(order):
        assert weights_of(than) == weights
        assert [init for init in order if trains_more(init, than)] == order[i + 1 :]
    assert not trains_more("random", head)
    assert not trains_more(weights, "random")
