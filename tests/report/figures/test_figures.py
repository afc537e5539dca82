"""The figures of accuracy and of options: every number where it belongs, no label hides another."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from drawn import ENGLISH, OPTIONS, START, drawn_accuracy, points_of
from invented import Invented, invented_study, stopped_study

from sixteenth.analysis import OptionVerdict, bands, cells, read_grid
from sixteenth.analysis.findings.overview import Card
from sixteenth.language import language_for
from sixteenth.language.said import SaidCard, SaidOverview
from sixteenth.report.axes import grid_axes
from sixteenth.report.figures.accuracy import accuracy_figure, accuracy_lines
from sixteenth.report.figures.gains import options_figure
from sixteenth.report.figures.inline import inline_chart
from sixteenth.report.figures.style import COLOURS, MUTED, apart, move_apart, svg
from sixteenth.report.figures.talk import talk_figure
from sixteenth.report.figures.training_curves import training_curves_figure
from sixteenth.report.parts import draw_figures


@pytest.mark.parametrize("narrow", [False, True])
def test_every_seed_has_its_point_inside_the_axes(study: Invented, narrow: bool) -> None:
    figure = drawn_accuracy(study, narrow=narrow)
    finished = study.results[study.results["status"] == "finished"]
    drawn = sorted(y for _, y in points_of(figure, "seeds-"))
    assert drawn == pytest.approx(sorted(finished["test_accuracy"]))
    (left, right), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    for x, y in points_of(figure, "seeds-"):
        assert left < x < right
        assert bottom < y < top


@pytest.mark.parametrize("narrow", [False, True])
def test_fitted_curves_reach_to_the_next_doubling_with_their_interval(
    study: Invented, narrow: bool
) -> None:
    fitted = bands(study.findings().curves)
    figure = drawn_accuracy(study, fitted, narrow=narrow)
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
    axes = drawn_accuracy(study, fitted).axes[0]
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
    figure = drawn_accuracy(study)
    assert len(points_of(figure, "seeds-")) == len(study.results)


def test_the_size_axis_is_logarithmic_and_names_images_and_fractions(study: Invented) -> None:
    axes = drawn_accuracy(study).axes[0]
    assert axes.get_xscale() == "log"
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["3,125\n1/16", "25,000\n1/2", "50,000\nall"]


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_a_fraction_that_is_a_number_of_images_stands_there_once(tag: str) -> None:
    study = invented_study(fractions={"500 images": 500, "2 per class": 20, "1": 3000})
    language = language_for(tag=tag)
    grid = read_grid(study.results)
    labels = accuracy_figure(cells(grid), grid, language=language).axes[0].get_xticklabels()
    per_class = {"en": "2 per class", "zh-Hant": "每類 2 張"}[tag]
    assert [label.get_text() for label in labels][:2] == [f"20\n{per_class}", "500"]
    curves = training_curves_figure(study.histories, study.results, language=language)
    headings = [text.get_text() for text in curves.texts]
    assert language.numbers.images.format(500) in headings


@pytest.mark.parametrize("narrow", [False, True])
def test_points_at_none_and_all_right_are_whole(narrow: bool) -> None:
    study = invented_study(seeds=(0,), failed=(), missing=())
    study.results["test_accuracy"] = [0.0, 1.0] * (len(study.results) // 2)
    figure = drawn_accuracy(study, narrow=narrow)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    box = axes.get_window_extent()
    half = 5.6 / 2 * figure.dpi / 72
    for point in points_of(figure, "seeds-"):
        y = axes.transData.transform(point)[1]
        assert box.y0 <= y - half
        assert y + half <= box.y1


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_points_of_runs_that_are_not_at_their_end_are_open_and_said_to_be(
    seeds: tuple[int, ...],
) -> None:
    study = stopped_study(seeds)
    line = accuracy_lines(cells(read_grid(study.results)), grid_axes(read_grid(study.results)))[0]
    assert line.so_far == (False, False, True)
    figure = drawn_accuracy(study)
    (marks,) = [one for one in figure.axes[0].lines if str(one.get_gid()).startswith("so-far-")]
    assert list(marks.get_ydata()) == [line.means[-1]]
    assert marks.get_markerfacecolor() == "white"
    for tag, word in (("en", "so far"), ("zh-Hant", "目前")):
        captions = language_for(tag=tag).captions
        assert [word in text for text in captions.points(line).split("\n")] == [False, False, True]
        assert captions.accuracy_alt([line]).count(word) == 1


def test_the_line_of_a_wanted_accuracy_stands_at_it_or_is_an_arrow_at_the_edge(
    study: Invented,
) -> None:
    grid = read_grid(study.results)
    figure = accuracy_figure(cells(grid), grid, language=ENGLISH, aim=0.97)
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert high > 0.97

    def line(target: float) -> str:
        chart = inline_chart(figure, svg(figure), "one", "", {}, target)
        found = re.search(r'<g class="(target[^"]*)" transform="translate\(0 ([\d.]+)\)"', chart)
        assert found
        assert float(found[2]) == pytest.approx(y_of(target), abs=0.1)
        return found[1]

    def y_of(accuracy: float) -> float:
        pixels = axes.transData.transform((1, min(max(accuracy, low), high)))[1]
        return float(figure.get_figheight() * 72 - pixels * 72 / figure.dpi)

    assert line(0.97) == "target"
    assert line(high + 0.001) == "target above"
    assert line(low - 0.001) == "target below"


def test_labels_at_the_ends_of_close_lines_do_not_overlap(study: Invented) -> None:
    figure = drawn_accuracy(study)
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


@pytest.mark.parametrize("narrow", [False, True])
def test_the_options_figure_shows_each_known_gain_and_the_line_at_no_gain(narrow: bool) -> None:
    figure = options_figure(OPTIONS, language=ENGLISH, narrow=narrow)
    points = points_of(figure, "gain-")
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
    text = svg(drawn_accuracy(study)).decode()
    assert "a$x_{1}^{2}$&lt;b&gt;&amp;" in text
    assert "\x07" not in text


def test_a_notebook_gets_the_figures_and_the_discussion_of_the_report(study: Invented) -> None:
    figures = draw_figures(study.results, study.histories, study.findings(), ENGLISH)
    assert list(figures) == ["accuracy", "options", "loss-curves", "accuracy-curves"]
    assert study.findings().answer


def test_the_picture_for_a_talk_fills_what_can_be_told_as_the_other_figures_do(
    study: Invented,
) -> None:
    overview = study.findings().overview
    confounded = replace(OPTIONS[0], verdict=OptionVerdict.NOT_SEPARATED)
    options = [*OPTIONS[:3], confounded]
    said = tuple(SaidCard(Card(one), one.kind, "", "", "", (), "", "") for one in options)
    figure = talk_figure(SaidOverview(overview, "", "", said, (), (), (), ""), "", "")
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    fills = [line.get_markerfacecolor() for line in points]
    verdicts = [card.card.verdict for card in said]
    assert verdicts == ["helps", "cannot tell", "does not", "not-separated"]
    assert fills == [COLOURS[0], "white", MUTED, "white"]
