"""A study that was begun earlier goes on as it was begun; what differs is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sixteenth import MismatchError, RunSpec, Study, load_spec, parse_spec
from sixteenth.spec import describe_differences, load_frozen, spec_differences, without_place
from sixteenth.study.moved import keep_place
from sixteenth.study.preflight import check_folder

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def test_differences_between_two_studies_are_named_key_by_key() -> None:
    old = parse_spec({"data": "digits"})
    new = parse_spec({"data": "digits", "seeds": [1], "train": {"epochs": 3}})
    differences = spec_differences(old, new)
    assert differences == {"seeds": ([0], [1]), "train.epochs": (30, 3)}
    assert describe_differences(differences) == [
        "seeds: [0] there, [1] asked for",
        "train.epochs: 30 there, 3 asked for",
    ]


def test_the_most_epochs_count_only_where_a_run_chooses_its_epochs() -> None:
    old, new = ({"data": "digits", "train": {"max_epochs": most}} for most in (120, "auto"))
    assert spec_differences(parse_spec(old), parse_spec(new)) == {}
    for study in (old, new):
        study["train"]["epochs"] = "auto"
    assert spec_differences(parse_spec(old), parse_spec(new)) == {"train.max_epochs": (120, "auto")}


def test_leave_to_load_a_part_of_a_weights_file_can_be_given_later_and_not_taken_back() -> None:
    without, leave = (parse_spec({"data": "digits", "allow_partial": key}) for key in (False, True))
    assert spec_differences(without, leave) == {}
    assert spec_differences(without.runs()[0], leave.runs()[0]) == {}
    taken_back = {"allow_partial": (True, False)}
    assert spec_differences(leave, without) == taken_back
    assert spec_differences(leave.runs()[0], without.runs()[0]) == taken_back


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/study.yaml")), ids=lambda p: p.parent.name)
def test_a_study_of_an_earlier_version_has_the_runs_that_it_had(path: Path) -> None:
    spec = load_frozen(path)
    before = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "lengths" in before:
        pytest.skip("of this version")
    for run in spec.runs():
        assert run.lengths == ["1"]
        assert not run.zero_init_residual
        assert run.train.schedule == before["train"]["schedule"]
        old = run.model_dump(mode="json")
        del old["lengths"], old["train"]["cooldown"]
        assert spec_differences(RunSpec.model_validate(old), run) == {}


def test_a_key_that_is_younger_than_a_studys_folder_has_the_value_that_it_began_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("data: cifar10\nmodels: [resnet50]\n")
    assert load_frozen(path).zero_init_residual is False
    assert load_frozen(path).name == tmp_path.name
    path.write_text("data: cifar10\nzero_init_residual: true\nname: mine\n")
    assert load_frozen(path).zero_init_residual is True
    assert load_frozen(path).name == "mine"


@pytest.mark.parametrize(
    ("asked", "there", "taken"),
    [
        ({}, "", False),
        ({"zero_init_residual": True}, "", True),  # and so it is another study than that one
        ({}, "zero_init_residual: false\n", "auto"),  # likewise: that one was asked for
        ({}, None, "auto"),
    ],
)
def test_a_study_that_was_begun_before_a_key_goes_on_without_it_unless_asked(
    asked: dict[str, bool], there: str | None, taken: object, tmp_path: Path
) -> None:
    if there is not None:
        (tmp_path / "study.yaml").write_text(f"data: cifar10\n{there}")
    study = Study({"data": "cifar10"} | asked, tmp_path)
    assert study.spec.zero_init_residual == taken
    bottleneck = [run for run in study.runs() if run.model == "resnet50"]
    assert {run.zero_init_residual for run in bottleneck} == {bool(taken)}


def test_a_study_that_was_begun_before_a_key_goes_on_without_it_each_time(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("data: cifar10\nname: mine\n")
    for _ in range(2):
        keep_place(Study({"data": "cifar10", "name": "mine"}, tmp_path))  # writes study.yaml
        assert "zero_init_residual" not in yaml.safe_load(path.read_text("utf-8"))
        assert load_frozen(path).zero_init_residual is False
    keep_place(Study.open(tmp_path))
    check_folder(tmp_path, parse_spec({"data": "cifar10", "name": "mine"}))
    with pytest.raises(MismatchError, match="zero_init_residual: False there, True asked for"):
        check_folder(tmp_path, parse_spec({"data": "cifar10", "zero_init_residual": True}))


def test_runs_of_earlier_versions_keep_their_names_and_trained_all_weights() -> None:
    run = load_spec("cifar10").runs()[0]
    content = run.model_dump()
    del content["finetune"]
    assert type(run).model_validate(content) == run
    assert run.run_id == "resnet18-random-1of16-seed0"


COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("before", "now", "is_another"),
    [
        ("hf://me/animals@v1", "hf://me/animals@v2", True),
        ("hfds/me/animals@v1", "hf://datasets/me/animals@v2", True),
        ("hf://me/animals/wild", "hf://me/animals@v2/wild", True),
        (f"hf://me/animals@{COMMIT}", "hf://me/animals@v2", True),
        ("hf://me/animals@v1", "hfds/me/animals@v1", False),
        ("hf://me/animals@v1", "hf://me/animals", False),
        ("hf://me/animals", f"hf://me/animals@{COMMIT}", False),
        ("hf://me/animals@v1", "hf://you/animals@v2", False),
        ("hf://me/animals@v1/wild", "hf://me/animals@v2/tame", False),
        ("hf://me/animals@v1", "animals", False),
        ("animals", "hf://me/animals@v2", False),
        ("hf://me/animals@v1", "hf://me", False),
        ("animals", "digits", True),
    ],
)
def test_data_may_have_moved_but_not_to_another_revision(
    before: str, now: str, is_another: bool
) -> None:
    difference = {"data": (before, now)}
    assert without_place(difference, before, now) == (difference if is_another else {})
