"""The first screen of a report in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN
from ...analysis.findings.advice import AdviceStep, AnotherSize, BestNetwork, MoreSeeds
from ...analysis.findings.cautions import (
    Caution,
    LeakedTest,
    MixedData,
    MixedMachines,
    NotConverged,
    NothingLearned,
    OneSeed,
    PartTrained,
    ReasonFound,
    RunsMissing,
    StoppedEarly,
    UnstableModel,
)
from ...analysis.findings.options import Option, OptionKind, OptionVerdict
from ...analysis.findings.overview import Card, HowSure, Overview, Verdict
from ...analysis.findings.per_class import ImbalancedClasses
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ...spec.fields import is_last_stage
from ..provenance import Fact
from ..screen import OverviewFinding, Screen, ScreenLabels, knows_seconds
from ..text import plain, portion, upper_first
from . import advice, explained, options
from .numbers import (
    SENTENCE,
    accuracy_interval,
    count,
    coverage,
    deviation,
    is_nothing,
    join,
    percent,
    plural,
    points,
    probability,
    roughly,
    rounded,
)
from .words import Words, trained_once

LABELS = ScreenLabels(
    kinds={
        OptionKind.DATA: "More images",
        OptionKind.MODEL: "Bigger model",
        OptionKind.INIT: "Pretrained weights",
        OptionKind.TRAINING: "Longer training",
        OptionKind.RESOLUTION: "Larger images",
    },
    fine_tuning="Fine-tuning",
    use_fine_tuning="fine-tuning",
    other_weights="Other weights",
    first_layer="First layer",
    verdicts={
        OptionVerdict.HELPS: "helps",
        OptionVerdict.DOES_NOT: "does not help",
        OptionVerdict.CANNOT_TELL: "cannot tell",
        OptionVerdict.NOT_SEPARATED: "not separated",
        OptionVerdict.NOT_TRIED: "not tried",
    },
    no_result="no result",
    measured="measured",
    forecast="forecast",
    short="{how}, {ends} ({level})",
    basis="{how} ({level})",
    around="{how}, {interval}",
    over="{has} over {compared}",
    and_part="{what}; {part} of it at equal steps",
    and_all="{what}; all of it at equal steps",
    in_hand="in hand already",
    takes="About {time} of training:",
    between=" ",
)


def say(finding: OverviewFinding, words: Words) -> str:
    """A part of the first screen as sentences."""
    screen = EnglishScreen(words)
    match finding:
        case Overview():
            title = screen.title(finding)
            return title if title.endswith("?") else f"{title}."
        case Card():
            said = screen.card(finding)
            return f"{said.kind}: {said.gain} ({said.around or said.what}): {said.verdict}."
        case HowSure():
            return " ".join(f"{fact.name}: {fact.text}." for fact in screen.sure(finding))
        case _:
            return screen.caution(finding)


class EnglishScreen(Screen):
    """The first screen with the names of one study."""

    words: Words
    labels = LABELS
    numbers = SENTENCE

    def title(self, found: Overview) -> str:
        return plain(self._title(found))

    def _title(self, found: Overview) -> str:
        option = found.card.option if found.card else None
        gain = (
            f": {_gain(option, self.words)}" if option and option.known and option.gain > 0 else ""
        )
        match found.verdict:
            case Verdict.NOTHING_FINISHED:
                return "All runs failed" if found.all_failed else "No run has finished yet"
            case Verdict.IN_HAND:
                assert option is not None
                return f"Use {self.in_hand(option)}{gain}"
            case Verdict.DO:
                assert option is not None
                return f"{self.do(option)}{gain}"
            case Verdict.TRAIN_FIRST:
                # Its gain may be open: what is not settled without it is why it comes first.
                known = option is not None and option.verdict is OptionVerdict.HELPS
                return f"Train longer first{gain if known else ''}"
            case Verdict.NOT_SEPARATED:
                return "Cannot tell yet: more images, or longer training?"
            case Verdict.STOP:
                if is_nothing(found.visible):
                    return "Stop here: next to nothing is left to gain"
                return f"Stop here: less than {points(found.visible)} are left to gain"
            case Verdict.TEST_MORE:
                if found.visible >= 1:
                    return "Test on more images first: these are too few to show any gain"
                return (
                    f"Test on more images first: these show no gain below {points(found.visible)}"
                )
            case Verdict.CANNOT_TELL:
                out = found.ruled_out
                if out is None or out.end is None:
                    return f"Cannot tell yet{_surer(found)}"
                name = options.label(out, self.words)
                several = out.kind is OptionKind.INIT and not out.fine_tunes
                does_not = f"{self.words.begin(name)} do{'' if several else 'es'} not help"
                return f"{does_not} ({_gain(out, self.words)}). The rest is open{_surer(found)}"
            case Verdict.NOTHING_KNOWN:
                return f"Nothing to compare yet{_surer(found)}"
            case _:
                assert_never(found.verdict)

    def lead(self, found: Overview) -> str:
        if found.best is None:
            return plain(f"The first error: {found.error}") if found.error else ""
        sentences = [f"Best network: {self._best(found.best)}."]
        if found.next is not None:
            do = options.do(found.next, self.words)
            sentences.append(f"Next step: {do}, {options.gain(found.next, self.words)}.")
        return plain(" ".join(sentences))

    def _best(self, best: BestNetwork) -> str:
        interval = accuracy_interval(best.interval)
        interval = f" ({interval})" if interval else ""
        right = self.words.term.right.format(percent(best.cell.accuracy))
        return f"{self.words.cell(best.cell)}, {right}{interval}"

    def do(self, option: Option) -> str:
        return upper_first(options.do(option, self.words))

    def label(self, option: Option) -> str:
        return options.label(option, self.words)

    def untried(self, option: Option) -> str:
        if option.without_result:
            return "the runs that would tell have no result"
        match option.kind:
            case OptionKind.DATA:
                return "trained on one size only"
            case OptionKind.MODEL:
                return "no bigger model was trained on as many images"
            case OptionKind.INIT:
                if not option.available:
                    return f"none are known for {self.words.model(option.start.model)}"
                if option.elsewhere:
                    return "not tried with this model on as many images"
                if option.fine_tunes:
                    return "no run fine-tuned all weights"
                if option.start.init == "random":
                    return "no run used any"
                return "no other pretrained weights were tried"
            case OptionKind.TRAINING if option.converged is False:
                return "still improving at the end"
            case _:
                return "no other length was trained"

    def caution(self, found: Caution) -> str:
        match found:
            case NotConverged(known=False):
                return (
                    "Longer training may bring the best network as much as anything else, and "
                    "could change the order."
                )
            case NotConverged():
                return (
                    "The best network was still improving when its training ended: longer training "
                    "could change the order."
                )
            case OneSeed():
                return (
                    f"{upper_first(trained_once(found.once))}. If trainings differ by twice the "
                    f"{deviation(found.deviation)} assumed, the verdict may not stand."
                )
            case UnstableModel():
                number, runs = len(found.falls), len(found.model.runs)
                which = f"In {number} of {runs} trainings of" if runs > 1 else "In the training of"
                most = "by up to" if number > 1 else "by"
                return (
                    f"{which} {self.words.cell(found.model)} training accuracy fell back {most} "
                    f"{points(found.falls[0].fall)}. At a lower learning rate this model may be "
                    "ahead."
                )
            case NothingLearned() if found.cell is found.best:
                return (
                    "The test images cannot tell the best network from guessing, so nothing can be "
                    "compared. Look at the labels, then try another learning rate or longer "
                    "training."
                )
            case NothingLearned():
                name = self.words.begin(self.words.cell(found.cell))
                return (
                    f"{name}: the test images cannot tell it from guessing. It may learn with "
                    "another learning rate, which could change the verdict."
                )
            case ReasonFound():
                return explained.reason(found, self.words)
            case ImbalancedClasses():
                return (
                    f"Classes are imbalanced ({count(found.fewest)} to {count(found.most)} test "
                    f"images): {percent(found.accuracy)} of all images are right, but the mean "
                    f"recall of the classes is {percent(found.balanced)}. The study can decide by "
                    "balanced accuracy instead."
                )
            case LeakedTest():
                verb = "is" if found.images == 1 else "are"
                share = f" ({percent(found.share)})" if math.isfinite(found.share) else ""
                return (
                    f"{plural(found.images, 'test image')}{share} {verb} among the training "
                    "images, so accuracies are too high. Take them out of one of the two, then "
                    "train anew."
                )
            case MixedMachines():
                return (
                    f"Runs come from {found.machines} kinds of machine or precision, which can "
                    "shift accuracies and times. All runs of one machine can be compared."
                )
            case MixedData():
                return "The runs did not all see the same images: no comparison can be trusted."
            case StoppedEarly():
                longer = ""
                if found.longer is not None:
                    right = self.words.term.right.format(percent(found.longer.accuracy))
                    cell = self.words.cell(found.longer)
                    longer = f" After all of its steps, {cell} has {right}."
                return (
                    f"Runs on {count(found.images)} images were stopped after "
                    f"{portion(found.length)} of their steps, so all networks are compared at that "
                    f"length.{longer} They go on from there when the study is run again."
                )
            case PartTrained():
                model = self.words.model(found.best.model)
                text = f"Only the classifier of {model} was trained, on frozen features"
                if is_last_stage(found.best.init):
                    text = f"Only the last stage of {model} and its classifier were trained"
                if found.tuned:
                    return f"{text}."
                return (
                    f"{text}: fine-tuning all weights was not tried; it may reach more, and other "
                    "options may then help most."
                )
            case RunsMissing():
                return _missing(found)
            case _:
                assert_never(found)

    def step(self, found: AdviceStep) -> str:
        return advice.step(found, self.words).text

    def sure(self, found: HowSure) -> tuple[Fact, ...]:
        trainings = f"{found.fewest} to {found.most}"
        if found.fewest == found.most:
            trainings = str(found.most)
        how = "assumed"
        if found.repeats:
            how = f"from {plural(found.repeats, 'repeat')}"
        facts = [
            Fact("Trainings of each cell", trainings),
            Fact("Test images", count(found.test_images)),
        ]
        if math.isfinite(found.detectable):
            least = f"{points(found.detectable)}, in one comparison"
            facts.append(Fact("Smallest detectable difference", least))
        return (*facts, Fact("Spread between trainings", f"±{deviation(found.deviation)}, {how}"))

    def cost(self, option: Option) -> str:
        labels = (
            plural(round(option.new_images), "new label") if option.new_images else "no new label"
        )
        parts = [labels]
        if knows_seconds(option):
            parts.append(f"{roughly(option.seconds)} of training")
        return ", ".join(parts) if option.known or option.kind is OptionKind.DATA else ""

    def target(self, found: Target) -> str:
        wanted, arm = percent(1 - found.error), self.words.arm(found.model, found.init)
        most = f"{FARTHEST} times the images of now"
        match found.outcome:
            case TargetOutcome.REACHED:
                said = f"was measured already: {arm}, {plural(round(found.images), 'image')}"
                if math.isfinite(found.probability):
                    chance = probability(found.probability, CERTAIN)
                    true = f"its true {self.words.term.accuracy}"
                    said += f"; {true} is as high with probability {chance}"
            case TargetOutcome.NO_CURVE:
                said = "was not reached, and one size a model has no curve"
            case TargetOutcome.OUT_OF_REACH:
                said = f"is out of reach of more images alone, even of {most}"
            case TargetOutcome.FORECAST:
                images = f"more than {most}"
                if math.isfinite(found.images):
                    images = f"{rounded(found.images)} images"
                high = rounded(found.high) if math.isfinite(found.high) else "never"
                ends = f"{coverage(found.level)} interval {rounded(found.low)} to {high}"
                said = f"needs {images} ({ends}), with {arm}"
            case _:
                assert_never(found.outcome)
        return plain(f"{wanted} {said}")

    def summary(self, found: Overview, data: str) -> tuple[str, ...]:
        title = self.title(found)
        if found.best is None or found.sure is None:
            return (f"{title}.",)
        option = self.helping(found)
        if option is not None and title[-1] != "?":
            title += f" ({self.around(option)})"
        on = f" on {plain(data)}" if data else ""
        sure = found.sure
        trainings = plural(sure.most, "training")
        if sure.fewest != sure.most:
            trainings = f"{sure.fewest} to {sure.most} trainings"
        images = ""
        if math.isfinite(sure.test_images):
            images = f", {plural(round(sure.test_images), 'test image')}"
        return (
            f"{title}{'' if title.endswith('?') else '.'}",
            f"Best network{on}: {plain(self._best(found.best))}.",
            f"Rests on {trainings} of each cell{images}.",
        )


def _missing(found: RunsMissing) -> str:
    """How many runs have no result, and why."""
    counts = [
        (found.failed, "failed and {} left out", "failed"),
        (found.missing, "{} missing and left out", "{} missing"),
        (found.running, "{} still running and left out", "{} still running"),
    ]
    told = [each for each in counts if each[0]]
    of_all = f" of {found.runs} runs"
    if len(told) == 1:
        number, alone, _ = told[0]
        told_of = f"{number}{of_all} {alone.format('is' if number == 1 else 'are')}."
        return told_of + _stopped(found) + _diverged(found)
    parts = [
        f"{number}{of_all * (i == 0)} {what.format('is' if number == 1 else 'are')}"
        for i, (number, _, what) in enumerate(told)
    ]
    return f"{join(parts)}; they are left out.{_stopped(found)}{_diverged(found)}"


def _diverged(found: RunsMissing) -> str:
    """That runs failed in a way that is no accident, as a further sentence."""
    if not found.diverged:
        return ""
    which = "Its loss" if found.diverged == found.failed == 1 else f"The loss of {found.diverged}"
    return (
        f" {which} became NaN or infinite, and would again: another learning rate may help "
        "(train.learning_rate)."
    )


def _stopped(found: RunsMissing) -> str:
    """Which of the missing runs go on where they were stopped, as a further sentence."""
    match found.stopped:
        case ():
            return ""
        case ((epoch, epochs),):
            alone = found.missing == 1 and not (found.failed or found.running)
            which = "It" if alone else "One of them"
            return f" {which} was stopped at epoch {epoch} of {epochs}."
        case _:
            return f" {len(found.stopped)} of them were stopped on the way."


def _surer(found: Overview) -> str:
    """What would tell, after the verdict."""
    if found.reason is not None:
        return f": train with {explained.CHANGED[found.reason]}"
    if found.unfinished:
        return ": train the rest of this study"
    if found.running:
        return ": wait for the runs that are still running"
    if found.part_trained:
        return ": fine-tune all weights"
    match found.step:
        case MoreSeeds():
            return ": train two more seeds"
        case AnotherSize():
            return ": train one more size"
        case None:
            return ""
        case _:
            return ": train half of the images longer"


def _gain(option: Option, words: Words) -> str:
    """``+24.0 points``; of a forecast ``about +2.0 points``."""
    about = "" if option.measured else "about "
    return f"{about}{words.term.gain.format(SENTENCE.signed_points(option.gain))}"
