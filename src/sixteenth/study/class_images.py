"""How many training images of each class a fraction holds, from what the runs' records say."""

from __future__ import annotations

import contextlib

import numpy as np

from ..data.subsets import class_counts
from ..errors import DataError
from ..spec.fraction import TrainFraction
from ..storage.study_folder import StudySnapshot


def class_images(snapshot: StudySnapshot) -> dict[str, tuple[int, ...]]:
    """Fraction -> training images of each class, in the order of the labels.

    A record holds how many images of each class there are in training and test together, and the
    predictions those of the test; how they are drawn is fixed by the fraction. Nothing of a
    fraction whose sizes do not agree with that, as of records of earlier versions.
    """
    found: dict[str, tuple[int, ...]] = {}
    wanted: dict[str, np.ndarray | None] = {}
    train: np.ndarray | None = None
    for run_id, record in snapshot.records.items():
        fraction, data = record.spec.fraction, record.data
        measured = record.has_result or record.lengths
        if fraction in found or data is None or not data.per_class or not measured:
            continue
        if train is None:
            read = snapshot.place(run_id).read_predictions(record.stored_as("1"))
            if read is None:
                continue
            counts = np.array([data.per_class.get(name, 0) for name in data.classes])
            train = counts - np.bincount(read[0], minlength=len(counts))[: len(counts)]
        present = np.flatnonzero(train > 0)
        if fraction not in wanted:  # else of hundreds of seeds it would take seconds
            wanted[fraction] = None
            with contextlib.suppress(DataError):
                wanted[fraction] = class_counts(
                    present, train[present], TrainFraction.parse(fraction), None
                )
        counts_of = wanted[fraction]
        if counts_of is None or train.min() < 0:
            continue
        if int(counts_of.sum()) == record.train_size:
            of_all = np.zeros(len(train), dtype=int)
            of_all[present] = counts_of
            found[fraction] = tuple(of_all.tolist())
    return found
