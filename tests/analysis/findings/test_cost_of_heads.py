"""What a head takes: its fit, and the pass of images through its network, which heads share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from talking import talk

from sixteenth.analysis.stats.paired import best_network
from sixteenth.language import language_for
from sixteenth.report.provenance import provenance
from sixteenth.spec.fields import FROZEN

SMALL, BIG = ((model, f"imagenet{FROZEN}") for model in ("resnet18", "resnet50"))
PASSES = {"resnet18": 100.0, "resnet50": 200.0}
"""Seconds in which 50,000 training and 10,000 test images pass through each."""


def heads(study, small=(0.60, 0.67, 0.72), big=(0.55, 0.60, 0.65)):
    """A fit takes a second for a thousand images; the first head of each network had the pass."""
    made = study({SMALL: small, BIG: big}, seeds=(0, 1))
    rows = made.results
    rows["steps"] = 0
    rows["seconds"] = rows["train_size"] / 1000
    first = ~rows["model"].duplicated()
    rows["feature_seconds"] = np.where(first, rows["model"].map(PASSES), 0.0)
    made.histories = made.histories.iloc[:0]
    return made


def option(found, kind):
    return next(each for each in found.options if each.kind == kind)


def test_more_images_pass_through_the_network_before_a_head_is_fitted(study):
    found = talk(heads(study))
    data = option(found, "data")
    assert data.seconds == pytest.approx(2 * 50 + 100 * 110 / 60)
    assert data.points_per_hour == pytest.approx(100 * data.gain / data.seconds * 3600)
    model = option(found, "model")
    assert (model.measured, model.seconds) == (True, pytest.approx(50 + 200))


def test_two_workers_that_computed_the_same_features_make_one_pass(study):
    made = heads(study)
    rows = made.results
    twice = rows["model"].eq("resnet18") & rows["fraction"].eq("1/16")
    rows.loc[twice, "feature_seconds"] = 100.0
    assert twice.sum() == 2
    assert option(talk(made), "data").seconds == pytest.approx(2 * 50 + 100 * 110 / 60)
    found = provenance({}, rows, made.histories, [])
    assert found.timed == len(rows)
    assert found.seconds == pytest.approx(rows["seconds"].sum() + 100 + 200)
    most = rows.groupby("model")["train_flops"].max()
    assert found.train_flops == pytest.approx(most.sum()), "an image passes once, for all heads"


@pytest.mark.parametrize("known", ["in an earlier version", "there already"])
def test_where_no_run_tells_how_long_a_pass_takes_more_images_have_no_time(study, known):
    made = heads(study)
    made.results["feature_seconds"] = 0.0
    if known == "in an earlier version":
        del made.results["feature_seconds"]
        made.results.loc[0, "seconds"] += 100  # the pass, in the time of a head on few images
    found = talk(made)
    data = option(found, "data")
    assert math.isnan(data.seconds)
    assert data.verdict == "helps"
    for tag in ("en", "zh-Hant"):
        language = language_for(found.findings, tag)
        said = f"{language.say_step(data).cost} {language.screen.cost(data)}"
        assert not any(word in said for word in ("min", "hour", " s ", "分鐘", "小時", "秒")), said
    fitted = best_network(found.findings.grid).mean("seconds")
    assert math.isnan(fitted) is (known == "in an earlier version")


def test_times_of_heads_of_an_earlier_version_are_in_no_sum(study):
    made = heads(study)
    made.results["feature_seconds"] = np.nan
    found = provenance({}, made.results, made.histories, [])
    assert (found.timed, found.seconds) == (0, 0.0)
