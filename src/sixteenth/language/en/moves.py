"""The moves, what each bought, in English: parts of sentences and labels of the figure."""

from __future__ import annotations

from typing import assert_never

from ...analysis.curves.doubling import Half, HalfOrigin
from ...analysis.findings.expectation import TooLittle
from ...analysis.findings.moves import Move, MoveKind, MoveVerdict
from ...analysis.stats.paired import Basis, Contrast
from ..text import upper_first
from .numbers import count, interval, p_value, points, signed
from .words import Words


def name(move: Move, words: Words) -> str:
    """The move as the subject or object of a sentence: ``twice the images``."""
    match move.kind:
        case MoveKind.DATA:
            return "twice the images"
        case MoveKind.NEXT:
            return "the next doubling"
        case MoveKind.MODEL:
            return "the bigger model"
        case MoveKind.INIT:
            return words.init(move.end[1])
        case _:
            assert_never(move.kind)


def start(move: Move, words: Words) -> str:
    """Where it starts: ``resnet18, random weights``."""
    return f"{words.model(move.start[0])}, {words.init(move.start[1])}"


def step(move: Move, words: Words) -> str:
    """The move without its start, for a figure that groups moves by theirs."""
    sizes = _sizes(move)
    match move.kind:
        case MoveKind.DATA:
            return f"Twice the images: {sizes}"
        case MoveKind.NEXT:
            return f"Next doubling: {sizes} (forecast)"
        case MoveKind.MODEL:
            return f"Bigger model: {_models(move, words)}"
        case MoveKind.INIT:
            return f"{upper_first(words.init(move.end[1]))} instead of {words.init(move.start[1])}"
        case _:
            assert_never(move.kind)


def label(move: Move, words: Words) -> str:
    """The whole move: ``Bigger model (resnet50 instead of resnet18), random weights``."""
    sizes = _sizes(move)
    match move.kind:
        case MoveKind.DATA:
            return f"Twice the images ({sizes}), {start(move, words)}"
        case MoveKind.NEXT:
            return f"Twice the images again ({sizes}, forecast), {start(move, words)}"
        case MoveKind.MODEL:
            return f"Bigger model ({_models(move, words)}), {words.init(move.start[1])}"
        case MoveKind.INIT:
            inits = f"{words.init(move.end[1])} instead of {words.init(move.start[1])}"
            return f"{inits}, {words.model(move.start[0])}"
        case _:
            assert_never(move.kind)


def phrase(move: Move, words: Words, *, name_level: bool) -> str:
    """A measured move as half a sentence with its gain and interval."""
    where = "" if move.kind is MoveKind.DATA else f" on {count(move.to_images)} images"
    around, done = span(move, name_level=name_level), action(move, words)
    if move.verdict is MoveVerdict.HELPS:
        bought = "bought" if move.measured else "bought, as far as can be told,"
        return f"{done} {bought} {points(move.gain)}{where} ({around})"
    if move.verdict is MoveVerdict.HURTS:
        return f"{done} cost {points(move.gain)}{where} ({around})"
    return f"what {done} brings{where} cannot be told ({signed(move.gain)} points, {around})"


def span(move: Move, *, name_level: bool = True) -> str:
    """The interval as it stands in brackets after the gain: ``95% interval 3.2 to 5.0``; where
    an end was not trained ``0.0 to 35.4 if more images never hurt``."""
    hurts = move.verdict is MoveVerdict.HURTS
    text = interval(move.low, move.high, move.level, flip=hurts)
    bare = text.partition("interval ")[2]
    if move.kind is not MoveKind.NEXT and not move.measured:
        return f"{bare} if more images never hurt"
    if not name_level:
        text = bare
    return f"{text}, {too_little(move.too_little)}" if move.too_little else text


def half_origin(half: Half) -> str:
    """Where the accuracy at half the images comes from."""
    between = " and ".join(count(size) for size in half.between) + " images"
    match half.origin:
        case HalfOrigin.TRAINED:
            return "both sizes were trained"
        case HalfOrigin.INTERPOLATED:
            return (
                f"the error at {count(half.images)} images is interpolated between {between}, on "
                "logarithmic axes"
            )
        case HalfOrigin.EXTRAPOLATED:
            return (
                f"no size is half of the largest: the rate between {between} was carried to a full "
                "doubling, on logarithmic axes"
            )
        case _:
            assert_never(half.origin)


def basis(found: Contrast) -> str:
    """What an interval is made of, for a caption."""
    once = ", one training each: the spread between trainings is not in it"
    seeds = f" and by seed, {found.seeds} seeds"
    unpaired = "test images not paired (normal approximation)"
    match found.basis:
        case Basis.PAIRED:
            return f"paired by test image{once}"
        case Basis.UNPAIRED:
            return f"{unpaired}{once}"
        case Basis.PAIRED_SEEDS:
            return f"paired by test image{seeds}"
        case Basis.UNPAIRED_SEEDS:
            return f"{unpaired}{seeds}"
        case Basis.RISING_CURVE:
            return "the range that a rising curve allows"
        case _:
            assert_never(found.basis)


def too_little(found: TooLittle) -> str:
    """Why a difference does not count although its interval leaves out zero."""
    if found.only_among_several:
        return f"too little to count when {found.sizes} sizes are looked at"
    return f"too little to count: p {p_value(found.p)}"


def action(move: Move, words: Words) -> str:
    """The move as the subject of a sentence."""
    match move.kind:
        case MoveKind.DATA:
            longer = " and with them the training steps," if move.more_steps else ""
            return f"doubling the images, from {_sizes(move)},{longer}"
        case MoveKind.NEXT:
            return f"doubling the images once more, to {count(move.to_images)},"
        case MoveKind.MODEL:
            return f"the bigger model, {_models(move, words)},"
        case MoveKind.INIT:
            inits = f"{words.init(move.end[1])} instead of {words.init(move.start[1])}"
            return f"starting from {inits}"
        case _:
            assert_never(move.kind)


def _sizes(move: Move) -> str:
    unmeasured = ""
    if move.half is not None and move.half.origin is not HalfOrigin.TRAINED:
        unmeasured = f" ({move.half.origin.value})"
    return f"{count(move.from_images)}{unmeasured} to {count(move.to_images)}"


def _models(move: Move, words: Words) -> str:
    return f"{words.model(move.end[0])} instead of {words.model(move.start[0])}"
