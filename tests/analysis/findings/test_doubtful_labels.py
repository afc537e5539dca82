"""Test images whose labels all networks contradict, and what the checks of the data found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from talking import discuss

from chinese import faults
from sixteenth.analysis import Context, analyse, read_grid
from sixteenth.analysis.findings.doubtful_labels import LabelCeiling, suspects
from sixteenth.language import language_for
from sixteenth.storage.run_facts import DataChecks

TWO = {("resnet18", "random"): (0.6, 0.9), ("resnet50", "random"): (0.6, 0.9)}
SIZES = {"1/2": 25_000, "1": 50_000}
NAMES = tuple("abcdefghij")


def with_wrong_labels(study, images):
    """A study in which all networks call `images` class 3, surely, while 5 is given."""
    made = study(TWO, fractions=SIZES, test_size=2000)
    for labels, probabilities in made.predictions.values():
        labels[images] = 5  # one array for all runs
        probabilities[images] = 0.001
        probabilities[images, 3] = 0.991
    for run_id, (labels, probabilities) in made.predictions.items():
        right = float((probabilities.argmax(axis=1) == labels).mean())
        made.results.loc[made.results["run_id"] == run_id, "test_accuracy"] = right
    return made


def test_planted_wrong_labels_are_found_first_and_named(study):
    images = [7, 800, 1500]
    made = with_wrong_labels(study, images)
    grid = read_grid(made.results, None, made.predictions)
    found, judges = suspects(grid, NAMES)
    assert judges == ["resnet18-random-1-seed0", "resnet50-random-1-seed0"]
    assert sorted(s.index for s in found[:3]) == images
    assert {(s.given, s.predicted) for s in found[:3]} == {("f", "d")}
    assert found[0].confidence > 0.99


def test_only_agreeing_confident_errors_of_the_largest_runs_count(study):
    made = with_wrong_labels(study, [7])
    run = "resnet50-random-1-seed0"
    probabilities = made.predictions[run][1]
    probabilities[7] = 0.0
    probabilities[7, 4] = 1.0  # another wrong class: no agreement
    grid = read_grid(made.results, None, made.predictions)
    assert 7 not in [s.index for s in suspects(grid)[0]]
    probabilities[7] = 0.07
    probabilities[7, 3] = 0.37  # agreement without confidence
    grid = read_grid(made.results, None, made.predictions)
    assert 7 not in [s.index for s in suspects(grid)[0]]


def test_one_network_alone_casts_no_doubt_on_a_label(study):
    made = study({("resnet18", "random"): (0.6, 0.9)}, fractions=SIZES)
    grid = read_grid(made.results, None, made.predictions)
    assert suspects(grid) == ([], ["resnet18-random-1-seed0"])


def test_only_networks_on_the_most_images_of_the_study_judge(study):
    """A network on half of the images errs on more of them, and does not see a wrong label."""
    made = with_wrong_labels(study, [7])
    half = made.predictions["resnet50-random-1of2-seed0"][1]
    half[7] = 0.001
    half[7, 5] = 0.991  # it agrees with the label
    lost = made.drop("resnet50-random-1-seed0", "missing")
    alone = [], ["resnet18-random-1-seed0"]
    assert suspects(read_grid(lost.results, None, lost.predictions)) == alone
    more = study({("resnet34", "random"): (0.9,)}, fractions={"0.999": 49_950}, test_size=2000)
    for run_id in more.predictions:
        lost.predictions[run_id] = made.predictions["resnet18-random-1-seed0"]
        known = lost.results["run_id"] == "resnet18-random-1-seed0"
        more.results["test_accuracy"] = lost.results.loc[known, "test_accuracy"].item()
    both = pd.concat([lost.results, more.results])
    found, judges = suspects(read_grid(both, None, lost.predictions))
    assert len(judges) == 2, "one size within a hundredth"
    assert 7 in [each.index for each in found]


def test_networks_that_could_have_judged_are_told_from_those_that_did(study):
    """Of one of three trainings on all images the predictions are gone."""
    arms = {("resnet18", "random"): (0.6, 0.9), ("resnet50", "random"): (0.7, 0.9)}
    made = study(arms, fractions=SIZES, seeds=(0, 1), test_size=2000)
    made = made.drop("resnet50-random-1-seed1", "missing")

    def told(*gone):
        left = {key: value for key, value in made.predictions.items() if key not in gone}
        found = analyse(made.results, predictions=left)
        section = next(each for each in found.sections if each.key == "data")
        ceiling = next(each for each in section.findings if isinstance(each, LabelCeiling))
        assert (ceiling.candidates, ceiling.train_images) == (3, 50_000)
        return [language_for(found, tag).say(ceiling) for tag in ("en", "zh-Hant")]

    english, chinese = told()
    assert english.startswith("All 3 networks trained on 50,000 images ")
    assert chinese.startswith("用 50,000 張影像訓練出的 3 個網路，")
    english, chinese = told("resnet50-random-1-seed0")
    assert english.startswith("2 of the 3 networks trained on 50,000 images (resnet18) ")
    assert chinese.startswith("用 50,000 張影像訓練出的 3 個網路中，有 2 個（resnet18），")
    english, chinese = told("resnet18-random-1-seed0")
    assert english.startswith(
        "2 of the 3 networks trained on 50,000 images (resnet18 and resnet50)"
    )
    assert not faults(chinese)


def test_a_network_that_guesses_does_not_judge(study):
    made = with_wrong_labels(study, [7])
    run = "resnet50-random-1-seed0"
    labels, probabilities = made.predictions[run]
    probabilities[:] = 0.05
    probabilities[:, 4] = 0.55
    guessed = float((labels == 4).mean())
    made.results.loc[made.results["run_id"] == run, "test_accuracy"] = guessed
    third = study({("resnet34", "random"): (0.9,)}, fractions={"1": 50_000}, test_size=2000)
    same = made.predictions["resnet18-random-1-seed0"]
    third.predictions = dict.fromkeys(third.predictions, same)
    known = made.results["run_id"] == "resnet18-random-1-seed0"
    third.results["test_accuracy"] = made.results.loc[known, "test_accuracy"].item()
    found = discuss(
        pd.concat([made.results, third.results], ignore_index=True),
        predictions=made.predictions | third.predictions,
        context=Context(classes=NAMES),
    )
    said = next(s for s in found.sections if s.key == "data").statements[0]
    assert said.finding.networks == 2
    assert 7 in [each.index for each in found.suspects]


def test_the_ceiling_is_said_with_its_share_of_the_error(study):
    made = with_wrong_labels(study, np.arange(40))
    found = discuss(
        made.results, made.histories, predictions=made.predictions, context=Context(classes=NAMES)
    )
    said = next(s for s in found.sections if s.key == "data").statements[0]
    assert said.finding.images_in_doubt == len(found.suspects) >= 40
    assert said.finding.test_images == 2000
    assert said.finding.networks == 2
    assert said.finding.small == (len(found.suspects) / 2000 < said.finding.best_error / 2)
    assert f"not the label, for {len(found.suspects)} of 2,000 test images" in said.text
    assert said.strength == "suggestive"


def checked(study, checks):
    made = study({("resnet18", "random"): (0.6, 0.9)}, fractions=SIZES, test_size=1000)
    found = discuss(
        made.results, made.histories, context=Context(data_checks=checks and DataChecks(**checks))
    )
    sections = [s for s in found.sections if s.key == "data"]
    return " ".join(c.text for s in sections for c in s.statements)


def test_leaked_and_copied_images_are_told_and_absence_of_a_check_is_not_a_clean_bill(study):
    assert checked(study, None) == ""
    clean = {"leaked_test_images": 0, "duplicates_within_train": 0, "duplicates_within_test": 0}
    assert "no image stands twice" in checked(study, clean)
    bad = clean | {"leaked_test_images": 12, "duplicates_within_train": 1}
    bad["examples"] = ["test image 3 is the same image as train image 9"]
    said = checked(study, bad)
    assert "12 test images also stand among the training images (1.2% of the test set)" in said
    assert "1 copy among the training images" in said
    assert "such as: test image 3 is the same image as train image 9" in said.lower()
    assert "no image stands twice" not in said
