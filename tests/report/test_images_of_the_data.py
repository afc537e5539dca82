"""What the records say of the data bears on what more images would take."""

from __future__ import annotations

from typing import Any

from simulated_study import make_study, run_record
from sixteenth.analysis import OptionKind
from sixteenth.report.discussion import Measurements, analyse_study
from sixteenth.report.provenance import provenance
from sixteenth.storage.run_record import RunRecord


def new_images(changes: dict[int, Any] | None) -> float:
    """Labels that twice the images take, where records hold so many training images; or none."""
    counts = {"25 per class": 250, "50 per class": 500, "100 per class": 1000}
    study = make_study({("resnet18", "random"): (0.5, 0.6, 0.68)}, fractions=counts)
    rows = study.results.to_dict("records")
    records = [run_record(row, test_images=10_000) for row in rows] if changes is not None else []
    for position, data in (changes or {}).items():
        records[position]["data"] = data
    read = [RunRecord.from_dict(each) for each in records]
    found = analyse_study(Measurements({}, study.results, study.histories, read))
    return next(one for one in found.options if one.kind is OptionKind.DATA).new_images


def test_images_that_have_labels_already_are_known_from_the_records() -> None:
    assert new_images({}) == 0, "1,000 of 50,000 images were trained on"
    assert new_images({0: None, 1: {"train_images": None}}) == 0, "the third record tells"
    assert new_images(None) == 1000, "rows that were kept alone tell no more than their sizes"


def test_training_accuracies_are_of_fewer_images_only_where_more_were_trained_on() -> None:
    """A run that held out a part of its subset measures all that it trained on."""
    study = make_study({("resnet18", "random"): (0.5, 0.6)}, fractions={"1/64": 781, "1/4": 12_500})
    records = [run_record(row, test_images=10_000) for row in study.results.to_dict("records")]
    for record, measured in zip(records, (703, 10_000), strict=True):
        record["metrics"]["train_measured"] = measured
    read = [RunRecord.from_dict(each) for each in records]
    for runs, measured_on in ((read, 10_000), (read[:1], None)):
        made = provenance({}, study.results, study.histories, runs)
        assert made.train_measured == measured_on
