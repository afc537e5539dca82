"""The options from the best network: measured, forecast or unknown, the best first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from options_talk import BIG, ONE, PRE, SIZES, SMALL, levelled, options
from talking import CONTEXT, english, talk

from sixteenth.analysis import analyse
from sixteenth.analysis.findings.cautions import PartTrained
from sixteenth.analysis.stats.paired import best_network
from sixteenth.language import language_for
from sixteenth.language.commands import command
from sixteenth.language.en import English
from sixteenth.language.words import Names
from sixteenth.language.zh_hant import TraditionalChinese
from sixteenth.spec.fields import FROZEN

EN = language_for()


def test_all_start_from_the_best_network_and_the_largest_gain_comes_first(study):
    made = levelled(study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES))
    found = talk(made)
    assert {option.start.key for option in found.options} == {(*SMALL, "1", 1.0)}
    known = [option.gain for option in found.options if option.known]
    assert known == sorted(known, reverse=True)
    kinds = [str(option.kind) for option in found.options]
    assert kinds[:2] == ["data", "model"]
    assert set(kinds) == {"data", "model", "init", "training", "resolution"}
    assert not any(option.known for option in found.options[2:])
    chances = [option.chance_best for option in found.options[:2]]
    assert sum(chances) == pytest.approx(1.0)
    assert chances[0] > 0.9


def test_an_option_has_its_gain_for_what_it_takes_and_what_choosing_it_loses_on_average(study):
    made = levelled(study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES))
    made.results["steps"] = 400
    found = talk(made)
    data, model = options(found)["data"], options(found)["model"]
    assert data.seconds == pytest.approx(data.start.mean("seconds")), "at equal steps"
    assert math.isnan(model.points_per_hour), "a loss has no rate"
    assert data.points_per_1000_images == pytest.approx(100 * data.gain / data.new_images * 1000)
    assert data.points_per_hour == pytest.approx(100 * data.gain / data.seconds * 3600)
    assert math.isnan(model.points_per_1000_images), "a bigger model takes no label"
    most = np.maximum(data.draws, model.draws)
    assert model.regret == pytest.approx(np.mean(most - model.draws))
    assert 0 <= data.regret < model.regret
    in_json = found.said_advice.to_dict()["options"][0]
    assert in_json["regret"] == pytest.approx(data.regret)
    assert in_json["points_per_hour"] == pytest.approx(data.points_per_hour)
    assert "points per 1,000 labels" in in_json["cost"]
    (table,) = next(part for part in found.sections if part.key == "advice").tables
    assert [cells[0] for cells, _ in table.rows] == ["Label 50,000 more images", "Use resnet50"]


def test_options_share_the_training_and_the_test_images_of_the_best_network(study):
    """What two models have over one network varies together: which is better is known better."""
    made = study({SMALL: (0.78,), BIG: (0.75,), PRE: (0.76,)}, fractions=ONE, test_size=2000)
    by_kind = options(talk(levelled(made)))
    drawn = np.array([by_kind["model"].draws, by_kind["init"].draws])
    apart = drawn[1] - drawn[0]
    assert apart.std() < 0.9 * np.hypot(*drawn.std(axis=1))
    assert drawn.mean(axis=1) == pytest.approx(
        [by_kind["model"].gain, by_kind["init"].gain], abs=0.002
    )


def test_what_nobody_tried_has_no_gain_and_null_in_json(study):
    found = options(talk(study({SMALL: (0.7,)}, fractions=ONE)))
    assert {kind for kind, option in found.items() if option.known} == set()
    for option in found.values():
        plain = option.to_dict()
        assert math.isnan(option.gain)
        assert option.verdict == "not tried"
        assert {plain[name] for name in ("gain", "low", "high", "level", "chance_best")} == {None}
        assert plain["measured"] is False


def test_the_options_in_json_have_their_gain_and_their_cost(study):
    found = talk(study({SMALL: (0.6, 0.7, 0.78), BIG: (0.5, 0.62, 0.72)}, fractions=SIZES))
    listed = found.findings.to_dict()["options"]
    assert {"data", "model"} <= {option["kind"] for option in listed}
    for option in listed:
        assert {
            *("kind", "gain", "low", "high", "level", "measured", "converged"),
            *("gain_at_equal_steps", "new_images", "seconds"),
        } <= option.keys()
        assert option["kind"] in ("data", "model", "init", "training", "resolution")


def test_a_bigger_model_that_was_trained_on_as_many_images_is_measured(study):
    made = study({SMALL: (0.6, 0.7, 0.78), BIG: (0.5, 0.62, 0.72)}, fractions=SIZES, seeds=(0, 1))
    model = options(talk(made))["model"]
    assert model.measured
    assert model.end == BIG
    assert model.gain == pytest.approx(-0.06, abs=0.01)
    assert (model.verdict, model.level, model.new_images) == ("does not", 0.95, 0)
    seconds = made.results.query("model == 'resnet50' and fraction == '1'")["seconds"].mean()
    assert model.seconds == pytest.approx(seconds)


def test_a_bigger_best_model_leaves_no_bigger_one(study):
    model = options(talk(study({SMALL: (0.70,), BIG: (0.80,)}, fractions=ONE)))["model"]
    assert model.start.model == "resnet50"
    assert model.end is None
    assert not model.known


def test_other_weights_are_measured_or_named_and_never_invented(study):
    worse = options(talk(study({SMALL: (0.8,), PRE: (0.7,)}, fractions=ONE)))["init"]
    assert (worse.measured, worse.end, worse.verdict) == (True, PRE, "does not")
    used = options(talk(study({SMALL: (0.7,), PRE: (0.8,)}, fractions=ONE)))["init"]
    assert (used.known, used.start.init) == (False, "imagenet")


def test_other_pretrained_weights_are_measured_from_pretrained_ones_too(study):
    mine = ("resnet18", "/w/mine.pth")
    init = options(talk(study({PRE: (0.8,), mine: (0.7,)}, fractions=ONE)))["init"]
    assert (init.start.init, init.end, init.verdict) == ("imagenet", mine, "does not")
    found = talk(study({SMALL: (0.5,), PRE: (0.8,), mine: (0.7,)}, fractions=ONE))
    assert options(found)["init"].end == mine
    (card,) = [card for card in found.overview.cards if str(card.option.kind) == "init"]
    assert (card.in_hand, card.option.start.init) == (True, "random"), "what weights bring at all"
    assert mine in [one.end for one in found.overview.others if one.start.init == "imagenet"]


def test_heads_on_other_weights_are_measured_and_leave_fine_tuning_to_be_tried(study):
    inits = f"imagenet{FROZEN}", f"/w/mine.pth{FROZEN}"
    arms = {("resnet18", inits[0]): (0.8,), ("resnet18", inits[1]): (0.7,)}
    found = [one for one in talk(study(arms, fractions=ONE)).options if str(one.kind) == "init"]
    assert [(one.end, one.fine_tunes) for one in found] == [
        (("resnet18", inits[1]), False),
        (None, True),
    ]
    assert EN.screen.do(found[0]) == "Start from the frozen weights in /w/mine.pth"
    assert EN.screen.untried(found[1]) == "no run fine-tuned all weights"


def test_equal_accuracies_at_three_lengths_are_no_network_that_has_not_begun_to_learn(study):
    lengths = {(*SMALL, "1", part): 0.8 for part in (0.25, 0.5)}
    made = study({SMALL: (0.8,)}, fractions=ONE, lengths=lengths)
    made.results["test_accuracy"] = 0.8

    def longer(**known):
        found = analyse(made.results, context=replace(CONTEXT, **known))
        return next(one for one in found.options if str(one.kind) == "training")

    assert longer().high < 0.08
    # Without the classes a restart of the curve is likely: nothing tells that 80% is no guess.
    assert longer(num_classes=None).high > 1.5 * longer().high


def test_several_measured_options_share_the_error_of_their_tests(study):
    """Three bigger models that differ by little: single intervals leave out zero too often."""
    accuracy = {("m0", "random"): (0.7,)} | {(f"m{i}", "random"): (0.7,) for i in range(1, 6)}
    single = corrected = 0
    for generator in range(12):
        made = study(accuracy, fractions=ONE, test_size=1500, generator=generator, epochs=1)
        made.results["parameters"] = made.results["model"].str[1:].astype(float) + 1
        for option in talk(made).options:
            if option.measured:
                single += option.high < 0
                corrected += option.verdict == "does not"
    assert corrected <= single
    assert corrected <= 1


def test_maps_of_one_position_are_an_option_to_be_tried(study):
    small = talk(study({SMALL: (0.7,)}, fractions=ONE, final_map="1x1"))
    assert "resolution" in options(small)
    assert "resolution" not in options(talk(study({SMALL: (0.7,)}, fractions=ONE, final_map="4x4")))


def test_the_chance_of_the_best_is_never_said_to_be_certain(study):
    made = levelled(study({SMALL: (0.5, 0.7, 0.8), BIG: (0.3, 0.3, 0.3)}, fractions=SIZES))
    made.results["steps"] = 400
    found = talk(made)
    assert options(found)["data"].chance_best == 1.0
    said = " ".join(one.why for one in found.said_advice.options)
    assert "the best of these options with probability over 99%" in said
    assert said.count("probability") == 1, "the best of losses is no recommendation"


def test_what_trains_more_of_the_same_weights_is_an_option_and_what_trains_less_is_none(study):
    weights = "imagenet"
    head, stage = f"{weights}, frozen", f"{weights}, last stage"

    def ends(*accuracies):
        arms = zip((head, stage, weights), accuracies, strict=True)
        made = study({("resnet18", init): (a,) for init, a in arms}, fractions=ONE, seeds=(0, 1))
        found = talk(made)
        options = [option for option in found.options if str(option.kind) == "init"]
        return options[0].start.init, [option.end and option.end[1] for option in options]

    assert ends(0.9, 0.8, 0.7) == (head, [stage, weights])
    assert ends(0.7, 0.9, 0.8) == (stage, [weights])
    assert ends(0.7, 0.8, 0.9) == (weights, [None])


def test_a_verdict_on_heads_alone_says_on_the_first_screen_that_nothing_was_fine_tuned(study):
    """Twice the labels is no advice to follow before that."""

    def warned(*inits):
        arms = {("resnet18", init): (0.6, 0.7) for init in inits}
        found = analyse(study(arms, fractions={"1/2": 25_000, "1": 50_000}).results)
        return [command(one) for one in found.overview.cautions if isinstance(one, PartTrained)]

    add_all = "sixteenth run study.yaml --set 'finetune=[{}, all]' --budget 1h"
    assert warned("imagenet, frozen") == [add_all.format("head")]
    stages = "imagenet, frozen", "imagenet, last stage"
    assert warned(*stages) == [add_all.format("head, last-stage")]
    assert warned("imagenet, frozen", "imagenet") == []
    assert warned("imagenet") == []


def test_an_open_title_on_heads_alone_names_what_the_command_below_it_trains(study):
    frozen = {(model, "imagenet, frozen"): (0.6, 0.605) for model in ("resnet18", "resnet50")}
    said = talk(study(frozen, fractions={"1/2": 25_000, "1": 50_000}, test_size=2000))
    assert english(said.findings).opening(said.findings)[0].endswith(": fine-tune all weights")
    assert said.overview.step is not None, "which trains heads again"
    assert said.overview.advised is None


def test_weights_that_were_tried_on_fewer_images_are_known_to_be_elsewhere(study):
    made = study({SMALL: (0.6, 0.7), PRE: (0.5, 0.6)}, fractions={"1/2": 25_000, "1": 50_000})
    alone = options(talk(study({SMALL: (0.6, 0.7)}, fractions={"1/2": 25_000, "1": 50_000})))
    assert not alone["init"].elsewhere
    assert options(talk(made))["init"].measured
    init = options(talk(made.drop("resnet18-imagenet-1-seed0", "missing")))["init"]
    assert (init.known, init.elsewhere) == (False, True)


@pytest.mark.parametrize("status", ["failed", "missing"])
def test_what_has_runs_without_a_result_is_not_told_to_be_untried(study, status):
    made = study({SMALL: (0.7,), BIG: (0.6,), PRE: (0.6,)}, fractions=ONE)
    gone = made.drop("resnet50-random-1-seed0", status).drop("resnet18-imagenet-1-seed0", status)
    found = talk(gone)
    assert {key for key, one in options(found).items() if one.without_result} == {"model", "init"}
    whats = {step.finding.kind: step.why for step in found.said_advice.options}
    assert whats["model"] == (
        "The runs of a bigger model than resnet18 on as many images failed or have not finished."
    )
    assert whats["init"] == (
        "The runs of resnet18 from pretrained weights on as many images failed or have not "
        "finished."
    )
    for language in (English(Names()), TraditionalChinese(Names())):
        cards = {card.option.kind: language.screen.card(card) for card in found.overview.cards}
        labels = language.screen.labels
        assert cards["model"].verdict == cards["init"].verdict == labels.no_result
        assert cards["data"].verdict in labels.verdicts.values()
    sizes = {"1/2": 25_000, "1": 50_000}
    fewer = study({SMALL: (0.6, 0.7), BIG: (0.5, 0.6)}, fractions=sizes)
    fewer = fewer.drop("resnet50-random-1of2-seed0", status)
    assert not any(one.without_result for one in options(talk(fewer)).values())


def test_a_card_of_what_is_known_on_fewer_images_alone_shows_the_gain_there(study):
    sizes = {"1/4": 12_500, "1/2": 25_000, "1": 50_000}
    arms = {SMALL: (0.5, 0.6, 0.65), PRE: (0.8, 0.84, 0.9)}
    whole = levelled(study(arms, fractions=sizes, test_size=4000))
    (card,) = (one for one in talk(whole).overview.cards if one.option.kind == "init")
    assert (card.in_hand, card.on_fewer) == (True, None)
    found = talk(whole.drop("resnet18-random-1-seed0", "missing"))
    (card,) = (one for one in found.overview.cards if one.option.kind == "init")
    assert not card.option.known
    assert (card.on_fewer.in_hand, card.on_fewer.option.start.train_size) == (True, 25_000)
    assert card.on_fewer.option.gain == pytest.approx(0.24, abs=0.02)
    assert card.shown is card.on_fewer.option
    screen = English(Names()).screen
    said = screen.card(card)
    assert said.what == "ImageNet weights over random weights, on 25,000 images"
    assert said.gain == f"+{100 * card.on_fewer.option.gain:.1f}"
    assert (said.cost, said.verdict) == ("", "on fewer only")
    assert said.interval[1] == "measured (95%)"
    assert found.overview.verdict != "in-hand", "which is about as many images as the network has"
    alone = talk(study({PRE: (0.8, 0.84, 0.9)}, fractions=sizes, test_size=4000))
    assert all(one.on_fewer is None for one in alone.overview.cards)


def test_networks_are_compared_at_the_longest_length_that_the_largest_size_has(study):
    halves = {
        (*arm, fraction, 0.5): accuracy - 0.03
        for arm, accuracies in {SMALL: (0.6, 0.7), BIG: (0.65, 0.75)}.items()
        for fraction, accuracy in zip(("1/2", "1"), accuracies, strict=True)
    }
    two = {"1/2": 25_000, "1": 50_000}
    made = study({SMALL: (0.6, 0.7), BIG: (0.65, 0.75)}, fractions=two, lengths=halves)
    assert talk(made).grid.length == 1
    stopped = made.drop("resnet50-random-1-seed0", "interrupted")
    found = talk(stopped)
    assert {(cell.fraction, cell.length) for cell in found.grid.cells} == {("1/2", 0.5), ("1", 0.5)}
    assert best_network(found.grid).arm == BIG
    assert not found.grid.missing
    gone = stopped.results["run_id"] != "resnet50-random-1-seed0-length0.5"
    stopped.results = stopped.results[gone]
    assert talk(stopped).grid.length == 1, "one model alone on all images compares nothing"
    frozen = ("resnet18", f"imagenet{FROZEN}")
    heads = study({SMALL: (0.6, 0.7), frozen: (0.5, 0.6)}, fractions=two, lengths={
        key: value for key, value in halves.items() if key[0] == "resnet18"
    })  # fmt: skip
    grid = talk(heads.drop("resnet18-random-1-seed0", "interrupted")).grid
    assert {(cell.init, cell.length) for cell in grid.cells} == {("random", 0.5), (frozen[1], 1.0)}
