"""Nothing is advised from a best network that the test images cannot tell from guessing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_odd_tables import row

from sixteenth.analysis import Context, Findings, analyse
from sixteenth.analysis.findings.options import HeldBack, OptionVerdict
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.analysis.findings.target import TargetOutcome
from sixteenth.language import language_for

IMAGES = 500
RARE = np.zeros(IMAGES, dtype=int)
RARE[:6] = 1
"""Labels: a network that names the first class for all images is 98.8% right."""


def of_answers(
    answers: dict[tuple[str, float], np.ndarray], labels: np.ndarray, **more: float
) -> Findings:
    """A study of networks that give these answers: (model, share of the images) -> classes."""
    rows, predictions = [], {}
    for (model, share), classes in answers.items():
        run_id = f"{model}-{share:g}"
        accuracy = float((classes == labels).mean())
        parameters = {"small": 1e6, "big": 1e7}[model]
        rows.append(row(model, share, accuracy, run_id=run_id, test_size=IMAGES, steps=300))
        rows[-1] |= {"parameters": parameters}
        predictions[run_id] = labels, np.eye(2, dtype=np.float32)[classes]
    context = Context(num_classes=2, train_images=50_000)
    return analyse(pd.DataFrame(rows), predictions=predictions, context=context, **more)


def some(wrong: int) -> np.ndarray:
    """The first class for all images but so many."""
    found = np.zeros(IMAGES, dtype=int)
    found[IMAGES - wrong :] = 1
    return found


@pytest.mark.parametrize(
    "answers",
    [
        {("small", 1 / 2): some(0), ("small", 1.0): some(0)},
        {("small", 1.0): some(60), ("big", 1.0): some(0)},
        {("small", share): some(wrong) for share, wrong in ((1 / 4, 120), (1 / 2, 80), (1.0, 50))},
    ],
    ids=["next to nothing is left", "a bigger model is ahead", "more images seem to help"],
)
def test_no_title_card_or_option_tells_that_something_helps(answers) -> None:
    found = of_answers(answers, RARE)
    assert found.overview.verdict is Verdict.CANNOT_TELL
    assert found.overview.guesses
    title = language_for(found).screen.title(found.overview)
    assert title == "Cannot tell yet: the best network may only be guessing"
    for option in (*found.options, *(card.option for card in found.overview.cards)):
        assert option.told not in (OptionVerdict.HELPS, OptionVerdict.DOES_NOT)
        assert option.held_back is HeldBack.GUESSING
        assert not option.points_per_hour > 0
    said = " ".join(language_for(found).discuss(found).answer)
    assert "In hand already" not in said
    assert "cannot tell the best network from guessing" in said


def test_no_number_of_images_is_told_that_a_wanted_error_would_take() -> None:
    """Trained on many more, the same network may be right nearly always."""
    answers = {("small", share): some(wrong) for share, wrong in ((1 / 2, 80), (1.0, 50))}
    found = of_answers(answers, RARE, target_error=0.05)
    target = found.advice.target
    assert target.outcome is TargetOutcome.GUESSING
    assert not np.isfinite([target.images, target.low, target.probability, target.doubled]).any()
    language = language_for(found)
    said = language.advise(found)
    assert "may only be guessing, so nothing tells how many images" in said.target.text
    assert "may only be guessing" in language.screen.target(target)
    cautions = [one["text"] for one in said.to_dict()["cautions"]]
    assert any("cannot tell the best network from guessing" in text for text in cautions)


@pytest.mark.parametrize(("balanced", "guesses"), [(0.5, True), (0.9, False)])
def test_without_predictions_the_classes_tell_what_guessing_gets_right(balanced, guesses) -> None:
    accuracies = {1 / 4: 0.984, 1 / 2: 0.984, 1.0: 0.986}
    rows = [
        row("small", share, accuracy, run_id=f"small-{share:g}", test_size=IMAGES, steps=300)
        | {"balanced_accuracy": balanced, "balanced_test_size": 50}
        for share, accuracy in accuracies.items()
    ]
    context = Context(num_classes=2, class_sizes=(494, 6), train_images=50_000)
    found = analyse(pd.DataFrame(rows), context=context)
    assert found.overview.guesses is guesses
