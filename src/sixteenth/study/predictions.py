"""What the test predictions of each run tell, kept while the files of its folder stay the same.

A table of results is written again and again while a study is trained. The predictions themselves,
gigabytes of a large study, are read once for all these tables, and not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..analysis import Grid
from ..analysis.inputs.predictions import Answers, TestPredictions, pair_answers
from ..analysis.stats.measures import TestMeasures, measure
from ..errors import InputError
from ..storage.run_folder import RunFolder, Stamp
from ..storage.run_record import RunRecord
from ..storage.study_folder import StudySnapshot, control_id, control_key


@dataclass(frozen=True, eq=False)
class Tested:
    """What is kept of the predictions of one row of the results table.

    Attributes:
        labels: (n,) of the test images; one array for all rows that were tested on the same.
        packed: a bit for each image, whether it was classified rightly.
    """

    measures: TestMeasures
    labels: NDArray[np.integer]
    packed: NDArray[np.uint8]

    @classmethod
    def of(cls, labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> Tested:
        """Of labels (n,) and probabilities (n, C)."""
        shared = _shared(labels.tobytes(), labels.dtype.str)
        right = np.argmax(probabilities, axis=1) == labels
        return cls(measure(labels, probabilities), shared, np.packbits(right))

    @property
    def answers(self) -> Answers:
        right = np.unpackbits(self.packed, count=len(self.labels))
        return self.labels, right.astype(bool)


@lru_cache(maxsize=16)
def _shared(content: bytes, kind: str) -> NDArray[np.integer]:
    """Labels as an array of their own bytes."""
    return np.frombuffer(content, kind)


def read_tested(snapshot: StudySnapshot) -> dict[str, Tested]:
    """run_id of a row of the results table -> what its test predictions tell."""
    found: dict[str, Tested] = {}
    for run_id, record in snapshot.records.items():
        place = snapshot.place(run_id).path
        found |= _tested_of(_Known(place, snapshot.stamps.get(run_id, ()), record))
    for run_id, control in snapshot.controls.items():
        stamp = snapshot.stamps[control_key(control.folder)]
        own = _tested_of(_Known(control.folder.path, stamp, control.record))
        if run_id in own:
            found[control_id(control.record)] = own[run_id]
    return found


def check_predictions(snapshot: StudySnapshot) -> None:
    """Check the predictions of all runs that have a result, before others are trained for hours.

    Raises:
        InputError: one of their files is damaged, or does not fit its run.
    """
    for run_id, record in snapshot.records.items():
        place = snapshot.place(run_id)
        known = _Known(place.path, snapshot.stamps.get(run_id, ()), record)
        if record.has_result and not _tested_of(known):
            dict(place.predictions_of(record))


def paired(grid: Grid, tested: Mapping[str, Tested]) -> TestPredictions:
    """Which images the runs of a grid got right, as the analysis would read it again."""
    accuracies = {
        run.run_id: run.test_accuracy
        for cell in (*grid.cells, *grid.other_lengths)
        for run in cell.runs
        if run.run_id in tested
    }
    return pair_answers(accuracies, lambda run_id: tested[run_id].answers)


@dataclass(frozen=True)
class _Known:
    """A run folder and its record; one with other files has another `stamp`."""

    path: Path
    stamp: Stamp
    record: RunRecord = field(compare=False)


@lru_cache(maxsize=10_000)
def _tested_of(run: _Known) -> Mapping[str, Tested]:
    """The same of one run folder, whose predictions are read again only where its files changed.

    Of predictions that cannot be read there is nothing: the report says which these are.
    """
    try:
        predictions = RunFolder(run.path).predictions_of(run.record)
        return {run_id: Tested.of(*each) for run_id, each in predictions.items()}
    except InputError:
        return {}
