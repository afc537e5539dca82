"""What the name of a column says, in a table for ``sixteenth fit``."""

from __future__ import annotations

import re

SIZES = ("train_size", "train_sizes", "train_sizes_abs")
"""Usual names of the column of sizes: a study's results.csv, scikit-learn's learning_curve."""
ACCURACIES = ("test_accuracy", "test_scores")
"""Usual names of a column of accuracies, likewise."""

_MOMENT = re.compile(r"(?:^|[^a-z])(?:epoch|step|iter|iteration|round|checkpoint|k?fold)s?$", re.I)
"""Names of columns in whose rows one training may stand more than once."""
_TRAINING = re.compile(
    r"(?:^|[^a-z])(?:seed|run|run[ _-]?(?:id|uuid|name)|name|trial|repeat|replicate|version)$", re.I
)
"""Names of columns that tell one training from another."""
_LOSS = re.compile(
    r"(?<![a-z])(?<!one[ _-])(?<!0.1[ _-])(?<!hamming[ _-])(?:(?:log)?loss(?:es)?|r?mse|mae|nll|"
    r"perplexity|cross[ _-]?entropy)(?![a-z])", re.I,
)  # fmt: skip
"""Names of columns that are no error rates; a zero-one or Hamming loss is one."""
_RATE = re.compile(r"acc|err|top[ _-]?\d|0[ _-]?1|misclass", re.I)
"""In the name of a column that holds rates all the same, as the accuracy at the lowest loss."""


def is_moment(name: str) -> bool:
    """Whether one training may stand in several rows, which differ in this column."""
    return _MOMENT.search(name) is not None


def tells_trainings(name: str) -> bool:
    """Whether the column tells one training from another."""
    return _TRAINING.search(name) is not None


def is_loss(name: str) -> bool:
    """Whether the column holds losses, and neither error rates nor accuracies."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "_", name)  # valLoss
    return _LOSS.search(words) is not None and _RATE.search(words) is None
