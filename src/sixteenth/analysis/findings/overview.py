"""What the first screen of a report shows: the verdict, a card for each thing that could be done,
what could overturn the verdict, and how small a difference the study could have seen.

The cards start from the best network. Where it has a bigger model or other weights already, the
card is about what these brought it: a gain that is in hand. A reader who plans the next study
wants to know both, so the verdict is about the card with the largest gain of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..inputs.cells import Cell
from ..inputs.grid import Grid
from ..stats.paired import compare_cells
from .advice import Advice, AdviceStep, BestNetwork, LabelledImages, Separate
from .answer import AnswerFinding, InHand, in_hand
from .cautions import Caution, NothingLearned, PartTrained, ReasonFound, cautions
from .compare_options import find_options
from .evidence import Evidence
from .levers import Lever
from .measured_options import measured_options
from .missing_runs import MeasuredSoFar, StoppedEarly, UnfinishedRuns
from .options import Option, OptionKind, OptionVerdict
from .recommendation import Lead, recommend
from .types import Finding, Strength

CARDS = (OptionKind.DATA, OptionKind.MODEL, OptionKind.INIT, OptionKind.TRAINING)
"""What every study is asked about; larger images and another first layer, where they were tried."""


class Verdict(StrEnum):
    """What the first screen says; but for the first two, as `Lead`."""

    NOTHING_FINISHED = "nothing-finished"
    IN_HAND = "in-hand"
    """The largest gain of all is one that the best network has already: keep what brought it."""
    DO = Lead.DO.value
    TRAIN_FIRST = Lead.TRAIN_FIRST.value
    NOT_SEPARATED = Lead.NOT_SEPARATED.value
    STOP = Lead.STOP.value
    TEST_MORE = Lead.TEST_MORE.value
    CANNOT_TELL = Lead.CANNOT_TELL.value
    NOTHING_KNOWN = Lead.NOTHING_KNOWN.value


@dataclass(frozen=True)
class Card(Finding):
    """One of the things that could be done.

    Attributes:
        option: the best of its kind; its start is the network that does not have it.
        in_hand: the best network has it already.
        on_fewer: where its gain is not known, the same on the most images on which it is: of the
            model and weights of the best network, or from them.
    """

    option: Option
    in_hand: bool = False
    on_fewer: Card | None = None

    @property
    def shown(self) -> Option:
        """The option whose gain is shown: on fewer images, where it is not known otherwise."""
        return self.option if self.on_fewer is None else self.on_fewer.option

    @property
    def verdict(self) -> OptionVerdict:
        """Whether it helps, as it may be told."""
        return self.option.told

    @property
    def strength(self) -> Strength:
        return self.option.strength


@dataclass(frozen=True)
class HowSure(Finding):
    """What the intervals rest on.

    Attributes:
        fewest, most: trainings of a cell.
        test_images: NaN where their number is not known.
        detectable: smallest difference that the study would have shown with a probability of 80%,
            between the best network and the next best, of its size where there is one, by this
            comparison alone (several share their error, and each sees less). NaN where nothing can
            be compared.
        deviation: standard deviation between trainings of the best network.
        repeats: trainings of cells that had been trained before, of those that train the same
            weights as the best network; 0: the deviation is assumed.
    """

    fewest: int
    most: int
    test_images: float
    detectable: float
    deviation: float
    repeats: int


@dataclass(frozen=True)
class Overview(Finding):
    """The first screen.

    Attributes:
        verdict: what to say first.
        best: the best network; None where nothing has finished.
        card: the one that the verdict is about; None where it is about none. With CANNOT_TELL, the
            option that was ruled out.
        next: with IN_HAND, what helps from the best network on, if that is known.
        onwards: with IN_HAND, what is recommended from there on.
        step: what would make the answer surer; None where nothing is known to.
        visible: as of `Recommendation`.
        cards: one of each kind that applies, the largest gain first; those without a known gain
            come last.
        others: further options, and those from other networks, the largest gain first.
        cautions: what could overturn the verdict.
        sure: None where nothing has finished.
        error: with NOTHING_FINISHED, what the first run that failed said; may be empty.
    """

    verdict: Verdict
    best: BestNetwork | None = None
    card: Card | None = None
    next: Option | None = None
    onwards: Lead | None = None
    step: AdviceStep | None = None
    visible: float = math.nan
    cards: tuple[Card, ...] = ()
    others: tuple[Option, ...] = ()
    cautions: tuple[Caution, ...] = ()
    sure: HowSure | None = None
    error: str = ""

    @property
    def all_failed(self) -> bool:
        """No run is left that could finish: each ended with an error."""
        return any(isinstance(each, UnfinishedRuns) and each.failed == each.runs
                   for each in self.cautions)  # fmt: skip

    @property
    def unfinished(self) -> bool:
        """Runs of the study were not begun yet, or not trained to their end: they may tell."""
        return any(
            isinstance(each, StoppedEarly)
            or (isinstance(each, UnfinishedRuns) and each.missing > 0)
            or (isinstance(each, MeasuredSoFar) and each.stopped > 0)
            for each in self.cautions
        )

    @property
    def some_told(self) -> bool:
        """A card tells of something besides `ruled_out` whether it helps."""
        told = (OptionVerdict.HELPS, OptionVerdict.DOES_NOT)
        return any(c.verdict in told and c.option is not self.ruled_out for c in self.cards)

    @property
    def guesses(self) -> bool:
        """The best network cannot be told from guessing."""
        best = (each for each in self.cautions if isinstance(each, NothingLearned))
        return any(each.cell is each.best for each in best)

    @property
    def running(self) -> bool:
        """Runs of the study are being trained: they may tell."""
        return any(
            isinstance(each, UnfinishedRuns | MeasuredSoFar) and each.running > 0
            for each in self.cautions
        )

    @property
    def part_trained(self) -> bool:
        """All weights of the best network were trained in no run: they may reach more."""
        return any(isinstance(each, PartTrained) for each in self.cautions)

    @property
    def reason(self) -> Lever | None:
        """What was found to be why another model is behind, and was not tried on the whole study.

        None where it is for one network alone, or where that network does not help with it either.
        """
        reasons = (each.reason for each in self.cautions if isinstance(each, ReasonFound))
        out = self.ruled_out
        levers = (one.lever for one in reasons if one.settings)
        return next((one for one in levers if out is None or out.lever is not one), None)

    @property
    def advised(self) -> AdviceStep | None:
        """`step`, where the verdict is open and nothing else is more likely to tell.

        Also where it is not, if the next thing to do is more images or longer training, or a
        control run would tell what the images brought apart from the steps.
        """
        if isinstance(self.step, LabelledImages):
            return self.step if self.verdict in (Verdict.DO, Verdict.IN_HAND) else None
        undecided = self.verdict in (Verdict.CANNOT_TELL, Verdict.NOTHING_KNOWN)
        if isinstance(self.step, Separate):
            mixed = any(card.verdict is OptionVerdict.NOT_SEPARATED for card in self.cards)
            next_open = mixed and self.onwards in (Lead.NOT_SEPARATED, Lead.CANNOT_TELL)
            trains_first = mixed and self.verdict is Verdict.TRAIN_FIRST
            undecided |= next_open or trains_first or self.verdict is Verdict.NOT_SEPARATED
        others = self.reason is not None or self.unfinished or self.running or self.part_trained
        return self.step if undecided and not others else None

    @property
    def ruled_out(self) -> Option | None:
        """The bigger model, the other weights or the images that were tried and do not help."""
        return _ruled_out(self.cards)

    @property
    def strength(self) -> Strength:
        unclear = self.verdict in (
            Verdict.NOT_SEPARATED,
            Verdict.TEST_MORE,
            Verdict.CANNOT_TELL,
            Verdict.NOTHING_KNOWN,
            Verdict.NOTHING_FINISHED,
        )
        return Strength.CANNOT_TELL if unclear else Strength.SUGGESTIVE


def overview(evidence: Evidence, advice: Advice, answer: Sequence[AnswerFinding]) -> Overview:
    """The first screen of a study."""
    missing = UnfinishedRuns.of(evidence)
    if not isinstance(advice.best, BestNetwork):
        errors = (run.error for run in evidence.grid.missing if run.status == "failed")
        return Overview(Verdict.NOTHING_FINISHED, cautions=missing, error=next(errors, ""))
    grid, best = evidence.grid, evidence.best
    onwards = recommend(advice.options, best)
    spent = [card for each in answer if isinstance(each, InHand) for card in _spent(each)]
    cards = [_with_fewer(evidence, card) for card in _cards(advice.options, spent)]
    verdict, card = Verdict(onwards.lead.value), None
    first = cards[0]
    if first.in_hand and first.verdict is OptionVerdict.HELPS:
        verdict, card = Verdict.IN_HAND, first
    elif verdict is Verdict.NOTHING_KNOWN and first.option.known:
        verdict, card = Verdict.CANNOT_TELL, first  # what is in hand is compared all the same
    elif verdict not in (Verdict.STOP, Verdict.TEST_MORE, Verdict.NOTHING_KNOWN):
        card = Card(onwards.option)
    shown = [_move(one.option) for one in cards]
    others = [*_others(evidence, advice)]
    in_hand_first = verdict is Verdict.IN_HAND
    helps = onwards.lead in (Lead.DO, Lead.TRAIN_FIRST) and (
        onwards.option.verdict is OptionVerdict.HELPS
    )
    decided = card.option if card else None
    if verdict is Verdict.CANNOT_TELL:
        card = next((one for one in cards if one.option is _ruled_out(cards)), None)
    found = cautions(
        evidence,
        advice.options,
        decided,
        trained_first=verdict is Verdict.TRAIN_FIRST,
        compared=[*_other_models(grid, best, cards)],
        leads=_leads(grid, best, cards),
    )
    return Overview(
        verdict=verdict,
        best=advice.best,
        card=card,
        next=onwards.option if in_hand_first and helps else None,
        onwards=onwards.lead if in_hand_first else None,
        step=advice.steps[0] if advice.steps else None,
        visible=onwards.visible,
        cards=tuple(cards),
        others=tuple(
            sorted((o for o in others if _move(o) not in shown), key=lambda one: -one.gain)
        ),
        cautions=(*found, *missing),
        sure=_how_sure(evidence),
    )


def _cards(options: Sequence[Option], spent: Sequence[Card]) -> list[Card]:
    """One of each kind: what could be had before what is in hand, where its gain is known.

    But weights in hand come before others that are behind: a study asks whether any pretrained
    ones help.
    A kind that does not apply, such as longer training of a head on frozen features, has none.
    """
    found = []
    tried = [one.kind for one in options if one.kind is OptionKind.RESOLUTION and one.known]
    for kind in (*CARDS, *tried[:1]):
        ahead = [Card(one) for one in options if one.kind is kind]
        found += (_known(kind, options, spent) or ahead)[:1]
    return sorted(found, key=lambda one: -one.option.gain if one.option.known else math.inf)


def _known(kind: OptionKind, options: Sequence[Option], spent: Sequence[Card]) -> list[Card]:
    """The cards of one kind whose gain is known, the one to show first."""
    found = [Card(one) for one in options if one.kind is kind and one.known]
    found += [one for one in spent if one.option.kind is kind]
    return sorted(found, key=_other_weights_behind)


def _with_fewer(evidence: Evidence, card: Card) -> Card:
    """A card of a model or weights whose gain is not known, with the gain on fewer images."""
    kind, best = card.option.kind, evidence.best
    if card.option.known or kind not in (OptionKind.MODEL, OptionKind.INIT):
        return card
    fewer = [c for c in evidence.grid.curve(best.arm) if c.train_size < best.train_size]
    for cell in reversed(fewer):
        spent = [one for each in in_hand(evidence, cell) for one in _spent(each)]
        if known := _known(kind, measured_options(evidence, cell), spent):
            return replace(card, on_fewer=known[0])
    return card


def _other_weights_behind(card: Card) -> bool:
    """Whether it is about pretrained weights that lose against those of the best network."""
    return card.option.other_weights and not card.option.advised


def _ruled_out(cards: Sequence[Card]) -> Option | None:
    """Of the options that were tried and do not help, the one that would lose most."""
    tried = [card for card in cards if card.option.measured and not card.in_hand]
    out = [card.option for card in tried if card.verdict is OptionVerdict.DOES_NOT]
    return min(out, key=lambda option: option.gain, default=None)


def _leads(grid: Grid, best: Cell, cards: Sequence[Card]) -> Iterator[tuple[Cell, float]]:
    """The cells that the best network is ahead of by the cards, and by how much."""
    for card in cards:
        option = card.option
        if card.in_hand and option.verdict is OptionVerdict.HELPS:  # held back or not
            yield option.start, option.gain
            continue
        other = option.kind in (OptionKind.MODEL, OptionKind.INIT) and not option.lever
        if other and option.measured and card.verdict is OptionVerdict.DOES_NOT:
            yield from ((cell, -option.gain) for cell in _ends(grid, best, option))


def _ends(grid: Grid, best: Cell, option: Option) -> Iterator[Cell]:
    """The cell of another model, or of other weights, that an option from the best one leads to."""
    yield from (c for c in grid.cells if (c.arm, c.train_size) == (option.end, best.train_size))


def _other_models(grid: Grid, best: Cell, cards: Sequence[Card]) -> Iterator[Cell]:
    """The cells of a bigger and a smaller model that the cards compare the best network with."""
    for card in cards:
        if card.option.kind is OptionKind.MODEL and card.in_hand:
            yield card.option.start
        elif card.option.kind is OptionKind.MODEL and card.option.measured:
            yield from _ends(grid, best, card.option)


def _spent(found: InHand) -> Iterator[Card]:
    """What a network has over the smaller model and over random weights."""
    yield from (Card(one, in_hand=True) for one in (found.model, found.init) if one is not None)


def _move(option: Option) -> tuple[object, ...]:
    """From where to where an option leads: what makes two options the same one."""
    return option.kind, option.start.key, option.end, option.lever


def _others(evidence: Evidence, advice: Advice) -> Iterator[Option]:
    """All known options, from the best network and from the largest cell of every other curve."""
    yield from (option for option in advice.options if option.known)
    for arm, curve in evidence.grid.curves.items():
        if arm != evidence.best.arm:
            found = find_options(evidence, curve[-1])
            yield from (option for option in found if option.known)


def _how_sure(evidence: Evidence) -> HowSure:
    grid, best, level = evidence.grid, evidence.best, evidence.level
    trainings = [len(cell.runs) for cell in grid.cells]
    others = [cell for cell in grid.cells if cell is not best]
    rivals = [cell for cell in others if cell.train_size == best.train_size] or others
    detectable = math.nan
    if rivals:
        rival = max(rivals, key=lambda cell: cell.accuracy)
        detectable = compare_cells(grid, rival, best, level).detectable
    return HowSure(
        fewest=min(trainings),
        most=max(trainings),
        test_images=best.test_size,
        detectable=detectable,
        deviation=grid.spread.deviation(best.key),
        repeats=grid.spread.degrees[best.key],
    )
