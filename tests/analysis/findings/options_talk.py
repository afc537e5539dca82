"""Studies whose options are looked at, and the options that are found."""

from __future__ import annotations

import json

import numpy as np

SMALL, BIG, PRE = ("resnet18", "random"), ("resnet50", "random"), ("resnet18", "imagenet")
SIZES = {"1/4": 12_500, "1/2": 25_000, "1": 50_000}
ONE = {"1": 50_000}
LEVELLED = np.array([0.2, 0.5, 0.66, 0.68, 0.681, 0.68])


def levelled(made):
    """The same study, whose training curves had levelled off."""
    made.histories["train_accuracy"] = LEVELLED[made.histories.groupby("run_id").cumcount()]
    return made


def options(found):
    """The options by their kind; a study has one of each here."""
    json.dumps(found.findings.to_dict(), allow_nan=False)
    assert len({option.kind for option in found.options}) == len(found.options)
    return {str(option.kind): option for option in found.options}
