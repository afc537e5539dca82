"""What a language must say on the first screen of a report, in the form that `said` has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from ..analysis.findings.advice import AdviceStep
from ..analysis.findings.cautions import Caution, OneSeed, ReasonFound
from ..analysis.findings.levers import Lever
from ..analysis.findings.missing_runs import UnfinishedRuns
from ..analysis.findings.not_converged import NotConverged
from ..analysis.findings.options import Option, OptionKind, OptionVerdict
from ..analysis.findings.overview import Card, HowSure, Overview, Verdict
from ..analysis.findings.target import Target
from ..spec.fields import is_frozen
from .commands import command, step_command
from .numbers import DASH
from .provenance import Fact
from .said import MOST_WORDS, SaidCard, SaidCaution, SaidOption, SaidOverview
from .sentences import SentenceNumbers
from .text import is_ideograph, plain
from .words import Words

OverviewFinding = Overview | Card | HowSure

WORTH_TELLING = 60.0
"""Seconds of training, from which on a command is shown with its time."""


@dataclass(frozen=True)
class ScreenLabels:
    """The fixed words of the cards; fields that hold ``{name}`` are patterns for `str.format`.

    Attributes:
        kinds: name each option.
        fine_tuning: names the option of weights where only a part of the network was trained.
        use_fine_tuning: the same within a title.
        other_weights: names it where the best network starts from pretrained ones already.
        first_layer: names another first layer, which stands beside larger images.
        on_fewer: in place of a verdict on what is known on fewer images alone.
        on_images: ``{what}`` that is known on so many ``{images}``.
        no_result: in place of a verdict, where the runs that would tell have none.
        short: of a gain that is ``{how}`` known: its ``{ends}`` and ``{level}``, in little room.
        basis: ``{how}`` a gain is known, with the ``{level}`` of its interval.
        around: the same in a sentence, with the ``{interval}`` of `SentenceNumbers.around`.
        over: what the best network ``{has}`` over the one that it is ``{compared}`` with.
        and_part: ``{what}`` it is, and the ``{part}`` of its gain without more training steps.
        and_all: the same where that is all of it.
        in_hand: in place of a cost, where the best network has it already.
        takes: a sentence before a command, on the ``{time}`` of training that it takes.
        between: two sentences.
    """

    kinds: Mapping[OptionKind, str]
    fine_tuning: str
    use_fine_tuning: str
    other_weights: str
    first_layer: str
    verdicts: Mapping[OptionVerdict, str]
    on_fewer: str
    on_images: str
    no_result: str
    measured: str
    forecast: str
    short: str
    basis: str
    around: str
    over: str
    and_part: str
    and_all: str
    in_hand: str
    takes: str
    between: str


class Screen(ABC):
    """The first screen in one language, with the names of one study."""

    labels: ScreenLabels
    numbers: SentenceNumbers

    def __init__(self, words: Words) -> None:
        self.words = words

    @abstractmethod
    def title(self, found: Overview) -> str:
        """The verdict in a few words, without a full stop."""

    @abstractmethod
    def lead(self, found: Overview) -> str:
        """What the verdict is about: the best network, and what comes next."""

    @abstractmethod
    def do(self, option: Option) -> str:
        """What would be done, as the first cell of a row says it."""

    @abstractmethod
    def label(self, option: Option) -> str:
        """An option in a few words, as it stands beside its point in the figure."""

    @abstractmethod
    def untried(self, option: Option) -> str:
        """Why nothing is known of an option, in a few words."""

    @abstractmethod
    def cost(self, option: Option) -> str:
        """Labels and time: ``50,000 labels, 39 min of training``; empty where not known."""

    def in_hand(self, option: Option) -> str:
        """The model or the weights that an option which is in hand already means."""
        assert option.end is not None
        model, init = option.end
        if option.fine_tunes:
            return self.labels.use_fine_tuning
        return self.words.model(model) if option.kind is OptionKind.MODEL else self.words.init(init)

    def card(self, card: Card) -> SaidCard:
        """A card."""
        if card.on_fewer is not None:
            return self._on_fewer(card, card.on_fewer)
        option = card.option
        what = self.words.begin(self._what(card))
        if equal_steps(option) and not self.numbers.is_nothing(option.gain):
            part = self.numbers.numbers.points(option.gain_at_equal_steps)
            all_of_it = part == self.signed(option)
            pattern = self.labels.and_all if all_of_it else self.labels.and_part
            what = pattern.format(what=what, part=part)
        return SaidCard(
            card=card,
            kind=self._kind(option),
            what=plain(what),
            gain=self.signed(option),
            around=self._short(option),
            interval=self._interval(option),
            cost=self.labels.in_hand if card.in_hand else self.cost(option),
            verdict=self.labels.verdicts[card.verdict] if card.in_hand else self.verdict(option),
        )

    def _what(self, card: Card) -> str:
        """What a card is about: what would be done, or was; else why nothing is known of it."""
        if card.in_hand:
            return self._over(card.option)
        return self.label(card.option) if card.option.known else self.untried(card.option)

    def _on_fewer(self, card: Card, known: Card) -> SaidCard:
        """A card whose gain is `known` on fewer images alone."""
        images = self.numbers.numbers.count(known.option.start.train_size)
        what = self.labels.on_images.format(what=self._what(known), images=images)
        return SaidCard(
            card=card,
            kind=self._kind(known.option),
            what=plain(self.words.begin(what)),
            gain=self.signed(known.option),
            around=self._short(known.option),
            interval=self._interval(known.option),
            cost="",
            verdict=self.labels.on_fewer,
        )

    def _kind(self, option: Option) -> str:
        """What stands above a card: ``More images``."""
        if option.fine_tunes:
            return self.labels.fine_tuning
        if option.other_weights:
            return self.labels.other_weights
        if option.kind is OptionKind.RESOLUTION and option.lever is Lever.STEM:
            return self.labels.first_layer
        return self.labels.kinds[option.kind]

    def _over(self, option: Option) -> str:
        """What the best network has over the one without: ``resnet50 over resnet18``."""
        words, start = self.words, option.start
        assert option.end is not None
        ends = words.init(option.end[1]), words.init(start.init)
        if option.kind is OptionKind.MODEL:
            ends = words.model(option.end[0]), words.model(start.model)
        return self.labels.over.format(has=ends[0], compared=ends[1])

    def option(self, option: Option) -> SaidOption:
        """A further option, or one from another network."""
        return SaidOption(
            option=option,
            start=plain(self.words.cell(option.start)),
            what=plain(self.label(option)),
            gain=self.signed(option),
            around=self._short(option),
            verdict=self.verdict(option),
        )

    def verdict(self, option: Option) -> str:
        """``helps``."""
        if option.without_result:
            return self.labels.no_result
        return self.labels.verdicts[option.told]

    def signed(self, option: Option) -> str:
        """``+24.0``, or a dash."""
        return self.numbers.numbers.points(option.gain) if option.known else DASH

    def how(self, option: Option) -> str:
        """``measured``."""
        return self.labels.measured if option.measured else self.labels.forecast

    def _short(self, option: Option) -> str:
        """``measured, +12.9 to +18.6 (95%)``."""
        if not option.known:
            return ""
        ends = self.numbers.numbers.points_interval(option.low, option.high)
        level = self.numbers.coverage(option.level)
        said = self.labels.short.format(how=self.how(option), ends=ends, level=level)
        return said + self.words.across * option.across_machines

    def _interval(self, option: Option) -> tuple[str, ...]:
        """``+12.9 to +18.6`` and ``measured (95%)``."""
        if not option.known:
            return ()
        basis = self.labels.basis.format(
            how=self.how(option), level=self.numbers.coverage(option.level)
        )
        return self.numbers.numbers.points_interval(option.low, option.high), basis

    def around(self, option: Option) -> str:
        """``measured, 95% interval +12.9 to +18.6``."""
        if not option.known:
            return ""
        ends = self.numbers.numbers.points_ends(option.low, option.high)
        interval = self.numbers.ends(option.level, *ends, measured=option.measured)
        said = self.labels.around.format(how=self.how(option), interval=interval)
        return said + self.words.across * option.across_machines

    def helping(self, found: Overview) -> Option | None:
        """What the verdict is about, if it helps: its interval is worth telling then."""
        helps = found.card is not None and found.card.verdict is OptionVerdict.HELPS
        return found.card.option if helps and found.card and found.card.option.known else None

    @abstractmethod
    def caution(self, found: Caution) -> str:
        """One or two sentences."""

    def say_cautions(self, found: Overview) -> tuple[SaidCaution, ...]:
        """What could overturn the verdict, without what the title says to train."""
        return tuple(map(self._caution, found.cautions))

    def _caution(self, found: Caution) -> SaidCaution:
        """With the time that its command takes, where that is known and worth telling."""
        text, typed, seconds = self.caution(found), command(found), math.nan
        match found:
            case NotConverged() | OneSeed() | ReasonFound() | UnfinishedRuns():
                seconds = found.seconds
        if typed and seconds >= WORTH_TELLING:
            takes = self.labels.takes.format(time=self.numbers.roughly(seconds))
            text = f"{text}{self.labels.between}{takes}"
        return SaidCaution(text, typed)

    @abstractmethod
    def step(self, found: AdviceStep) -> str:
        """One thing to train, in sentences."""

    def _advised(self, found: Overview) -> tuple[SaidCaution, ...]:
        """What else to train, with its command; none where only the title says what to do."""
        step = found.advised
        return () if step is None else (SaidCaution(self.step(step), step_command(step)),)

    @abstractmethod
    def sure(self, found: HowSure) -> tuple[Fact, ...]:
        """Trainings, test images, the smallest difference that could have been seen."""

    @abstractmethod
    def target(self, found: Target) -> str:
        """What a wanted accuracy takes, in one sentence without a full stop."""

    @abstractmethod
    def summary(self, found: Overview, data: str) -> tuple[str, ...]:
        """Sentences of the paragraph to copy, the most important first.

        Args:
            data: what the report calls the data; may be empty.
        """

    def screen(self, found: Overview, data: str) -> SaidOverview:
        """The first screen: the verdict, the cards, the options and the cautions."""
        parts = [self._advised(found), self.say_cautions(found)]
        if found.verdict is Verdict.TRAIN_FIRST:
            parts.reverse()  # the first caution has the command of the title
        return SaidOverview(
            overview=found,
            title=self.title(found),
            lead=self.lead(found),
            cards=tuple(self.card(card) for card in found.cards),
            others=tuple(self.option(option) for option in found.others),
            cautions=tuple(chain.from_iterable(parts)),
            sure=self.sure(found.sure) if found.sure else (),
            summary=_at_most(self.summary(found, data), MOST_WORDS, self.labels.between),
        )


def knows_seconds(option: Option) -> bool:
    """Whether the time that an option takes is known and worth telling."""
    return math.isfinite(option.seconds) and option.seconds >= 1


def rates(option: Option, numbers: SentenceNumbers) -> tuple[str, str]:
    """Points for each 1,000 new labels and each hour: ``+0.039``, ``+3.1``; or empty.

    Only of what is told to help, see `Option`.
    """
    hourly = option.points_per_hour if knows_seconds(option) else math.nan
    found = option.points_per_1000_images, hourly
    labels, hour = (numbers.two_digits(each) if math.isfinite(each) else "" for each in found)
    return labels, hour


def may_be_best(option: Option) -> bool:
    """Whether to tell its chance to be the best, and what is lost by choosing it.

    The best of several losses is no recommendation, nor is what is not `Option.ranked`.
    """
    return math.isfinite(option.chance_best) and option.gain > 0 and option.ranked


def equal_steps(option: Option) -> bool:
    """Whether to tell what part of a gain images bring without more training steps.

    The head on frozen features has no steps, and what is no gain, or less than was measured at
    equal steps, has no such part.
    """
    return not is_frozen(option.start.init) and 0 <= option.gain_at_equal_steps <= option.gain


def count_words(text: str) -> int:
    """Words of a text; two ideographs count as one, which is what a word has on average."""
    ideographs = sum(map(is_ideograph, text))
    rest = "".join(" " if is_ideograph(letter) else letter for letter in text)
    return len(rest.split()) + (ideographs + 1) // 2


def _at_most(sentences: tuple[str, ...], words: int, between: str) -> str:
    """The first of some sentences: as many as have so many words together."""
    kept: list[str] = []
    for sentence in sentences:
        if count_words(between.join([*kept, sentence])) > words:
            break
        kept.append(sentence)
    return between.join(kept)
