"""Why there is no control run that would tell images from training steps: each reason is named."""

from __future__ import annotations

import pandas as pd
import pytest

from simulated_study import make_study
from sixteenth.analysis import Context, analyse
from sixteenth.errors import InputError
from sixteenth.study import Study
from sixteenth.study.explain import control_study

NEAR = {"0.8": 40_000, "1": 50_000}


def table(*accuracies: float, fractions: dict[str, int] | None = None) -> pd.DataFrame:
    """One network on 1/16, 1/2 and all images, with as many epochs on each."""
    results = make_study({("resnet18", "random"): accuracies}, fractions=fractions).results
    return results.assign(steps=results["train_size"] // 100)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (table(0.5, 0.62, 0.6), "twice the images, from 25,000 to 50,000, did not raise"),
        (table(0.1, 0.1, 0.1001), "the best network is no better than guessing"),
        (table(0.5, 0.6, fractions=NEAR), "not trained on half of its 50,000 images: add that"),
        (table(0.6, fractions={"1": 50_000}), "trained on one number of images alone"),
        (table(0.7, 0.5, 0.6), "one on fewer images than half of the 50,000"),
        (table(0.5, 0.6, 0.7).assign(chosen_by="levelled-off"), r"\(train.epochs: auto\)"),
        (table(0.5, 0.6, 0.7).assign(steps=500), "tells images from training steps already"),
    ],
)
def test_what_stands_in_the_way_of_a_control_run_is_said(
    results: pd.DataFrame, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study({"data": "digits", "models": ["resnet18"]}, "unused")
    found = analyse(results, context=Context(num_classes=10))
    monkeypatch.setattr(study, "findings", lambda: found)
    with pytest.raises(InputError, match=f"nothing to separate: .*{said}"):
        control_study(study)
