"""The analysis of a study from the tables and records that its folder holds; no figure needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sixteenth.analysis import Context, Findings, Predictions, analyse
from sixteenth.spec.fields import OWN_MODELS
from sixteenth.storage.run_record import RunRecord

from ..language.text import plain
from .provenance import augmented, data_name, first


def analyse_study(
    *,
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[RunRecord],
    predictions: Predictions | None = None,
    target_error: float | None = None,
) -> Findings:
    """What the measurements show, and what to do next.

    Args:
        spec, results, histories, runs, predictions: as of `build_report`.
        target_error: a test error in [0, 1] that the advice is about.
    """
    return analyse(
        results,
        histories,
        expect=spec.get("expect", "bigger-is-better"),
        context=_context(spec, runs),
        predictions=predictions,
        target_error=target_error,
    )


def _context(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> Context:
    """What the discussion should know of the study besides its numbers."""
    data = first(run.data for run in runs)
    classes = data.classes if data else ()
    train = spec.get("train") or {}
    return Context(
        data=data_name(spec, runs),
        num_classes=len(classes) or None,
        classes=tuple(plain(name) for name in classes),
        image_size=spec.get("image_size"),
        stem=str(spec.get("stem", "default")),
        schedule=str(train.get("schedule") or ""),
        augmented=augmented(spec, runs),
        never_pretrained=OWN_MODELS,
        data_checks=first(run.data_checks for run in runs),
    )
