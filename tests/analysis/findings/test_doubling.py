"""What the last doubling of the images bought: told apart from more steps only where it can be."""

from __future__ import annotations

import pytest
from talking import english, talk

from sixteenth.analysis.findings.answer import BoughtByImages
from sixteenth.analysis.findings.doubling import HalfOrigin

ARM = ("resnet18", "random")
HALVES = {"1/2": 25_000, "1": 50_000}
STEPS = 6 * 196
"""Of half of the images."""


def bought(found):
    (only,) = [each for each in found.findings.answer if isinstance(each, BoughtByImages)]
    return only.doubling


def told(found):
    return next(said for said in found.answer if said.startswith("Twice the images"))


def test_images_and_steps_are_told_apart_by_a_shorter_training_on_all_images(study):
    """The table of issue 17: most of what all images brought was more steps."""
    found = talk(study({ARM: (0.716, 0.776)}, fractions=HALVES, lengths={(*ARM, "1", 0.5): 0.72}))
    doubling = bought(found)
    assert doubling.more_steps
    assert doubling.control is None
    assert doubling.from_images.value == pytest.approx(0.004, abs=0.01)
    assert doubling.from_steps.value == pytest.approx(0.056, abs=0.01)
    assert doubling.from_images.side == "cannot tell"
    assert doubling.from_steps.side == "above"
    assert doubling.from_images.value + doubling.from_steps.value == pytest.approx(
        doubling.gain.value
    )
    assert "by the images at equal training steps" in told(found)
    assert "not separated" not in told(found)
    data, training = (
        next(option for option in found.options if option.kind == kind)
        for kind in ("data", "training")
    )
    assert data.gain_at_equal_steps == pytest.approx(data.gain - training.gain, abs=0.005)
    assert 0 < data.gain_at_equal_steps < training.gain


def test_images_and_steps_are_told_apart_by_a_control_run_on_half_of_them(study):
    found = talk(study({ARM: (0.716, 0.776)}, fractions=HALVES, lengths={(*ARM, "1/2", 2): 0.772}))
    doubling = bought(found)
    assert doubling.control is None
    assert doubling.from_images.value == pytest.approx(0.004, abs=0.01)
    assert doubling.from_steps.value == pytest.approx(0.056, abs=0.01)
    assert "not separated" not in told(found)


def test_without_such_a_run_neither_is_credited_and_the_control_run_is_named(study):
    found = talk(study({ARM: (0.716, 0.776)}, fractions=HALVES))
    doubling = bought(found)
    assert doubling.from_images is None
    assert doubling.from_steps is None
    assert doubling.control.cell.train_size == 25_000
    assert doubling.control.steps == 2346
    half = found.findings.grid.cells[0]
    assert doubling.control.seconds == pytest.approx(half.mean("seconds") * 2346 / STEPS)
    assert "not separated, so the change is credited to neither" in told(found)
    (step,) = [one for one in found.said_advice.steps if "what images and steps bring" in one.why]
    assert step.what.startswith("train resnet18 from random weights on 25,000 images for 2,346")
    data = next(option for option in found.options if option.kind == "data")
    assert data.to_dict()["gain_at_equal_steps"] is None


def test_at_equal_steps_the_images_bought_all_of_it(study):
    made = study({ARM: (0.716, 0.776)}, fractions=HALVES)
    made.results["steps"] = STEPS
    doubling = bought(talk(made))
    assert not doubling.more_steps
    assert doubling.from_images == doubling.gain
    assert doubling.control is None
    made.results["steps"] = float("nan")
    doubling = bought(talk(made))
    assert doubling.from_images is None, "nobody knows the steps"


def test_where_half_the_images_took_more_steps_the_gain_is_not_at_equal_steps(study):
    """Runs that choose their length may need more epochs of a smaller set."""
    made = study({ARM: (0.716, 0.776)}, fractions=HALVES)
    made.results.loc[made.results["fraction"] == "1/2", "steps"] = 4 * STEPS
    found = talk(made)
    assert bought(found).from_images is None
    assert "equal training steps" not in told(found)


def test_runs_that_chose_their_steps_are_offered_no_control_run(study):
    made = study({ARM: (0.716, 0.776)}, fractions=HALVES)
    made.results["chosen_by"] = "levelled-off"
    doubling = bought(talk(made))
    assert doubling.more_steps
    assert doubling.from_images is None
    assert doubling.control is None


