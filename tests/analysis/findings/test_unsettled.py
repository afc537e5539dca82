"""What a run that is not at its end could overturn has no sign anywhere: it may still gain."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from test_odd_tables import row

from sixteenth.analysis import Context, Findings, analyse
from sixteenth.analysis.findings.causes import TooSmallStudy
from sixteenth.analysis.findings.expectation import (
    GainFromData,
    ModelCrossover,
    Outcome,
    SizeVerdict,
)
from sixteenth.analysis.findings.options import OptionKind, OptionVerdict
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.analysis.findings.pretraining import WorthInImages
from sixteenth.analysis.findings.training_time import DifferenceByLength, Order
from sixteenth.analysis.findings.types import Finding, Strength
from sixteenth.language import language_for
from sixteenth.spec.fields import LEVELLED_OFF, STOPPED

SIZES = {1 / 4: 0.60, 1 / 2: 0.65, 1.0: 0.70}
"""Share of the images -> accuracy at the end of training."""


def found_where(stopped: str, *, bigger: float, behind: float = 0.0) -> Findings:
    """The small model and a bigger one; one of them was stopped early on all images.

    Args:
        stopped: the model.
        bigger: what the bigger model has over the small one.
        behind: what the stopped run lacks to its end.
    """
    rows: list[dict[str, Any]] = []
    for model, ahead, parameters in (("small", 0.0, 1e6), ("big", bigger, 1e7)):
        for share, accuracy in SIZES.items():
            cut = model == stopped and share == 1.0
            epochs, left = (8, behind) if cut else (32, 0.0)
            for length, gain in ((0.25, -0.10), (0.5, -0.05), (1.0, 0.0)):
                here = row(model, share, accuracy + ahead + gain - left, length=length)
                here |= {"run_id": f"{model}-{share:g}@{length}", "parameters": parameters}
                here |= {"epochs": epochs * length, "steps": here["steps"] / 10 * epochs * length}
                here |= {"chosen_by": STOPPED if cut else LEVELLED_OFF}
                here |= {"status": "interrupted" if cut and length == 1 else "finished"}
                rows.append(here)
    return analyse(pd.DataFrame(rows), context=Context(train_images=50_000, num_classes=10))


def all_of(found: Findings, kind: type[Finding]) -> list[Any]:
    return [each for section in found.sections for each in section.findings
            if isinstance(each, kind)]  # fmt: skip


def test_a_difference_that_may_change_is_not_said_to_be_corrected_away_or_too_small() -> None:
    found = found_where("small", bigger=0.10)
    last = all_of(found, SizeVerdict)[-1]
    assert last.found.low > 0.05
    assert last.outcome is Outcome.CANNOT_TELL
    assert not last.corrected_away
    said = language_for(found).say(last)
    assert "cannot be told apart yet, because a run is not at its end" in said
    assert "corrected" not in said
    assert "would have been seen" not in said
    assert not all_of(found, TooSmallStudy)


def test_what_a_stopped_run_lacks_is_credited_to_nothing() -> None:
    found = found_where("big", bigger=0.04, behind=0.09)
    english = language_for(found)
    (gain,) = all_of(found, GainFromData)
    assert gain.difference.high < 0
    assert gain.as_expected is None
    assert gain.strength is Strength.CANNOT_TELL
    assert "cannot be told, because a run is not at its end" in english.say(gain)
    assert not all_of(found, ModelCrossover)
    doubling = next(one for one in found.sections[0].findings if getattr(one, "model", "") == "big")
    assert doubling.gain.high < 0
    assert doubling.strength is Strength.CANNOT_TELL
    assert english.say(doubling).endswith("This may change: a run is not at its end.")
    (whole,) = [one for one in all_of(found, DifferenceByLength) if one.images == 50_000]
    assert whole.steps[:-1] == whole.first_steps[:-1], "never at equal parts of unequal runs"
    assert whole.steps[-1] < whole.first_steps[-1], "then each at its end"
    assert whole.order is not Order.TURNS
    assert "but a run is not at its end" in english.say(whole)
    assert not all_of(found, WorthInImages)


def test_a_lead_of_the_network_that_is_not_at_its_end_is_told() -> None:
    """What it may still gain makes it larger."""
    found = found_where("big", bigger=0.10)
    last = all_of(found, SizeVerdict)[-1]
    assert last.big.so_far
    assert last.outcome is Outcome.HELD
    assert found.overview.verdict is Verdict.IN_HAND
    assert "In hand already" in " ".join(language_for(found).discuss(found).answer)


@pytest.mark.parametrize(("bigger", "told"), [(0.11, False), (0.15, True)])
def test_the_best_network_does_not_gain_while_a_stopped_run_reaches_its_steps(
    bigger: float, told: bool
) -> None:
    """Two doublings of 5 points each: what the best one gained in its last is not taken off."""
    found = found_where("small", bigger=bigger)
    card = next(card for card in found.overview.cards if card.in_hand)
    assert card.option.low > 0.05
    assert (card.verdict is OptionVerdict.HELPS) is told


@pytest.mark.parametrize("stopped", [True, False])
def test_no_forecast_is_told_from_runs_on_fewer_images_that_are_not_at_their_end(
    stopped: bool,
) -> None:
    rows = []
    for share, accuracy in ((1 / 4, 0.60), (1 / 2, 0.70), (1.0, 0.78)):
        cut = stopped and share < 1
        for length, gain in ((0.5, -0.2 if cut else -0.001), (1.0, 0.0)):
            here = row("small", share, accuracy + gain, length=length, steps=4000 * length)
            here |= {"run_id": f"{share:g}@{length}"}
            here |= {"chosen_by": STOPPED if cut else LEVELLED_OFF}
            here |= {"status": "interrupted" if cut and length == 1 else "finished"}
            rows.append(here)
    found = analyse(pd.DataFrame(rows))
    data = next(one for one in found.options if one.kind is OptionKind.DATA)
    assert data.low > 0
    assert (data.told is OptionVerdict.HELPS) is not stopped
    assert (found.overview.verdict is Verdict.DO) is not stopped
    said = " ".join(each.text for each in language_for(found).advise(found).options)
    assert ("because runs on fewer images are not at their end" in said) is stopped


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_answer_and_the_card_say_the_same_of_a_lead_that_may_end(language: str) -> None:
    """Random weights were catching up by more than they are behind; no run was stopped."""
    rows = []
    for init, *accuracies in (("random", 0.62, 0.69, 0.76), ("imagenet", 0.78, 0.79, 0.80)):
        for length, accuracy in zip((0.25, 0.5, 1.0), accuracies, strict=True):
            for seed in range(3):
                name = f"{init}-{seed}@{length}"
                here = row("small", 1.0, accuracy + 0.001 * seed, run_id=name, seed=seed)
                rows.append(here | {"init": init, "length": length, "steps": 2000 * length})
    found = analyse(pd.DataFrame(rows))
    card = next(card for card in found.overview.cards if card.in_hand)
    assert card.option.verdict is OptionVerdict.HELPS
    assert card.verdict is OptionVerdict.CANNOT_TELL
    said = " ".join(language_for(found, language).discuss(found).answer)
    told = {"en": "cannot be told, because longer training may change it",
            "zh-Hant": "訓練久一點結果可能改變，還無法判斷"}  # fmt: skip
    assert told[language] in said
    assert "In hand already" not in said
    catching = {
        "en": "random weights on 50,000 images was still catching up",
        "zh-Hant": "還在追趕",
    }
    assert catching[language] in said, "the reason"
