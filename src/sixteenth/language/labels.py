"""The fixed words of pages, figures and the terminal: a language fills in every field.

Fields that hold ``{}`` or ``{name}`` are patterns for `str.format`; ``{metric}``,
``{test_accuracy}``, ``{test_error}`` and ``{column}`` stand for what the study decides by, see
`words.Words.labelled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..analysis.findings.levers import Lever
from ..analysis.findings.types import Strength
from ..spec.work import Work


@dataclass(frozen=True)
class PageLabels:
    """Headings, columns and notes of report.html and report.md.

    Attributes:
        stop, colon: at the end of a sentence, and after the name of a value.
        gain, known_by, cost, verdict: columns of the cards as a table.
        points: the unit of a gain.
        others, others_from: over the further options, and their first column.
        aim: of the slider that moves the line of a wanted accuracy.
        aims: over the table of what wanted accuracies take.
        point_at: under the figure, until a point is pointed at.
        to_row: what a link to a row of the results says to a screen reader.
        parameters_of: behind the name of a model and its initial weights.
        mean_of: in the column of seeds, beside the mean of so many.
        titles: of the figures, by the names of their files.
        tested_by: before the command that tests the possible reasons of a section.
        strengths: what stands behind a statement that is not well supported.
        again: names the parts ``{file}`` and ``{command}``.
        made_by: with the version of this package.
        latin_figures: that the PNG figures are in English, for want of a font.
    """

    stop: str
    colon: str
    cards: str
    gain: str
    points: str
    known_by: str
    cost: str
    verdict: str
    others: str
    others_from: str
    cautions: str
    sure: str
    copy_title: str
    copy: str
    copied: str
    aim: str
    aims: str
    point_at: str
    to_row: str
    results: str
    model: str
    init: str
    train_size: str
    seed: str
    test_accuracy: str
    interval: str
    train_accuracy: str
    gap: str
    parameters: str
    parameters_of: str
    train_flops: str
    time: str
    mean_of: str
    fits: str
    arm: str
    alpha: str
    eta: str
    gamma: str
    data_reliance: str
    forecast: str
    curves: str
    discussion: str
    tested_by: str
    suspects: str
    suspect: str
    given_label: str
    predicted_label: str
    confidence: str
    suspects_note: str
    made: str
    study_file: str
    again: str
    made_by: str
    latin_figures: str
    titles: Mapping[str, str]
    strengths: Mapping[Strength, str]


@dataclass(frozen=True)
class FigureLabels:
    """Axes, legends and notes inside figures.

    Attributes:
        fractions: what the second line of a size is.
        curve_lines: of each metric, the legend's test and training line.
        from_start: over the options, the network that they start from.
        other_classes: how many classes have no line of their own colour.
        learning_curves: title of the figure that `sixteenth fit` draws.
        new_training: in its legend, with the level of its band.
    """

    train_size: str
    fractions: str
    test_accuracy: str
    test_error: str
    forecast: str
    no_accuracy: str
    gain: str
    from_start: str
    no_options: str
    epoch: str
    step: str
    curve_lines: Mapping[str, tuple[str, str]]
    clean: str
    shorter: str
    not_planned: str
    recall: str
    mean_recall: str
    other_classes: str
    learning_curves: str
    new_training: str


@dataclass(frozen=True)
class TerminalLabels:
    """Columns of the tables in a terminal, and the lines around them.

    Attributes:
        plan: with ``{left}`` and ``{planned}`` runs, their ``{time}``, and `together` as ``{how}``.
        plan_elsewhere: the same, of runs that an ``{executor}`` trains.
        plan_most: of `epochs: auto`: that all this is the most there can be.
        plan_again: what one more seed takes where verdicts stay open, at most: ``{time}``.
        together: how many runs are trained side by side, where there are several.
        length: heads the part of its steps that a run is trained for.
        left_out, one_left_out: with the number of runs that a budget leaves out.
        begun: with how many of these were trained for a part of their steps.
        goes_on: that the same command trains the rest.
        failed: with the runs that ``{failed}`` of ``{planned}``.
        several_failed, one_failed: with how many, where it is not told of how many.
        rows_elsewhere: how many rows the table has, before the command that prints them.
        tries_again, fails_again: a clause behind these: what the same command would do.
        expected_comparison: with the ``{images}`` and ``{accuracy}`` of two networks, and the
            ``{width}`` of the interval of their difference in points, at its ``{level}``.
        expected_forecast: with the same of the gain from twice the images.
        plan_disk: with what is ``{kept}``, what a run in ``{training}`` takes, and is ``{free}``.
        epochs: of the check of the epochs: the model and init as ``{arm}``, its training
            ``{images}``, those of them ``{held}`` out, and the ``{accuracies}`` on these.
        epochs_at: one of these accuracies.
        epochs_enough: with the ``{epochs}`` that were enough, and those ``{asked}`` for.
        epochs_open: with the most ``{epochs}`` that were tried, and the images ``{gained}`` last.
        epochs_few: with the most ``{epochs}`` that were tried.
        epochs_hint: of a long study: with the command of the check.
        explained: of the reasons that are tested: with the ``{cell}`` that is compared with that of
            another ``{arm}``.
        lever_next: the ``{lever}`` that is trained now, its ``{number}`` of all ``{levers}``, and
            the planned ``{time}`` of all that are left.
        lever_again: a ``{lever}`` that gets one more seed.
        lever_left_out: a ``{lever}`` that cannot be trained, and the ``{error}``.
        lever, runs: what is changed to test a reason, and its runs that are left of all.
        estimated: a time that is not taken from runs of the same kind.
        options, surer: over the options, and over what would make the answer surer.
        step: each of them: its number and what it is.
        fit: a fitted `LearningCurve` as ``{curve}``.
        fit_sizes: its number of ``{sizes}``, from ``{first}`` to ``{last}``.
        fit_parameter: a parameter's ``{name}``, ``{value}``, and the ends of its interval.
        fit_at: the ``{error}`` at ``{n}`` images, and the ends of its interval.
        warning: before what speaks against a fit.
        statuses: of runs; every language has one list of them for all labels.
        so_far: an accuracy of a run that is not at its end, as it was last measured.
        report, figure: with its path.
    """

    model: str
    init: str
    fraction: str
    train_size: str
    seed: str
    test_accuracy: str
    interval: str
    train_accuracy: str
    gap: str
    parameters: str
    time: str
    train_flops: str
    steps: str
    device: str
    threads: str
    disk: str
    status: str
    explained: str
    lever_next: str
    lever_again: str
    lever_left_out: str
    lever: str
    runs: str
    estimated: str
    plan: str
    plan_elsewhere: str
    plan_most: str
    plan_again: str
    together: str
    length: str
    one_left_out: str
    left_out: str
    begun: str
    goes_on: str
    failed: str
    several_failed: str
    one_failed: str
    rows_elsewhere: str
    tries_again: str
    fails_again: str
    expected_comparison: str
    expected_forecast: str
    plan_disk: str
    epochs: str
    epochs_at: str
    epochs_enough: str
    epochs_few: str
    epochs_open: str
    epochs_hint: str
    options: str
    surer: str
    step: str
    report: str
    figure: str
    fit: str
    fit_sizes: str
    fit_parameter: str
    fit_at: str
    warning: str
    statuses: Mapping[str, str]
    so_far: str


@dataclass(frozen=True)
class ProgressLabels:
    """The display of a running study in the terminal; columns besides those of `TerminalLabels`.

    Attributes:
        work: what is done before and after the runs.
        detailed: ``{what}`` is done, with the ``{detail}`` that is worked on.
        count: ``{done}`` of ``{total}``.
        counted: ``{what}`` is done, with its `count`.
        done: with the runs that are ``{done}`` of ``{planned}``, and the time ``{passed}``.
        about_left: with the time that all runs still take; follows `done`.
        left: with the time that a run still takes.
        hidden: the rows ``{above}`` and ``{below}`` those that are shown, joined by `joint`.
        run: the ``{number}`` of ``{planned}`` runs, with its ``{name}``.
        starts: ``{run}`` begins.
        step: ``{epoch}`` of ``{epochs}``, and its ``{step}``.
        features: of so many ``{done}`` of ``{total}`` images.
        accuracies: ``{epoch}`` of ``{epochs}``, with the ``{train}`` and ``{test}`` accuracy.
        rate: images a second.
        all_left: with the time that all runs still take.
        joint: between parts of a line.
        before: ``{run}`` was finished before, with its ``{test}`` accuracy.
        finished: ``{run}`` is finished, with its ``{test}`` accuracy and ``{time}``.
        stopped: ``{run}`` was stopped after ``{length}`` of its steps, with its ``{test}``
            accuracy there.
        stopped_so_far: the same of a run of `epochs: auto`, after so many ``{epochs}``.
        out_of_time: ``{run}`` was interrupted, as a budget was over.
        ended: ``{run}`` has ended in another ``{state}``, with its ``{error}``.
        states: of a run.
    """

    progress: str
    epoch: str
    speed: str
    work: Mapping[Work, str]
    detailed: str
    count: str
    counted: str
    done: str
    about_left: str
    left: str
    above: str
    below: str
    hidden: str
    run: str
    starts: str
    step: str
    features: str
    accuracies: str
    rate: str
    all_left: str
    joint: str
    before: str
    finished: str
    stopped: str
    stopped_so_far: str
    out_of_time: str
    ended: str
    states: Mapping[str, str]


@dataclass(frozen=True)
class WatchLabels:
    """The page that follows a running study.

    Attributes:
        done: with the runs that are ``{done}`` of ``{planned}``.
        left: with the time that all runs still take.
        idle: that no run is being trained at this moment.
        reading: instead of the runs, before anything was read.
        preparing: instead of the runs, before the study has begun.
        answer: over the answer.
        not_final: with the runs that are ``{done}`` of ``{planned}``, while some have not ended.
        ended: that all have ended, with those that ``{failed}`` of ``{planned}``.
        final: that all runs are finished.
        tests_open: the same, while runs of `sixteenth explain` have not ended.
        no_answer: that no run is finished yet.
        epoch: ``{epoch}`` of ``{epochs}``.
        state, time_left: columns of the runs.
        states: of a run; ``silent`` is said to run, but nothing writes its files any more.
        curves_note: that curves reach to the last epoch that was saved.
        no_curves: instead of the curves, before the first epoch.
        tests: over the runs of `sixteenth explain`.
        tests_done: as `done`, of those that have begun.
        changed: their first column.
        levers: what each lever changes.
        control: of a run that separates images from training steps.
        test_accuracy: column of plain accuracy, whatever the study decides by.
        trouble: with what keeps the folder from being read.
        lost: that the page is not updated any more, and that training does not depend on it.
    """

    test_accuracy: str
    done: str
    left: str
    idle: str
    reading: str
    preparing: str
    answer: str
    not_final: str
    ended: str
    final: str
    tests_open: str
    no_answer: str
    epoch: str
    state: str
    time_left: str
    states: Mapping[str, str]
    curves_note: str
    no_curves: str
    tests: str
    tests_done: str
    changed: str
    levers: Mapping[Lever, str]
    control: str
    trouble: str
    lost: str
