"""What data were taken for, in English: for the terminal before hours are spent, and the report."""

from __future__ import annotations

from ...storage.run_record import Understood
from ..text import plain
from .numbers import count, plural

_CLASSES_SHOWN = 5
_LEFT_OUT_SHOWN = 5


def say(data: Understood) -> list[str]:
    """One line on the whole, one on what was left out, one for each note; see `Language`."""
    if not data.layout:
        return []
    splits = [
        f"{count(images)} {part}"
        for images, part in (
            (data.train_images, "training"),
            (data.test_images, "test"),
            (data.validation_images, "validation"),
        )
        if images
    ]
    classes = f"{plural(len(data.classes), 'class', 'classes')} ({_classes(data.classes)})"
    parts = [plain(data.layout), classes, f"{' + '.join(splits)} images", _sizes(data)]
    lines = [f"data: {'; '.join(part for part in parts if part)}"]
    if data.left_out:
        shown = [plain(line) for line in data.left_out[:_LEFT_OUT_SHOWN]]
        more = len(data.left_out) - len(shown)
        lines.append("; ".join([f"left out: {shown[0]}", *shown[1:]]) + _more(more))
    return [*lines, *(f"note: {plain(note)}" for note in data.notes)]


def _classes(names: tuple[str, ...]) -> str:
    """The first few names and the last."""
    shown = [plain(name) for name in names]
    if len(shown) > _CLASSES_SHOWN + 1:
        shown[_CLASSES_SHOWN:-1] = ["..."]
    return ", ".join(shown)


def _sizes(data: Understood) -> str:
    """The smallest and the largest class."""
    sizes = data.per_class or {}
    if not sizes:
        return ""
    fewest, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[fewest] == sizes[most]:
        return f"{plural(sizes[most], 'image')} in every class"
    return (
        f"{count(sizes[fewest])} ({plain(fewest)}) to {count(sizes[most])} ({plain(most)}) images "
        "a class"
    )


def _more(number: int) -> str:
    return f"; and {count(number)} more" if number > 0 else ""
