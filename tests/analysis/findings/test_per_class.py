"""Which classes need images most: named where they do, and not by chance."""

from __future__ import annotations

import re

import numpy as np
import pytest

from classes_study import classes_study
from sixteenth.analysis import Context, Findings, SectionKey, analyse, read_grid
from sixteenth.analysis.findings.per_class import (
    LISTED,
    ClassRecall,
    ImbalancedClasses,
    NoWeakClass,
    WeakClasses,
    class_curves,
)
from sixteenth.language import language_for

ARM = ("resnet18", "random")


def found_in(findings: Findings) -> list[object]:
    section = next(s for s in findings.sections if s.key is SectionKey.CLASSES)
    return list(section.findings)


def study_of(recalls, test_images, **more):
    study = classes_study(
        {ARM: [np.asarray(recalls) - 0.2, np.asarray(recalls) - 0.1, recalls]}, test_images, **more
    )
    context = Context(classes=tuple(f"class {i}" for i in range(len(test_images))))
    return study, context


def test_the_classes_that_are_known_worse_are_named_the_lowest_first():
    recalls = [0.9] * 8 + [0.45, 0.6]
    study, context = study_of(recalls, (300,) * 10, seeds=(0, 1))
    findings = analyse(study.results, predictions=study.predictions, context=context)
    weak = found_in(findings)[0]
    assert isinstance(weak, WeakClasses)
    assert [one.name for one in weak.weak] == ["class 8", "class 9"]
    assert weak.mean == pytest.approx(0.825, abs=0.03)
    assert weak.weak[0].interval.low < 0.45 < weak.weak[0].interval.high
    assert findings.classes is not None
    assert findings.classes.weak == 2


def test_of_equal_classes_hardly_ever_is_one_named():
    named = 0
    for i in range(12):
        study, context = study_of([0.7] * 20, (100,) * 20, spread=0.02, seeds=(0, 1), generator=i)
        curves = class_curves(read_grid(study.results, None, study.predictions), context, 0.95)
        assert curves is not None
        named += curves.weak > 0
    assert named <= 2


def test_a_class_of_few_test_images_is_not_named_for_its_luck():
    study, context = study_of([0.9] * 9 + [0.75], (500,) * 9 + (8,))
    first = found_in(analyse(study.results, predictions=study.predictions, context=context))[0]
    assert isinstance(first, NoWeakClass)
    assert first.fewest == 8


def test_of_many_classes_the_lowest_are_listed():
    study, context = study_of(np.linspace(0.4, 0.9, 60), (60,) * 60)
    findings = analyse(study.results, predictions=study.predictions, context=context)
    listed = [one for one in found_in(findings) if isinstance(one, ClassRecall)]
    assert len(listed) == LISTED
    assert findings.classes is not None
    assert len(findings.classes.classes) == 60


def test_what_the_last_step_brought_is_told_of_classes_that_differ_in_it():
    rising, flat = np.array([0.3, 0.5, 0.8]), np.array([0.5, 0.5, 0.5])
    by_size = [np.array([*([r] * 4), f, f]) for r, f in zip(rising, flat, strict=True)]
    study = classes_study({ARM: by_size}, (800,) * 6, seeds=(0, 1, 2))
    findings = analyse(study.results, predictions=study.predictions)
    gains = {one.name: one.gain for one in found_in(findings) if isinstance(one, ClassRecall)}
    assert gains["0"] == pytest.approx(0.3, abs=0.05)
    assert gains["5"] == pytest.approx(0.0, abs=0.05)
    assert "shrunk towards the mean" in said_of_classes(findings)


def test_no_gain_of_single_classes_is_told_where_they_gain_alike():
    """What single recalls changed by is noise then."""
    study, context = study_of([0.9] * 8 + [0.45, 0.6], (300,) * 10)
    findings = analyse(study.results, predictions=study.predictions, context=context)
    said = said_of_classes(findings)
    assert re.search(r"brought the classes \+\d+\.\d points on average", said)
    assert "than chance explains" in said


def said_of_classes(findings: Findings) -> str:
    weak = next(one for one in found_in(findings) if isinstance(one, WeakClasses))
    return language_for(findings).say(weak)


def test_without_predictions_nothing_is_said_of_classes():
    study, _ = study_of([0.9, 0.5], (100, 100))
    findings = analyse(study.results)
    assert findings.classes is None
    assert all(section.key is not SectionKey.CLASSES for section in findings.sections)


def cautions(recalls, test_images, metric="accuracy"):
    study, context = study_of(recalls, test_images)
    findings = analyse(study.results, predictions=study.predictions, context=context, metric=metric)
    return [one for one in findings.overview.cautions if isinstance(one, ImbalancedClasses)]


def test_accuracy_that_hides_rare_classes_is_warned_of():
    rare = [0.95] * 4 + [0.4, 0.4]
    counts = (500, 500, 400, 300, 50, 40)
    (found,) = cautions(rare, counts)
    assert (found.most, found.fewest) == (500, 40)
    assert found.accuracy - found.balanced > 0.1
    assert cautions(rare, counts, metric="balanced-accuracy") == []


@pytest.mark.parametrize(
    ("recalls", "counts"),
    [
        ([0.9] * 6, (500, 500, 400, 300, 50, 40)),  # nothing is hidden
        ([0.95] * 4 + [0.4] * 2, (300, 300, 300, 300, 200, 200)),  # not imbalanced
        ([0.95] * 4 + [0.4] * 2, (5, 6, 4, 5, 2, 3)),  # as it comes about by chance
    ],
)
def test_classes_that_are_as_frequent_or_as_well_known_need_no_warning(recalls, counts):
    assert cautions(recalls, counts) == []
