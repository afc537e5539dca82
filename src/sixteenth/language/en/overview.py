"""The first screen of a report in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN
from ...analysis.findings.advice import AdviceStep, AnotherSize, BestNetwork, MoreSeeds
from ...analysis.findings.cautions import Caution
from ...analysis.findings.options import Option, OptionKind, OptionVerdict
from ...analysis.findings.overview import Card, HowSure, Overview, Verdict
from ...analysis.findings.recommendation import Lead
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ..provenance import Fact
from ..screen import OverviewFinding, Screen, ScreenLabels, knows_seconds
from ..text import plain, upper_first
from . import advice, cautions, explained, options
from .numbers import (
    SENTENCE,
    accuracy_interval,
    count,
    coverage,
    deviation,
    is_nothing,
    percent,
    plural,
    points,
    probability,
    roughly,
    rounded,
)
from .words import Words

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
    on_fewer="on fewer only",
    on_images="{what}, on {images} images",
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
            assert_never(finding)


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
                what = self.do(option) if option and known else "Train longer"
                return f"{what} first{gain if known else ''}"
            case Verdict.NOT_SEPARATED:
                return "Cannot tell yet: more images, or longer training?"
            case Verdict.STOP:
                return _stop(found.visible)
            case Verdict.TEST_MORE:
                return _test_more(found.visible)
            case Verdict.CANNOT_TELL:
                out = found.ruled_out
                if out is None or out.end is None:
                    return f"Cannot tell yet{_surer(found)}"
                name = options.label(out, self.words)
                weights = out.kind is OptionKind.INIT and not out.fine_tunes
                several = weights or out.kind is OptionKind.DATA
                does_not = f"{self.words.begin(name)} do{'' if several else 'es'} not help"
                rest = "What else would help" if found.some_told else "The rest"
                return f"{does_not} ({_gain(out, self.words)}). {rest} is open{_surer(found)}"
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
        match found.onwards:
            case Lead.STOP:
                sentences.append(f"{_stop(found.visible)}.")
            case Lead.TEST_MORE:
                sentences.append(f"{_test_more(found.visible)}.")
            case Lead.TRAIN_FIRST if found.next is None:
                sentences.append("Next step: train longer.")
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
        return cautions.say(found, self.words)

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
        match found.outcome:
            case TargetOutcome.REACHED:
                said = f"is reached already: {self._measured(found)}"
            case TargetOutcome.MEASURED:
                said = f"was measured, which may be luck: {self._measured(found)}"
                if found.arms:
                    said += f"; by the curves it {_needs(found, arm)}"
            case TargetOutcome.NO_CURVE:
                said = "was not reached, and one size a model has no curve"
            case TargetOutcome.GUESSING:
                said = "was not reached, and the best network may only be guessing"
            case TargetOutcome.OUT_OF_REACH | TargetOutcome.FORECAST:
                said = _needs(found, arm)
            case _:
                assert_never(found.outcome)
        return plain(f"{wanted} {said}")

    def _measured(self, found: Target) -> str:
        """The network that measured a wanted accuracy, and how sure that is."""
        return (
            f"{self.words.cell(found.cell)}; its true {self.words.term.accuracy} is as high with "
            f"probability {probability(found.probability, CERTAIN)}"
        )

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


def _stop(visible: float) -> str:
    if is_nothing(visible):
        return "Stop here: next to nothing is left to gain"
    return f"Stop here: less than {points(visible)} are left to gain"


def _test_more(visible: float) -> str:
    if visible >= 1:
        return "Test on more images first: these are too few to show any gain"
    return f"Test on more images first: these hardly show gains below {points(visible)}"


def _surer(found: Overview) -> str:
    """What would tell, after the verdict."""
    if found.guesses:
        return ": the best network may only be guessing"
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


def _needs(found: Target, arm: str) -> str:
    """How many images a wanted accuracy takes, by the curves."""
    if not math.isfinite(found.low):
        return f"is out of reach of more images alone, even of {FARTHEST} times the images of now"
    images = f"{rounded(found.images)} images"
    if not math.isfinite(found.images):
        images = f"more than {rounded(FARTHEST * found.largest)} images"
    high = rounded(found.high) if math.isfinite(found.high) else "never"
    ends = f"{coverage(found.level)} interval {rounded(found.low)} to {high}"
    return f"needs {images} ({ends}), with {arm}"
