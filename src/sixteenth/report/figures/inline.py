"""Figures inside a page: SVG that obeys the page's style and its Content-Security-Policy.

The policy allows no style attribute, so matplotlib's become presentation attributes; the page's own
style sheet gives the font and, in the dark, other colours. Names of groups are dropped and others
made unique. What a reader can point at, tab to and move is laid over the accuracy figure: its
points, and the line of a wanted accuracy: outside of the axis an arrow without a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape
from matplotlib.figure import Figure

_DROPPED = re.compile(
    r"(?s)^.*?(?=<svg)|<metadata>.*?</metadata>|<style.*?</style>|<title>.*?</title>"
)
_STYLE = re.compile(r' style="([^"]*)"')
_KEPT = re.compile(r"(fill|stroke|font-size|font-weight|text-anchor|opacity)")


@dataclass(frozen=True)
class Spot:
    """A point of a figure that says its value: its place in the figure's units."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Where the accuracies of a figure lie: `low` at `bottom`, `high` at `top`, in its units."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float

    def y(self, accuracy: float) -> float:
        """The height of an accuracy; what lies outside is at the edge."""
        part = (accuracy - self.low) / (self.high - self.low)
        return self.bottom + min(1.0, max(0.0, part)) * (self.top - self.bottom)

    def side(self, accuracy: float) -> str:
        """At which edge an accuracy lies outside: ``above`` or ``below``; empty if inside."""
        return "above" if accuracy > self.high else "below" if accuracy < self.low else ""


def inline(drawn: bytes, name: str, alt: str) -> Markup:
    """A figure that only shows something.

    Args:
        drawn: by `style.svg`.
        name: no other element of the page has it.
        alt: what a screen reader says instead.
    """
    head = f'role="img" aria-label="{escape(alt)}"'
    return Markup(_page_svg(drawn, name, head, f"<title>{escape(alt)}</title>", ""))


def inline_chart(
    figure: Figure,
    drawn: bytes,
    name: str,
    alt: str,
    spots: Mapping[str, str],
    target: float | None,
) -> Markup:
    """The accuracy figure, with points that say their values and a line that can be moved.

    Args:
        drawn, name, alt: as of `inline`, of this figure.
        spots: for each line that was drawn with this `gid`, the texts of its points, one a line.
        target: the accuracy that the line stands at first; None for no line.
    """
    scale = _scale(figure)
    parts = [
        f'<circle class="spot" cx="{spot.x:.1f}" cy="{spot.y:.1f}" r="9" role="img" '
        f'tabindex="{0 if i == 0 else -1}" aria-label="{escape(spot.text)}">'
        f"<title>{escape(spot.text)}</title></circle>"
        for i, spot in enumerate(_spots(figure, spots))
    ]
    head = f'role="group" aria-label="{escape(alt)}"'
    if target is not None:
        y = scale.y(target)
        parts.insert(
            0,
            f'<g class="{f"target {scale.side(target)}".rstrip()}" '
            f'transform="translate(0 {y:.1f})">'
            f'<path class="hold" d="M{scale.left:.1f} 0H{scale.right + 7:.1f}"/>'
            f'<path class="line" d="M{scale.left:.1f} 0H{scale.right:.1f}"/>'
            f'<path class="grip" d="M{scale.right + 7:.1f} -4.5L{scale.right:.1f} 0'
            f'L{scale.right + 7:.1f} 4.5z"/></g>',
        )
        head += (
            f' data-top="{scale.top:.1f}" data-bottom="{scale.bottom:.1f}"'
            f' data-low="{scale.low:.4f}" data-high="{scale.high:.4f}"'
        )
    return Markup(_page_svg(drawn, name, head, "", "".join(parts)))


def _page_svg(drawn: bytes, name: str, head: str, before: str, after: str) -> str:
    """The figure's SVG with `head` among its attributes, and parts `before` and `after` its own."""
    text = _DROPPED.sub("", drawn.decode())
    text = _STYLE.sub(_attributes, text)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace("xlink:href", "href")
    box = re.search(r'viewBox="(0 0 ([\d.]+) ([\d.]+))"', text)
    assert box is not None, "matplotlib writes a viewBox"
    width, height = (round(float(side) * 96 / 72) for side in box.groups()[1:])
    start = f'<svg viewBox="{box[1]}" width="{width}" height="{height}" {head}>{before}'
    body = re.sub(r"\s*\n\s*", "\n", text[text.index(">") + 1 :])
    hidden = '<g aria-hidden="true">' if after else "<g>"
    return f"{start}{hidden}{body.rstrip().removesuffix('</svg>')}</g>{after}</svg>"


def _attributes(found: re.Match[str]) -> str:
    """A style attribute as presentation attributes; the font's name is left to the page."""
    pairs = (part.split(":", 1) for part in found[1].split(";") if ":" in part)
    kept = ((key.strip(), value.strip()) for key, value in pairs)
    return "".join(f' {key}="{value}"' for key, value in kept if _KEPT.match(key))


def _scale(figure: Figure) -> Scale:
    """Of the first axes."""
    axes = figure.axes[0]
    box, (width, height) = axes.get_position(), figure.get_size_inches() * 72
    low, high = axes.get_ylim()
    return Scale(
        box.x0 * width, box.x1 * width, (1 - box.y1) * height, (1 - box.y0) * height, low, high
    )


def _spots(figure: Figure, texts: Mapping[str, str]) -> list[Spot]:
    """The points of all lines that have texts."""
    axes = figure.axes[0]
    height = figure.get_figheight() * 72
    found = []
    for line in axes.get_lines():
        said = texts.get(str(line.get_gid()), "")
        pixels = axes.transData.transform(line.get_xydata()) * 72 / figure.dpi
        found += [
            Spot(float(x), float(height - y), text)
            for (x, y), text in zip(pixels, said.split("\n"), strict=False)
            if text
        ]
    return found
