"""What the page tells of a study: its curves, its data, its recipe, and what it leaves out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invented import Invented, invented_study
from reader import Reader

from sixteenth.language import language_for
from sixteenth.report.page.view import fit_rows, make_page
from sixteenth.report.provenance import augmented
from sixteenth.storage.run_record import RunRecord


def test_failed_and_missing_runs_stand_in_the_table_with_their_reason(html: Reader) -> None:
    assert "failed: DivergedError: the loss became NaN at step 40" in html.text
    assert "not run yet" in html.text


def test_the_making_is_told(html: Reader) -> None:
    for expected in (
        "9f2c" * 16,
        "torch 2.9.0",
        "bfloat16",
        "that of the last epoch",
        "sixteenth run study.yaml",
        "10,000 test images, 2,000 or more",
        "label_smoothing: 0.1",
    ):
        assert expected in html.text


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "as optimised"])
def test_the_caption_says_whether_label_smoothing_is_in_the_training_loss(
    plain: bool, study: Invented, tmp_path: Path, blank_figures: None
) -> None:
    if plain:
        study = replace(study, runs=[run | {"train_loss": "cross-entropy"} for run in study.runs])
    study.report(tmp_path)
    said = "which raises it against the test loss" in (tmp_path / "report.md").read_text("utf-8")
    assert said is not plain


def test_a_study_with_one_seed_has_no_column_for_it(tmp_path: Path, blank_figures: None) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert "\nSeed\n" not in page.text
    assert "| Seed |" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_fitted_curves_stand_in_a_table_with_their_warnings(html: Reader) -> None:
    assert "Fitted learning curves" in html.text
    assert "3 sizes do not determine a power law" in html.text


def test_an_exponent_near_zero_is_a_zero_and_no_power_of_ten(study: Invented) -> None:
    findings = replace(study).findings()
    fits = findings.curves.fits
    for arm, fit in fits.items():
        fits[arm] = replace(fit, eta=0.1234, gamma=-0.0012, gamma_interval=(-2.57, -0.0028))
    rows = fit_rows(findings, language_for(findings))
    assert {(row.gamma, row.gamma_interval, row.eta) for row in rows} == {
        ("0.00", "−2.57 to 0.00", "0.123")
    }


def test_the_interval_of_a_small_error_has_a_digit_and_that_of_a_large_one_has_none(
    study: Invented,
) -> None:
    findings = replace(study).findings()
    fits = findings.curves.fits
    for arm, fit in fits.items():
        fits[arm] = replace(fit, alpha_interval=(0.0, 0.004))
    assert {row.alpha_interval for row in fit_rows(findings, language_for(findings))} == {
        "0.0 to 0.4%"
    }
    for arm, fit in fits.items():
        fits[arm] = replace(fit, alpha_interval=(0.02, 0.34))
    assert {row.alpha_interval for row in fit_rows(findings, language_for(findings))} == {
        "2 to 34%"
    }


def test_the_discussion_ends_with_advice(html: Reader) -> None:
    ends = [
        html.text.index(title)
        for title in ("cannot say", "Options from the best network", "was made")
    ]
    assert ends == sorted(ends)


def test_test_images_of_doubtful_label_are_listed(tmp_path: Path, blank_figures: None) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 1000)
    for i, row in study.results.iterrows():
        probabilities = np.full((1000, 3), 0.02)
        right = rng.random(1000) < row["test_accuracy"]
        probabilities[np.arange(1000), np.where(right, labels, (labels + 1) % 3)] = 0.96
        probabilities[17] = 0.0
        probabilities[17, (labels[17] + 1) % 3] = 1.0
        study.predictions[row["run_id"]] = (labels, probabilities)
        found = float((probabilities.argmax(axis=1) == labels).mean())
        study.results.loc[i, ["test_accuracy", "test_size"]] = found, 1000
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert "Predicted label" in page.text
    assert "\n17" in page.text
    assert page.open == []


def test_what_a_recipe_leaves_open_is_not_shown_as_null(
    tmp_path: Path, blank_figures: None
) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    study.spec["train"]["steps"] = None
    study.spec["image_column"] = None
    study.report(tmp_path)
    assert "null" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_data_are_called_what_the_study_calls_them_now(study: Invented, tmp_path: Path) -> None:
    for name, said in (("Pets, cleaned", "Pets, cleaned"), (None, "CIFAR-10")):
        renamed = replace(study, spec=study.spec | {"data_name": name})
        findings = renamed.findings()
        page = make_page(renamed.measurements(), findings, language_for(findings))
        assert f" on {said}" in page.screen.summary
        assert page.dateline[0] == said
        assert page.facts[0].text == f"{said}, from cifar10"


def test_a_cut_out_square_is_an_augmentation() -> None:
    plain: dict[str, Any] = {"crop": 0, "flip": False}
    assert not augmented({"train": plain}, [])
    assert augmented({"train": plain | {"cutout": 8}}, [])


def test_the_augmentation_is_the_one_that_was_recorded(study: Invented) -> None:
    digits = {"data": "digits", "train": {}}
    assert not augmented(digits, []), "of records that do not say it, by the rule of the engine"
    for recorded, said in (
        ({"crop": 4, "flip": False, "cutout": 0}, True),
        ({"crop": 0, "flip": False, "cutout": 0}, False),
    ):
        record = RunRecord.from_dict(study.runs[0] | {"augmentation": recorded})
        assert augmented(digits, [record]) is said
        assert augmented({"data": "cifar10"}, [record]) is said


def test_a_run_that_was_never_begun_is_listed_with_the_size_of_its_cell(html: Reader) -> None:
    rows = re.sub(r"\s+", " ", html.text)
    assert "50,000 (all) 2 not run yet" in rows


def test_the_discussion_leaves_out_what_the_rest_of_the_page_tells() -> None:
    one = invented_study(models=("a",), seeds=(0,), failed=(), missing=(), inits=("random",))
    findings = one.findings()
    page = make_page(one.measurements(), findings, language_for(findings))
    told = {card.kind: card for card in page.screen.cards}
    assert {told[kind].gain for kind in ("Bigger model", "Pretrained weights")} == {"–"}
    whole = {each.text for part in language_for(findings).discuss(findings).sections
             for each in part.statements}  # fmt: skip
    shown = {claim.text for part in page.sections for claim in part.statements}
    left_out = whole - shown
    assert any("This study has one model" in text for text in left_out)
    assert any("All runs start from random weights" in text for text in left_out)
    assert any(text.startswith("Best network") for text in left_out)
    assert page.screen.lead.startswith("Best network")
    assert not any("Accuracies are those of the last epoch" in text for text in shown)
    assert any(fact.text.startswith("that of the last epoch") for fact in page.facts)
    assert any("One recipe served all runs" in text for text in shown)
