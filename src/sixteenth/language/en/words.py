"""Models, initial weights and cells in English, as all sentences name them."""

from __future__ import annotations

from dataclasses import dataclass

from ...analysis.inputs.cells import Arm, Cell, MissingReason
from ...analysis.inputs.scoring import Metric
from ...spec.fields import is_frozen, is_last_stage, weights_of
from ..text import portion, upper_first
from ..words import MetricTerms
from ..words import Words as BaseWords
from .numbers import plural

ACROSS = ", across kinds of machine"
TERMS = {
    Metric.ACCURACY: MetricTerms(
        accuracy="accuracy",
        test_accuracy="test accuracy",
        error="an error",
        test_error="test error",
        column="test",
        gap="training minus test accuracy",
        right="{} right",
        images_right="{} of the test images are right",
    ),
    Metric.BALANCED_ACCURACY: MetricTerms(
        accuracy="balanced accuracy",
        test_accuracy="balanced accuracy",
        error="a balanced error",
        test_error="balanced error",
        column="balanced",
        gap="training minus plain test accuracy, which is not shown",
        right="{} balanced accuracy",
        images_right="balanced accuracy is {}",
        gain="{} of balanced accuracy",
        plain=" in plain accuracy",
    ),
}


@dataclass(frozen=True)
class Words(BaseWords):
    """The names of one study as parts of English sentences."""

    across = ACROSS
    terms = TERMS

    def begin(self, text: str) -> str:
        return upper_first(text, self.names.models.values())

    def init(self, init: str) -> str:
        """``random weights``, ``ImageNet weights``, ``weights from mine.pth``.

        With ``frozen`` before them if only the classifier was trained; and ``(last stage trained)``
        behind them if only the last stage was.
        """
        if is_frozen(init):
            return f"frozen {self.init(weights_of(init))}"
        if is_last_stage(init):
            return f"{self.init(weights_of(init))} (last stage trained)".replace(") (", ", ", 1)
        if init == "random":
            return "random weights"
        if init == "imagenet":
            return "ImageNet weights"
        if init.startswith("imagenet:"):
            return f"ImageNet weights ({init.removeprefix('imagenet:')})"
        return f"weights from {self.names.inits.get(init, init)}"

    def from_init(self, init: str) -> str:
        """An init after the word "from": ``random weights``, ``the weights in mine.pth``."""
        frozen = "frozen " if is_frozen(init) else ""
        return self.init(init).replace(f"{frozen}weights from ", f"the {frozen}weights in ", 1)

    def arm(self, model: str, init: str) -> str:
        """``resnet18 from random weights``."""
        return f"{self.model(model)} from {self.from_init(init)}"

    def cell(self, cell: Cell) -> str:
        """``resnet18 from random weights on 3,125 images``."""
        size = plural(round(cell.train_size), "image")
        steps = f" after {portion(cell.length)} of its steps" if cell.length < 1 else ""
        return f"{self.arm(cell.model, cell.init)} on {size}{steps}"

    def run(self, cell: Cell, seed: int) -> str:
        """One run of a cell; its seed only where others were planned."""
        return f"{self.cell(cell)}, seed {seed}" if cell.planned > 1 else self.cell(cell)

    def trained_once(self, arm: Arm | None) -> str:
        """That all cells of a model and init were trained once; of None, all cells of the study."""
        return f"every cell{f' of {self.arm(*arm)}' if arm else ''} was trained once"


UNSETTLED = "because a run is not at its end and may still gain as much"
"""Why the sign of a difference is not told; follows a comma."""


def missing_reason(reason: MissingReason) -> str:
    """Why a run takes no part, in a few words; its own error as it said it."""
    if reason.error:
        return reason.error
    if reason.lacks:
        lacks = {"train_size": "number of training images", "test_accuracy": "test accuracy"}
        lacks["predictions"] = "predictions of single test images"
        return f"left no {lacks[reason.lacks]}"
    return {
        "missing": "not run yet",
        "interrupted": "interrupted",
        "running": "still running",
        "failed": "failed without a message",
    }.get(reason.status, f"status {reason.status!r}")
