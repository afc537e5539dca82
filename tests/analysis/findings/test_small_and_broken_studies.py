"""Discussions of studies with little to compare: one model, one fraction, missing runs, nothing."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from talking import discuss, section, talk, text

from sixteenth.analysis import Findings, summary_table
from sixteenth.analysis.findings.missing_runs import UnfinishedRuns
from sixteenth.analysis.findings.relation import RunsLeftOut
from sixteenth.analysis.inputs.cells import MissingReason
from sixteenth.language import language_for


def test_with_a_seed_missing_the_numbers_of_a_sentence_still_add_up(study):
    simulated = study(
        {("resnet18", "random"): (0.5, 0.6, 0.7), ("resnet50", "random"): (0.5, 0.62, 0.75)},
        seeds=(0, 1, 2),
        seed_sd=0.02,
    ).drop("resnet50-random-1-seed1", "failed", "no disk left")
    found = talk(simulated)
    row = section(found, "expectation")
    row = next(c for c in row if c.text.startswith("On 50,000 images"))
    shown = [float(part) for part in re.findall(r"\(([0-9.]+)%\)", row.text)]
    assert shown[0] - shown[1] == pytest.approx(100 * row.finding.found.value, abs=0.11)
    assert len(row.finding.found.run_ids) == 5, "all trainings count"
    claim = next(
        c
        for c in section(found, "relation")
        if "resnet50 from random weights reaches" in c.text.lower()
    )
    shown = [float(part) for part in re.findall(r"([0-9.]+)% on", claim.text)]
    rise = float(re.search(r": ([0-9.]+) points more", claim.text)[1])
    assert shown[-1] - shown[0] == pytest.approx(rise, abs=0.11)


@pytest.mark.parametrize(
    ("tag", "all_failed", "first", "open_still"),
    [
        ("en", "All runs failed", "The first error: out of <memory>", "No run has finished yet"),
        ("zh-Hant", "所有訓練都失敗了", "第一個錯誤：out of <memory>", "還沒有任何訓練完成"),
    ],
)
def test_where_all_runs_failed_the_first_screen_says_so_and_why(
    study, tag, all_failed, first, open_still
):
    made = study({("resnet18", "random"): (0.5, 0.6)}, fractions={"1/2": 4000, "1": 8000})
    small, large = made.results["run_id"]
    failed = made.drop(small, "failed", "out of\n<memory>")

    def said(made):
        found = talk(made)
        screen = language_for(found.findings, tag).screen.screen(found.overview, "")
        return screen.title, screen.lead

    assert said(failed.drop(large, "failed", "no disk left")) == (all_failed, first)
    assert said(failed.drop(large, "running")) == (open_still, first)
    assert said(made.drop(small, "failed").drop(large, "failed")) == (all_failed, "")
    assert said(made.drop(small, "missing").drop(large, "missing")) == (open_still, "")


def test_a_hole_is_left_out_named_and_explained(reference):
    broken = reference.drop("resnet50-random-1-seed0", "failed", "the loss became NaN at step 12")
    found = talk(broken)
    assert [m.run_id for m in found.missing] == ["resnet50-random-1-seed0"]
    assert "the loss became NaN at step 12" in text(found, "missing")
    assert any("1 of 12 runs failed and is left out" in said for said in found.answer)
    claims = [c for s in found.sections if s.key != "missing" for c in s.statements]
    everything = json.dumps([c.finding.to_dict() for c in claims])
    assert "resnet50-random-1-seed0" not in everything


def test_one_fraction_gives_no_word_on_more_images(study):
    found = talk(
        study(
            {("resnet18", "random"): (0.7,), ("resnet50", "random"): (0.8,)},
            fractions={"1": 50_000},
        )
    )
    assert not any(option.known for option in found.options)
    data = next(said for said in found.said_advice.options if said.finding.kind == "data")
    assert data.why == "One size says nothing of what more images bring."
    assert "Twice the images" not in " ".join(found.answer)
    assert "held at the one size measured" in text(found, "expectation")


def test_one_model_gives_no_word_on_bigger_models(study):
    found = talk(study({("resnet18", "random"): (0.4, 0.6, 0.7)}))
    assert {str(option.kind) for option in found.options if option.known} == {"data"}
    assert "one model" in text(found, "expectation")
    model = next(said for said in found.said_advice.options if said.finding.kind == "model")
    assert model.why == "No bigger model than resnet18 was trained on as many images."


def test_a_single_run_is_reported_and_nothing_is_compared(study):
    found = talk(study({("resnet18", "random"): (0.7,)}, fractions={"1": 50_000}))
    assert not any(option.known for option in found.options)
    assert found.answer[0] == "Train longer first"
    assert re.search(r"on 50,000 images, \d\d\.\d% right \(95% interval", found.answer[1])


def test_a_study_in_which_nothing_finished_says_so(study):
    simulated = study({("resnet18", "random"): (0.7,)}, fractions={"1": 50_000})
    found = talk(simulated.drop("resnet18-random-1-seed0", "missing"))
    assert found.answer == [
        "No run has finished yet",
        "No run of this study has finished, so there is nothing to conclude yet.",
        "1 of 1 runs is missing and left out.",
    ]
    assert [s.key for s in found.sections] == ["missing"]
    empty = discuss(simulated.results.iloc[:0], simulated.histories.iloc[:0])
    assert empty.answer == found.answer[:2]


def test_tables_of_a_study_in_which_nothing_finished_have_their_columns(study):
    simulated = study({("resnet18", "random"): (0.7,)}, fractions={"1": 50_000})
    some = discuss(simulated.results).findings
    missing = discuss(simulated.drop("resnet18-random-1-seed0", "missing").results).findings
    none = discuss(simulated.results.iloc[:0]).findings
    # Without predictions and without a column of it there is no balanced accuracy.
    unknown = discuss(simulated.results, metric="balanced-accuracy").findings
    for found in (missing, none, unknown):
        assert not len(found.table())
        for table in (Findings.table, lambda each: summary_table(each.grid)):
            assert list(table(found).columns) == list(table(some).columns)
        assert not len(found.table()["gain"])
    assert len(some.table())


@pytest.mark.parametrize("run", range(6))
def test_no_pattern_of_missing_runs_stops_the_discussion(study, run):
    simulated = study(
        {("resnet18", "random"): (0.4, 0.6, 0.7), ("resnet50", "imagenet"): (0.5, 0.6, 0.8)},
        test_size=200,
    )
    rng = np.random.default_rng(run)
    for run_id in rng.permutation(simulated.results["run_id"])[: run + 1]:
        simulated = simulated.drop(run_id, "interrupted")
    assert talk(simulated).answer


def test_runs_without_a_result_keep_their_names_in_json():
    left_out = RunsLeftOut(("small-random-1-seed0",), MissingReason("failed", "", ""))
    assert left_out.to_dict()["kind"] == "MissingRuns"
    assert UnfinishedRuns(1, 0, 2).to_dict()["kind"] == "RunsMissing"