def test_a_length_that_only_some_seeds_have_at_these_steps_separates_nothing(study):
    lengths = {(*ARM, "1", 0.5): 0.72}
    made = study({ARM: (0.716, 0.776)}, fractions=HALVES, lengths=lengths, seeds=(0, 1))
    half = made.results["length"] == 0.5
    made.results.loc[half, "steps"] = [STEPS // 2, STEPS * 3 // 2]  # STEPS in the mean
    assert bought(talk(made)).from_images is None


def test_a_length_of_other_steps_separates_nothing(study):
    found = talk(study({ARM: (0.716, 0.776)}, fractions=HALVES, lengths={(*ARM, "1", 0.25): 0.65}))
    assert bought(found).from_images is None
    assert bought(found).control is not None


def test_a_half_between_two_sizes_is_interpolated_with_a_range_and_no_confidence_interval(study):
    """Errors on a power law n^-0.5: half the images have an error sqrt(2) times as large."""
    found = talk(study({ARM: (0.2, 0.8)}, fractions={"1/16": 3125, "1": 50_000}))
    doubling = bought(found)
    assert doubling.half.origin is HalfOrigin.INTERPOLATED
    assert doubling.half.between == (3125, 50_000)
    assert doubling.gain.value == pytest.approx(0.2 * (2**0.5 - 1), abs=0.01)
    # Anything from no gain at all to the whole gain of the measured sixteenfold is possible.
    assert doubling.gain.low <= 0
    assert doubling.gain.high >= 0.58
    assert doubling.strength == "cannot tell"
    assert doubling.control is None
    assert "half of the images was not trained: interpolated between 3,125 and 50,000" in told(
        found
    )
    assert "if more images never hurt" in told(found)
    assert "95% interval" not in told(found)


def test_sizes_closer_than_a_factor_of_two_are_extended(study):
    found = talk(study({ARM: (0.80, 0.85)}, fractions={"3/4": 37_500, "1": 50_000}))
    half = bought(found).half
    assert (half.images, half.origin, half.between) == (
        25_000,
        HalfOrigin.EXTRAPOLATED,
        (37_500, 50_000),
    )
    assert "the rate between 37,500 and 50,000" in told(found)


def test_no_gain_is_larger_than_the_accuracy_that_was_reached(study):
    """0.70 to 0.72 over a tenth of a doubling says nothing of a whole one."""
    near = talk(study({ARM: (0.70, 0.72)}, fractions={"0.9": 45_000, "1": 50_000}))
    assert not any(isinstance(each, BoughtByImages) for each in near.findings.answer)
    (data,) = (option for option in near.options if option.kind == "data")
    assert (data.known, data.separated) == (True, False), "its steps grow with the images"
    gain = bought(talk(study({ARM: (0.40, 0.62)}, fractions={"0.3": 3000, "0.51": 5100}))).gain
    assert gain.high == pytest.approx(0.62, abs=0.01)
    assert gain.low > 0.62 - 1


def test_of_a_loss_nobody_tells_what_it_would_be_if_more_images_never_hurt(study):
    sizes = {"1/16": 625, "0.3": 3000, "1": 10_000}
    found = talk(study({ARM: (0.5, 0.7, 0.66)}, fractions=sizes, seeds=(0, 1, 2), seed_sd=0.002))
    doubling = bought(found)
    assert doubling.gain.high < 0
    assert doubling.strength == "suggestive", "its half was not trained"
    assert "never hurt" not in told(found)


def test_what_images_brought_at_equal_steps_is_in_the_option_that_was_trained(study):
    """The best network is on half of the images, and its last doubling was a loss."""
    lengths = {(*ARM, "1", 0.5): 0.69}
    found = talk(study({ARM: (0.75, 0.70)}, fractions=HALVES, lengths=lengths))
    (data,) = (option for option in found.options if option.kind == "data")
    assert data.measured
    assert data.gain_at_equal_steps == pytest.approx(bought(found).from_images.value)
    assert data.gain_at_equal_steps == pytest.approx(-0.06, abs=0.01)
    (card,) = (card for card in found.overview.cards if card.option.kind == "data")
    assert "at equal steps" not in english(found.findings).screen.card(card).what
