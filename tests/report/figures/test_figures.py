"""The figures: every measurement is drawn, where it belongs, and no label hides another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from invented import FRACTIONS, HOSTILE, Invented, invented_study
from matplotlib.figure import Figure
from matplotlib.text import Text

from sixteenth.analysis import Cell, Option, OptionKind, OptionVerdict, bands, cells, read_grid
from sixteenth.analysis.findings.overview import Card
from sixteenth.language import language_for
from sixteenth.language.screen import SaidCard, SaidOverview
from sixteenth.report.figures.accuracy import accuracy_figure
from sixteenth.report.figures.gains import options_figure
from sixteenth.report.figures.panels import MOST_CURVES, Range, curve_panels
from sixteenth.report.figures.style import COLOURS, MUTED, apart, move_apart, svg
from sixteenth.report.figures.talk import talk_figure
from sixteenth.report.figures.training_curves import training_curves_figure
from sixteenth.report.parts import draw_figures

ENGLISH = language_for()


def _points(figure: Figure, prefix: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for axes in figure.axes
        for line in axes.lines
        if (line.get_gid() or "").startswith(prefix)
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def _accuracy_figure(study: Invented, *fitted: Any, narrow: bool = False) -> Figure:
    grid = read_grid(study.results)
    return accuracy_figure(cells(grid), grid, *fitted, language=ENGLISH, narrow=narrow)


@pytest.mark.parametrize("narrow", [False, True])
def test_every_seed_has_its_point_inside_the_axes(study: Invented, narrow: bool) -> None:
    figure = _accuracy_figure(study, narrow=narrow)
    finished = study.results[study.results["status"] == "finished"]
    drawn = sorted(y for _, y in _points(figure, "seeds-"))
    assert drawn == pytest.approx(sorted(finished["test_accuracy"]))
    (left, right), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    for x, y in _points(figure, "seeds-"):
        assert left < x < right
        assert bottom < y < top


@pytest.mark.parametrize("narrow", [False, True])
def test_fitted_curves_reach_to_the_next_doubling_with_their_interval(
    study: Invented, narrow: bool
) -> None:
    fitted = bands(study.findings().curves)
    figure = _accuracy_figure(study, fitted, narrow=narrow)
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    measured = ["3,125\n1/16", "25,000\n1/2", "50,000\nall"]
    assert labels == [*measured, "" if narrow else "100,000\nforecast"]
    assert len(axes.collections) >= 2 * len(fitted)  # a band inside and one beyond
    for band in fitted.values():
        assert band.sizes[-1] == pytest.approx(2 * band.measured)
        assert (band.low <= band.middle).all()
        assert (band.middle <= band.high).all()
        assert axes.get_ylim()[0] < 1 - band.high[-1]
    figure.draw_without_rendering()
    for text in axes.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_a_forecast_begins_where_its_line_ends(study: Invented) -> None:
    fitted = bands(study.findings().curves)
    axes = _accuracy_figure(study, fitted).axes[0]
    drawn = [line for line in axes.lines if line.get_linestyle() != "None"]
    ends = [line.get_xdata()[-1] for line in drawn if str(line.get_gid()).startswith("line-")]
    begins = [line.get_xdata()[0] for line in drawn if not line.get_gid()]
    assert len(begins) == 4
    assert begins == pytest.approx(ends)


def test_the_whole_training_set_keeps_its_label_and_a_forecast_gives_way() -> None:
    assert apart([0, 1, 1.5, 2], [0.4] * 4, forecasts=1) == {0, 1, 2, 3}
    assert apart([0, 1, 1.5, 2], [0.5] * 4, forecasts=1) == {0, 2}
    assert apart([0, 1, 1.5, 2], [0.5] * 4) == {0, 1, 3}
    assert apart([0, 1], [0.5, 1.6], forecasts=1) == {0}


def test_the_fitted_curve_goes_through_what_was_measured(study: Invented) -> None:
    fitted = bands(study.findings().curves)
    for row in cells(read_grid(study.results)).itertuples():
        band = fitted[row.model, row.init]
        at = int(np.argmin(abs(band.sizes - row.train_size)))
        assert 1 - band.middle[at] == pytest.approx(row.test_accuracy, abs=0.004)


def test_with_one_seed_the_points_are_the_runs() -> None:
    study = invented_study(seeds=(0,), failed=(), missing=())
    figure = _accuracy_figure(study)
    assert len(_points(figure, "seeds-")) == len(study.results)


def test_the_size_axis_is_logarithmic_and_names_images_and_fractions(study: Invented) -> None:
    axes = _accuracy_figure(study).axes[0]
    assert axes.get_xscale() == "log"
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["3,125\n1/16", "25,000\n1/2", "50,000\nall"]


def test_labels_at_the_ends_of_close_lines_do_not_overlap(study: Invented) -> None:
    figure = _accuracy_figure(study)
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_gid() == "label"]
    assert len(boxes) == 4
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert box.x1 <= figure.bbox.x1


def test_spread_keeps_order_gap_and_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        wanted = rng.uniform(0, 10, rng.integers(1, 9)).tolist()
        placed = move_apart(wanted, 1.0, 0.0, 10.0)
        assert np.argsort(placed, kind="stable").tolist() == np.argsort(wanted).tolist()
        assert min(np.diff(sorted(placed)), default=1.0) >= 1.0 - 1e-9
        assert min(placed) >= 0
        assert max(placed) <= 10


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_training_curves_show_every_finished_run_on_common_axes(
    study: Invented, metric: str
) -> None:
    figure = training_curves_figure(study.histories, study.results, metric=metric, language=ENGLISH)  # type: ignore[arg-type]
    finished = study.results[study.results["status"] == "finished"]
    gids = [str(line.get_gid()) for axes in figure.axes for line in axes.lines]
    for kind in ("train-", "test-", "clean-"):
        assert sum(gid.startswith(kind) for gid in gids) == len(finished)
    clean = sorted(y for _, y in _points(figure, "clean-"))
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


START = Cell("resnet18", "random", "1", 50_000, (), 1)
OPTIONS = [
    Option(OptionKind.TRAINING, START, ("resnet18", "random"), 0.038, 0.019, 0.057, 0.9,
           OptionVerdict.HELPS),
    Option(OptionKind.DATA, START, ("resnet18", "random"), 0.01, -0.01, 0.03, 0.9,
           OptionVerdict.CANNOT_TELL),
    Option(OptionKind.MODEL, START, (HOSTILE, "random"), -0.02, -0.04, -0.001, 0.95,
           OptionVerdict.DOES_NOT, measured=True),
    Option(OptionKind.INIT, START),
]  # fmt: skip


@pytest.mark.parametrize("narrow", [False, True])
def test_the_options_figure_shows_each_known_gain_and_the_line_at_no_gain(narrow: bool) -> None:
    figure = options_figure(OPTIONS, language=ENGLISH, narrow=narrow)
    points = _points(figure, "gain-")
    assert [x for x, _ in points] == pytest.approx([3.8, 1.0, -2.0]), "the best first"
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)
    drawn = {
        line.get_gid(): line for line in figure.axes[0].lines if "gain-" in (line.get_gid() or "")
    }
    assert {key: line.get_marker() for key, line in drawn.items()} == {
        "gain-training": "D",
        "gain-data": "D",
        "gain-model": "o",
    }
    hollow = {key for key, line in drawn.items() if line.get_markerfacecolor() == "white"}
    assert hollow == {"gain-data"}
    left, right = figure.axes[0].get_xlim()
    assert left < -4
    assert right > 5.7
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "+3.8 (+1.9 to +5.7)" in texts
    assert any(text.startswith("Best: resnet18") for text in texts)
    figure.set_dpi(300)  # fewer dots widen letters
    figure.draw_without_rendering()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


def test_the_options_figure_without_a_known_gain_says_so() -> None:
    figure = options_figure(OPTIONS[3:], language=ENGLISH)
    assert [text.get_text() for text in figure.axes[0].texts] == [ENGLISH.figures.no_options]


def test_the_words_of_the_options_figure_say_what_is_measured() -> None:
    caption = ENGLISH.captions.options(OPTIONS)
    assert "the interval for another training" in caption
    assert "Diamonds: forecasts, with 90% intervals." in caption
    assert "Diamonds" not in ENGLISH.captions.options(OPTIONS[2:3])
    alt = ENGLISH.captions.options_alt(OPTIONS[:2])
    assert alt == (
        "Gains in test accuracy: twice the training steps +3.8 points (+1.9 to +5.7); twice the "
        "images (100,000) +1.0 points (−1.0 to +3.0)."
    )
    assert ENGLISH.captions.cell(START) == "resnet18 from random weights on 50,000 images"


def test_a_name_is_never_read_as_a_formula_and_the_svg_stays_whole() -> None:
    name = "a$x_{1}^{2}$<b>&\x07\x00"
    study = invented_study(models=(name, "b"), seeds=(0,), failed=(), missing=())
    text = svg(_accuracy_figure(study)).decode()
    assert "a$x_{1}^{2}$&lt;b&gt;&amp;" in text
    assert "\x07" not in text


def test_a_notebook_gets_the_figures_and_the_discussion_of_the_report(study: Invented) -> None:
    figures = draw_figures(study.results, study.histories, study.findings(), ENGLISH)
    assert list(figures) == ["accuracy", "options", "loss-curves", "accuracy-curves"]
    assert study.findings().answer


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
    assert {x for x, _ in _points(figure, "clean-")} == {4}
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
    assert _points(figure, "shorter-") == [(epochs / 2, 0.4321)]
    assert ENGLISH.figures.shorter in [text.get_text() for text in figure.findobj(Text)]
    without = training_curves_figure(
        study.histories, study.results, metric="accuracy", language=ENGLISH
    )
    assert ENGLISH.figures.shorter not in [text.get_text() for text in without.findobj(Text)]


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


def test_the_picture_for_a_talk_fills_what_can_be_told_as_the_other_figures_do(
    study: Invented,
) -> None:
    overview = study.findings().overview
    said = tuple(SaidCard(Card(one), one.kind, "", "", "", (), "", "") for one in OPTIONS[:3])
    figure = talk_figure(SaidOverview(overview, "", "", said, (), (), (), ""), "", "")
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    fills = [line.get_markerfacecolor() for line in points]
    assert [card.card.verdict for card in said] == ["helps", "cannot tell", "does not"]
    assert fills == [COLOURS[0], "white", MUTED]
