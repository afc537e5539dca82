"""The training curves: each run is drawn, and an empty panel says why."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from drawn import ENGLISH, points_of
from invented import FRACTIONS, HOSTILE, Invented, invented_study, stopped_study
from matplotlib.text import Text

from sixteenth.language import language_for
from sixteenth.report.figures.panels import MOST_CURVES, Range, curve_panels
from sixteenth.report.figures.training_curves import training_curves_figure


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_training_curves_show_every_finished_run_on_common_axes(
    study: Invented, metric: str
) -> None:
    figure = training_curves_figure(study.histories, study.results, metric=metric, language=ENGLISH)  # type: ignore[arg-type]
    finished = study.results[study.results["status"] == "finished"]
    gids = [str(line.get_gid()) for axes in figure.axes for line in axes.lines]
    for kind in ("train-", "test-", "clean-"):
        assert sum(gid.startswith(kind) for gid in gids) == len(finished)
    clean = sorted(y for _, y in points_of(figure, "clean-"))
    assert clean == pytest.approx(sorted(finished[f"train_{metric}"]))
    assert len(figure.axes) == 12
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len({axes.get_xlim() for axes in figure.axes}) == 1


def test_a_cell_without_any_finished_run_is_an_empty_panel_that_says_why() -> None:
    study = invented_study(seeds=(0,), failed=((HOSTILE, "random", "1/2", 0),), missing=())
    figure = training_curves_figure(study.histories, study.results, language=ENGLISH)
    empty = [axes for axes in figure.axes if not axes.lines]
    assert len(empty) == 1
    said = " ".join(text.get_text() for text in empty[0].texts)
    assert "failed: DivergedError: the loss became NaN" in said.replace("\n", " ")


def test_one_bad_early_epoch_does_not_flatten_all_other_curves(study: Invented) -> None:
    grid = curve_panels(study.histories, study.results, metric="loss")
    assert grid.highest > 10
    assert grid.top < 5


def test_runs_of_equal_steps_are_drawn_over_steps() -> None:
    study = invented_study(seeds=(0,), failed=(), missing=())
    longer = study.histories["fraction"] == "1/16"
    more = study.histories[longer].assign(epoch=study.histories["epoch"] + 6)
    histories = pd.concat([study.histories, more])
    assert curve_panels(study.histories, study.results).x == "epoch"
    assert curve_panels(histories, study.results).x == "step"


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_the_key_of_the_training_curves_fits_its_figure_above_the_panels(
    columns: int, metric: str, narrow: bool
) -> None:
    study = invented_study(
        models=("a",),
        inits=("random",),
        seeds=(0,),
        fractions=dict(list(FRACTIONS.items())[-columns:]),
        failed=(),
        missing=(),
    )
    figure = training_curves_figure(
        study.histories, study.results, metric=metric, language=ENGLISH, narrow=narrow
    )  # type: ignore[arg-type]
    figure.draw_without_rendering()
    key = figure.legends[0]
    assert len(key.get_texts()) == 3
    for text in key.get_texts():
        assert text.get_window_extent().x1 <= figure.bbox.x1
    headings = max(text.get_window_extent().y1 for text in figure.texts)
    assert key.get_window_extent().y0 > headings


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.95), (0.7, 0.95), (0.994, 0.998), (0.0, 0.003)])
def test_each_tick_of_the_accuracies_is_the_percentage_that_it_says(
    low: float, high: float
) -> None:
    study = invented_study(models=("a",), inits=("random",), seeds=(0,), failed=(), missing=())
    study.results[["train_accuracy", "test_accuracy"]] = high
    grown = low + (high - low) * (study.histories["epoch"] - 1) / 5
    study.histories["train_accuracy"] = study.histories["test_accuracy"] = grown
    figure = training_curves_figure(
        study.histories, study.results, metric="accuracy", language=ENGLISH
    )
    axes = figure.axes[0]
    bottom, top = axes.get_ylim()
    ticks = [float(tick) for tick in axes.get_yticks() if bottom <= tick <= top]
    said = [axes.yaxis.get_major_formatter()(tick, 0) for tick in ticks]
    assert 2 <= len(ticks) <= 7
    assert ticks == pytest.approx([float(text.rstrip("%")) / 100 for text in said], abs=1e-9)


LONG_RUNS = {"25 per class": 2500, "100 per class": 12_500, "500 per class": 50_000}
HUGE_RUNS = {"1/16": 75_000_000, "1/4": 300_000_000, "1/2": 600_000_000, "1": 1_200_000_000}


@pytest.mark.parametrize("fractions", [LONG_RUNS, LONG_RUNS | {"1": 400_000}, HUGE_RUNS])
@pytest.mark.parametrize("narrow", [False, True])
def test_headings_and_steps_of_the_training_curves_stay_beside_each_other(
    fractions: dict[str, int], narrow: bool
) -> None:
    study = invented_study(
        models=("a",),
        inits=("random",),
        seeds=(0,),
        fractions=fractions,
        failed=(),
        missing=(),
        epochs=12,
    )
    shorter = (study.histories["fraction"] == "1") & (study.histories["epoch"] > 8)
    histories = study.histories[~shorter]
    figure = training_curves_figure(histories, study.results, language=ENGLISH, narrow=narrow)
    figure.set_dpi(300)  # fewer dots widen letters
    figure.draw_without_rendering()
    headings = figure.texts[: len(fractions)]
    steps = [label for axes in figure.axes for label in axes.get_xticklabels() if label.get_text()]
    assert len(steps) >= len(fractions)
    for texts in (headings, steps):
        boxes = [text.get_window_extent() for text in texts]
        for box, right in pairwise(boxes):
            assert box.x1 < right.x0
        assert boxes[-1].x1 <= figure.bbox.x1
    assert figure.legends[0].get_window_extent().y0 > headings[0].get_window_extent().y1


def test_a_test_curve_with_epochs_that_were_not_measured_is_a_line_of_marked_points(
    blank_figures: None,
) -> None:
    """Short epochs are measured every now and then; a NaN between two points would hide both."""
    study = invented_study(seeds=(0,), failed=(), missing=(), epochs=6)
    gaps = study.histories["epoch"] % 3 != 0
    study.histories.loc[gaps, ["test_loss", "test_accuracy"]] = np.nan
    study.histories.loc[gaps, "test_images"] = 0
    figure = training_curves_figure(
        study.histories, study.results, metric="accuracy", language=ENGLISH
    )
    lines = [
        line
        for axes in figure.axes
        for line in axes.lines
        if (line.get_gid() or "").startswith("test-")
    ]
    assert len(lines) == len(study.results)
    for line in lines:
        assert list(line.get_xdata()) == [3, 6]
        assert np.isfinite(line.get_ydata()).all()
        assert line.get_marker() == "o"
    files = study.report_files()
    page = files["report.md"].decode()
    assert "test accuracy is measured at the end of some epochs" in page
    assert "Test images were measured after 24 of the 72 epochs of all runs." in page
    assert "images, 2,000 or more" in page


def test_the_diamond_stands_at_the_epoch_whose_weights_it_measures(blank_figures: None) -> None:
    study = invented_study(seeds=(0,), failed=(), missing=(), epochs=6)
    study.spec["train"] |= {"validation": 0.1}
    study.results["chosen_by"] = "validation"
    study.histories["validation_accuracy"] = np.where(study.histories["epoch"] == 4, 0.9, 0.5)
    study.histories["test_images"] = 2000
    figure = training_curves_figure(study.histories, study.results, language=ENGLISH)
    assert {x for x, _ in points_of(figure, "clean-")} == {4}
    page = study.report_files()["report.md"].decode()
    assert "of the epoch that the validation part chose on clean images" in page
    assert "2,000 or more; every number in the tables on all of them" in page


@pytest.mark.parametrize("views", ["none", "mirror-shift"])
def test_the_distance_of_the_lines_is_the_gap_only_without_averaging(
    views: str, blank_figures: None
) -> None:
    study = invented_study(seeds=(0,), failed=(), missing=())
    study.spec["train"] |= {"test_augmentation": views}
    page = study.report_files()["report.md"].decode()
    assert ("the distance to the test line is the generalisation gap" in page) is (views == "none")
    assert ("averaged over views, as the table's test values" in page) is (views != "none")


@pytest.mark.parametrize(
    ("inits", "averaged", "but"),
    [
        (("imagenet",), True, False),
        (("imagenet", "imagenet, frozen"), True, True),
        (("imagenet, frozen",), False, False),
    ],
)
def test_predictions_of_heads_are_said_to_be_no_averages(
    inits: tuple[str, ...], averaged: bool, but: bool, blank_figures: None
) -> None:
    study = invented_study(inits=inits, seeds=(0,), failed=(), missing=())
    study.spec["train"] |= {"test_augmentation": "mirror"}
    page = study.report_files()["report.md"].decode()
    assert ("predictions averaged over" in page) is averaged
    assert ("except on frozen features" in page) is but


def test_a_range_holds_the_median_and_the_ends_of_what_was_measured_at_each_epoch() -> None:
    x = np.array([1.0, 2.0, 3.0])
    found = Range.of(
        [
            (x, np.array([1.0, np.nan, 5.0])),
            (x, np.array([3.0, 4.0, 6.0])),
            (x[:1], np.array([9.0])),
        ]
    )
    assert found.x.tolist() == [1, 2, 3]
    assert found.low.tolist() == [1, 4, 5]
    assert found.middle.tolist() == [3, 4, 5.5]
    assert found.high.tolist() == [9, 4, 6]


def test_a_panel_of_very_many_runs_shows_their_median_and_range() -> None:
    for seeds, lines in ((MOST_CURVES, 3 * MOST_CURVES), (MOST_CURVES + 1, 3)):
        study = invented_study(
            models=("resnet18",),
            inits=("random",),
            fractions={"1": 50000},
            seeds=tuple(range(seeds)),
            failed=(),
            missing=(),
        )
        grid = curve_panels(study.histories, study.results)
        assert grid.crowded == (seeds > MOST_CURVES)
        figure = training_curves_figure(
            study.histories, study.results, language=language_for(), grid=grid
        )
        axes = figure.axes[0]
        assert len(axes.get_lines()) == lines
        assert len(axes.collections) == (2 if seeds > MOST_CURVES else 0)


def test_accuracies_of_shorter_trainings_stand_where_these_ended(study: Invented) -> None:
    whole = study.results[study.results["status"] == "finished"].iloc[[0]]
    run_id, epochs = whole["run_id"].item(), study.histories["epoch"].max()
    half = whole.assign(
        run_id=f"{run_id}@1/2", length=0.5, epochs=epochs / 2, steps=10, test_accuracy=0.4321
    )
    results = pd.concat([study.results.assign(length=1.0), half])
    figure = training_curves_figure(study.histories, results, metric="accuracy", language=ENGLISH)
    assert points_of(figure, "shorter-") == [(epochs / 2, 0.4321)]
    assert ENGLISH.figures.shorter in [text.get_text() for text in figure.findobj(Text)]
    without = training_curves_figure(
        study.histories, study.results, metric="accuracy", language=ENGLISH
    )
    assert ENGLISH.figures.shorter not in [text.get_text() for text in without.findobj(Text)]


@pytest.mark.parametrize(
    ("seeds", "said"), [((0,), "not at its end"), ((0, 1), "1 of 2 runs not at their end")]
)
def test_a_panel_says_that_a_run_was_measured_before_its_end(
    seeds: tuple[int, ...], said: str
) -> None:
    study = stopped_study(seeds)
    figure = training_curves_figure(study.histories, study.results, language=ENGLISH)
    notes = [
        " ".join(text.get_text() for text in axes.texts).replace("\n", " ") for axes in figure.axes
    ]
    assert said in notes[-1]
    assert not any("end" in note for note in notes[:-1])


@pytest.mark.parametrize(
    ("tag", "said"), [("en", "2 curves not kept"), ("zh-Hant", "未保留 2 條曲線")]
)
def test_of_runs_that_a_table_alone_is_left_of_it_is_said_once_that_their_curves_are_gone(
    tag: str, said: str
) -> None:
    study = invented_study(models=("a",), inits=("random",), failed=(), missing=())
    gone = study.results[(study.results["fraction"] == "1/2") & (study.results["seed"] < 2)]
    histories = study.histories[~study.histories["run_id"].isin(gone["run_id"])]
    grid = curve_panels(histories, study.results)
    panel = grid.panels["a", "random", "1/2"]
    assert [language_for(tag=tag).captions.hole(hole) for hole in panel.holes] == [said]
    assert (len(panel.curves), panel.runs, grid.several_seeds) == (1, 3, True)
