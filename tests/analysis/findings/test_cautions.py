"""What could overturn a verdict, and the command that would settle it."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from test_options import BIG, PRE, SIZES, SMALL, levelled

from simulated_study import Study
from sixteenth.analysis import Context, analyse, read_grid
from sixteenth.analysis.findings.answer import SpreadOfTrainings
from sixteenth.analysis.findings.cautions import NothingLearned, OneSeed
from sixteenth.analysis.findings.limits import FewEpochs, FewSeeds, Repeats
from sixteenth.analysis.findings.missing_runs import MeasuredSoFar, UnfinishedRuns
from sixteenth.analysis.findings.not_converged import NotConverged, longer_settings
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.analysis.stats.paired import best_network
from sixteenth.language import language_for
from sixteenth.language.commands import command
from sixteenth.spec.fields import FROZEN, LAST_STAGE

HEAD, BIG_HEAD = (("resnet18", f"imagenet{FROZEN}"), ("resnet50", f"imagenet{FROZEN}"))


def caution(made, kind):
    found = analyse(made.results, made.histories, predictions=made.predictions)
    return next((each for each in found.overview.cautions if isinstance(each, kind)), None)


def with_heads(study):
    """All weights, and the classifier alone, which has neither epochs nor steps."""
    made = study({PRE: (0.80, 0.84, 0.87), HEAD: (0.70, 0.71, 0.72)}, fractions=SIZES)
    head = made.results["init"] == HEAD[1]
    made.results.loc[head, ["epochs", "steps"]] = 0
    made.results.loc[head, "seconds"] = made.results.loc[head, "train_size"] / 1000
    return made


def test_heads_do_not_hide_that_all_others_were_trained_for_equal_epochs(study):
    """Equal steps would give the fewest images many times the epochs that they had."""
    grid = read_grid(with_heads(study).results)
    found = longer_settings(grid, best_network(grid), Context())
    assert found == (("train.epochs=12",), None)


def test_the_recipe_tells_what_trains_twice_as_long(study):
    made = study({SMALL: (0.60, 0.70, 0.78)}, fractions=SIZES)
    grid = read_grid(made.results)
    best = best_network(grid)
    assert longer_settings(grid, best, Context(epochs=30)) == (("train.epochs=60",), None)
    of_steps = Context(epochs=30, steps=1000)  # which count then
    assert longer_settings(grid, best, of_steps) == (("train.steps=2000",), 2000)
    one = read_grid(made.results[made.results["fraction"] == "1"])
    steps = round(2 * best.mean("steps"))
    found = longer_settings(one, best, Context())
    assert found == ((f"train.steps={steps}",), steps), "equal epochs or steps: these count"
    made.results["chosen_by"] = "validation"  # an epoch that was not the last
    kept = read_grid(made.results)
    assert longer_settings(kept, best_network(kept), Context()) == ((), None)
    limits = next(part for part in analysed(made).sections if part.key == "limits")
    assert not any(isinstance(each, FewEpochs) for each in limits.findings)


@pytest.mark.parametrize(
    ("test_size", "ahead", "told"), [(400, 0.08, False), (100_000, 0.03, True)]
)
def test_one_seed_is_no_caution_where_the_test_images_make_the_interval(test_size, ahead, told):
    """Trainings that differ by twice as much would make it hardly wider."""
    rows = [
        {"run_id": model, "model": model, "init": "random", "fraction": "1", "seed": 0}
        | {"status": "finished", "train_size": 50_000, "test_size": test_size, "steps": 400}
        | {"test_accuracy": accuracy, "parameters": size}
        for model, accuracy, size in (("small", 0.78, 1e6), ("big", 0.78 + ahead, 1e7))
    ]
    found = analyse(pd.DataFrame(rows))
    assert found.overview.verdict is Verdict.IN_HAND
    assert any(isinstance(each, OneSeed) for each in found.overview.cautions) is told


def test_what_is_left_takes_the_time_of_the_runs_like_it(study):
    made = study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES)
    whole = made.results.set_index("run_id")["seconds"]
    lost = "resnet50-random-1-seed0"
    found = caution(made.drop(lost, "missing"), UnfinishedRuns)
    assert found.seconds == pytest.approx(whole[lost], rel=0.05)
    never = made.drop(lost, "missing")
    never.results.loc[never.results["run_id"] == lost, "train_size"] = math.nan
    assert caution(never, UnfinishedRuns).seconds == found.seconds, "by the other model's fraction"
    alone = never.results["model"] != "resnet18"
    never.results = never.results[alone]
    assert caution(never, UnfinishedRuns).seconds == pytest.approx(whole[lost], rel=0.05)


def test_a_run_that_was_stopped_needs_the_time_that_is_left_of_it(study):
    made = study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES)
    lost = "resnet50-random-1-seed0"
    made = made.drop(lost, "interrupted").drop("resnet18-random-1-seed0", "missing")

    def found(**stopped):
        context = Context(stopped=stopped)
        analysed = analyse(made.results, predictions=made.predictions, context=context)
        return next(c for c in analysed.overview.cautions if isinstance(c, UnfinishedRuns))

    whole, half = found(), found(**{lost: (6, 12)})
    assert (half.missing, half.stopped, whole.stopped) == (2, ((6, 12),), ())
    # The bigger network, of which half is left, takes most of the time.
    assert 0.5 * whole.seconds < half.seconds < 0.7 * whole.seconds
    assert found(**{lost: (12, 12)}).seconds == pytest.approx(2 * half.seconds - whole.seconds)


def stopped_at(made, run_id, *, epochs, status="interrupted"):
    """The same study, in which a run of `epochs: auto` was stopped after so many epochs."""
    row = made.results["run_id"] == run_id
    made.results.loc[row, ["status", "chosen_by"]] = status, "stopped"
    made.results.loc[row, "steps"] *= epochs / made.results.loc[row, "epochs"]
    made.results.loc[row, "seconds"] *= epochs / made.results.loc[row, "epochs"]
    made.results.loc[row, "epochs"] = epochs
    return made


def test_a_run_that_is_not_at_its_end_counts_where_no_other_seed_is(study):
    """A mean of a network that levelled off and of one that did not would be of neither."""
    seeds, lost = (0, 1, 2), "resnet50-random-1-seed{}"
    accuracy = {SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}

    def of(made):
        found = analyse(made.results, made.histories, predictions=made.predictions)
        cell = found.grid.curve(BIG)[-1]
        missing = [run.run_id for run in found.grid.missing]
        so_far = next((c for c in found.overview.cautions if isinstance(c, MeasuredSoFar)), None)
        return cell.run_ids, missing, so_far, found.grid

    made = study(accuracy, fractions=SIZES, seeds=seeds, lengths={(*BIG, "1", 0.5): 0.70})
    made.results["chosen_by"] = "levelled-off"
    made = stopped_at(made, lost.format(1), epochs=3)
    ran, missing, so_far, grid = of(made)
    assert (ran, missing) == ([lost.format(0), lost.format(2)], [lost.format(1)])
    halves = [cell.seeds for cell in grid.lengths(grid.curve(BIG)[-1])]
    assert halves == [(0, 2), (0, 2)], "half of its training is not half of theirs"
    assert so_far is None, "it is left out, and told as missing"
    left = caution(made, UnfinishedRuns).seconds
    whole = made.results.set_index("run_id")["seconds"][lost.format(0)]
    assert left == pytest.approx(whole, rel=0.3), "not what it has taken until now"
    made = stopped_at(made, lost.format(0), epochs=3, status="running")
    made = stopped_at(made, lost.format(2), epochs=6)
    ran, missing, so_far, grid = of(made)
    assert ran == [lost.format(2)], "those that were trained for longer"
    assert missing == [lost.format(0), lost.format(1)]
    assert (so_far.stopped, so_far.running, so_far.runs) == (1, 0, 18)
    assert lost.format(2) not in grid.histories, "the curve does not end where it was measured"
    assert "resnet50-random-1of2-seed0" in grid.histories
    made = stopped_at(made, lost.format(0), epochs=6, status="running")
    ran, missing, so_far, _ = of(made)
    assert ran == [lost.format(0), lost.format(2)]
    assert (so_far.stopped, so_far.running) == (1, 1)
    assert command(so_far).startswith("sixteenth run")
    only = MeasuredSoFar(0, 1, 18)
    assert command(only) == "", "it is being trained"
    failed = made.results["run_id"] == lost.format(2)
    made.results.loc[failed, "status"] = "failed"
    assert of(made)[0] == [lost.format(0)]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (MeasuredSoFar(1, 0, 6), "1 of 6 runs was stopped before the accuracy had levelled off: "
         "it counts as it was when last measured. It goes on when the study is run again."),
        (MeasuredSoFar(0, 2, 6), "2 of 6 runs are still running: each counts as it was when last "
         "measured."),
        (MeasuredSoFar(1, 1, 6), "2 of 6 runs were stopped or are still running: each counts as it "
         "was when last measured. They go on when the study is run again."),
    ],
)  # fmt: skip
def test_runs_that_count_as_measured_so_far_are_told(study, found, said):
    made = study({SMALL: (0.60,)}, fractions={"1": 50_000})
    assert language_for(analysed(made)).say(found) == said


def test_the_time_of_a_head_grows_with_its_images(study):
    made = with_heads(study)
    lost = f"resnet18-{HEAD[1]}-1-seed0"
    made.results.loc[made.results["run_id"] == lost, "status"] = "missing"
    assert caution(made, UnfinishedRuns).seconds == pytest.approx(50)


def test_a_seed_that_is_planned_is_not_asked_for_again(study):
    accuracy = {SMALL: (0.60,), BIG: (0.63,)}
    once = levelled(study(accuracy, fractions={"1": 50_000}))
    found = caution(once, OneSeed)
    assert found is not None
    assert command(found) == "sixteenth run study.yaml --set 'seeds=[0, 1, 2]'"
    planned = levelled(study(accuracy, fractions={"1": 50_000}, seeds=(0, 1)))
    for run_id in planned.results["run_id"][planned.results["seed"] == 1]:
        planned = planned.drop(run_id, "missing")
    assert caution(planned, OneSeed) is None
    assert caution(planned, UnfinishedRuns).missing == 2


def quick_then_tuned(study, tuned_seeds=(0,)):
    """Ten seeds of each head, which differ little, and fewer of the networks fine-tuned."""
    heads = study(
        {HEAD: (0.70, 0.71, 0.868), BIG_HEAD: (0.71, 0.72, 0.882)},
        fractions=SIZES, seeds=range(10), seed_sd=0.001,
    )  # fmt: skip
    tuned = levelled(
        study(
            {PRE: (0.80, 0.84, 0.87), ("resnet50", "imagenet"): (0.83, 0.87, 0.888)},
            fractions=SIZES,
            seeds=tuned_seeds,
            seed_sd=0.003,
            generator=1,
            lengths={(*PRE, "1", 0.5): 0.869, ("resnet50", "imagenet", "1", 0.5): 0.887},
        )
    )
    results = pd.concat([heads.results, tuned.results], ignore_index=True)
    return Study(results, tuned.histories, heads.predictions | tuned.predictions)


def analysed(made):
    return analyse(made.results, made.histories, predictions=made.predictions)


def test_repeated_heads_do_not_hide_that_fine_tuned_networks_were_trained_once(study):
    found = analysed(quick_then_tuned(study))
    assert best_network(found.grid).init == "imagenet"
    once = next(each for each in found.overview.cautions if isinstance(each, OneSeed))
    assert once.once == ("resnet50", "imagenet")
    assert once.seeds == tuple(range(10)), "the study's own: fewer would leave heads out"
    assert once.deviation == pytest.approx(
        found.grid.spread.deviation(best_network(found.grid).key)
    )
    assert math.isfinite(once.seconds)
    assert found.overview.sure.repeats == 0
    spread = next(each for each in found.answer if isinstance(each, SpreadOfTrainings))
    assert (spread.repeats, spread.once) == (0, ("resnet50", "imagenet"))
    said = language_for(found)
    trained = "very cell of resnet50 from ImageNet weights was trained once."
    assert f"is assumed: e{trained}" in said.say(spread)
    assert said.say(once).startswith(f"E{trained}")
    seeds = next(each for section in found.sections for each in section.findings
                 if isinstance(each, FewSeeds))  # fmt: skip
    assert (seeds.repeats, seeds.parts) == (Repeats.NOT_OF_ALL, 2)


@pytest.mark.parametrize(("small_seeds", "big_seeds"), [((0, 1, 2), (0,)), ((0,), (0, 1, 2))])
def test_repeats_of_one_model_do_not_hide_that_the_other_was_trained_once(
    study, small_seeds, big_seeds
):
    small, big = (
        study(
            {arm: (accuracy,)},
            fractions={"1": 50_000},
            seeds=seeds,
            seed_sd=0.003,
            test_size=10_000,
        )
        for arm, accuracy, seeds in ((SMALL, 0.75, small_seeds), (BIG, 0.78, big_seeds))
    )
    results = pd.concat([small.results, big.results], ignore_index=True)
    found = analyse(results, predictions=small.predictions | big.predictions)
    once = next(each for each in found.overview.cautions if isinstance(each, OneSeed))
    assert once.once == (SMALL if len(small_seeds) == 1 else BIG)
    assert once.seeds == (0, 1, 2)
    assert found.overview.sure.repeats == (0 if len(big_seeds) == 1 else 2)
    (seeds,) = (each for section in found.sections for each in section.findings
                if isinstance(each, FewSeeds))  # fmt: skip
    assert seeds.repeats is Repeats.NOT_OF_ALL
    said = language_for(found).say(seeds)
    assert "Of a model and weights that were trained once at every size it is assumed" in said


def test_repeated_networks_have_the_spread_of_their_own_repeats(study):
    found = analysed(quick_then_tuned(study, tuned_seeds=(0, 1, 2)))
    assert not [each for each in found.overview.cautions if isinstance(each, OneSeed)]
    best = best_network(found.grid)
    assert found.overview.sure.repeats == found.grid.spread.degrees[best.key] == 12
    spread = next(each for each in found.answer if isinstance(each, SpreadOfTrainings))
    assert (spread.repeats, spread.once) == (12, None)


def test_a_best_network_that_guesses_is_said_and_nothing_more_of_it_is_advised(study):
    accuracy = {SMALL: (0.10, 0.10, 0.10), BIG: (0.10, 0.10, 0.10)}
    found = analysed(study(accuracy, fractions=SIZES))
    assert found.advice.steps == ()
    (guesses,) = [each for each in found.overview.cautions if isinstance(each, NothingLearned)]
    assert guesses.cell is guesses.best
    assert "from guessing, so nothing is advised from it" in language_for(found).say(guesses)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("best_too", [False, True])
def test_nobody_is_told_to_train_a_head_at_another_rate_or_for_longer(study, frozen, best_too):
    init = HEAD[1] if frozen else "imagenet"
    second = (0.1, 0.1, 0.1) if best_too else (0.50, 0.62, 0.72)
    accuracy = {("resnet18", init): (0.1, 0.1, 0.1), ("resnet50", init): second}
    found = analysed(study(accuracy, fractions=SIZES))
    (guesses,) = [each for each in found.overview.cautions if isinstance(each, NothingLearned)]
    assert (guesses.cell is guesses.best) == best_too
    said, chinese = (language_for(found, tag).say(guesses) for tag in ("en", "zh-Hant"))
    assert ("learning rate" in said, "學習率" in chinese) == (not frozen, not frozen)
    assert ("fine-tune" in said, "微調全部權重" in chinese) == (frozen, frozen)
    assert not frozen or "longer training" not in said


def test_the_time_of_more_seeds_is_that_of_all_cells_which_lack_them(study):
    made = study({SMALL: (0.60,), BIG: (0.63,)}, fractions={"1": 50_000})
    once = caution(levelled(made), OneSeed)
    assert once.seconds == pytest.approx(2 * made.results["seconds"].sum())


def test_a_network_that_guesses_is_named_where_the_best_one_is_compared_with_it(study):
    made = levelled(study({SMALL: (0.10, 0.10, 0.10), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES))
    found = caution(made, NothingLearned)
    assert found.cell.key == (*SMALL, "1", 1.0)
    runs = "resnet18-random-1-seed0 resnet50-random-1-seed0"
    assert command(found) == f"sixteenth explain DIR --between {runs} --only learning-rate-half"
    last = {
        (model, f"imagenet{LAST_STAGE}"): values
        for model, values in (("resnet18", (0.1, 0.1, 0.1)), ("resnet50", (0.50, 0.62, 0.72)))
    }
    part = caution(levelled(study(last, fractions=SIZES)), NothingLearned)
    assert command(part) == "", "explain would refuse it"
    better = levelled(study({SMALL: (0.1, 0.1, 0.3), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES))
    assert caution(better, NothingLearned) is None
    weights = levelled(study({SMALL: (0.1, 0.1, 0.1), PRE: (0.50, 0.62, 0.72)}, fractions=SIZES))
    assert caution(weights, NothingLearned).cell.arm == SMALL


@pytest.mark.parametrize(("generator", "known"), [(8, False), (4, True)])
def test_training_is_called_unfinished_only_where_its_last_steps_are_known_to_have_helped(
    study, generator, known
):
    """400 test images: they may show what the last doubling of the steps brought, or not."""
    lengths = {
        (*SMALL, fraction, length): accuracy
        for fraction, *accuracies in (("1/4", 0.50, 0.54), ("1/2", 0.60, 0.64), ("1", 0.67, 0.70))
        for length, accuracy in zip((0.25, 0.5), accuracies, strict=True)
    }
    sizes = {"1/4": 2500, "1/2": 5000, "1": 10_000}
    accuracy = {SMALL: (0.57, 0.66, 0.73)}
    made = study(accuracy, fractions=sizes, lengths=lengths, test_size=400, generator=generator)
    found = analysed(levelled(made))
    assert found.overview.verdict is Verdict.TRAIN_FIRST
    (one,) = [each for each in found.overview.cautions if isinstance(each, NotConverged)]
    assert one.known is known
    said = language_for(found).say(one)
    assert ("was still improving when its training ended" in said) is known
    assert ("may bring the best network as much" in said) is not known


def test_runs_whose_loss_diverged_are_counted_among_the_failed_ones(study):
    made = study({SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}, fractions=SIZES)
    made = made.drop("resnet50-random-1-seed0", "failed", "DivergedError: the loss became nan")
    made = made.drop("resnet50-random-1of2-seed0", "failed", "NodeError: its data are not there")
    found = caution(made, UnfinishedRuns)
    assert (found.failed, found.diverged, found.to_begin) == (2, 1, True)
