"""The runs of a study as trackers want them: settings, and values at steps and times.

Values are those of history.csv, under the names that event files have, and those of results.csv, as
``results/COLUMN`` at the step at which they were reached: a run with shorter lengths has one point
for each of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...storage.run_record import RunRecord
from ...storage.study_folder import StudyFolder
from ..tensorboard import curves, known

if TYPE_CHECKING:
    import pandas as pd

    from ..study import Study

SETTINGS = ("model", "init", "fraction", "train_size", "seed", "parameters")
"""Columns of results.csv that are no results, and tell runs apart."""
_OTHERS = ("length", "steps", "test_size", "train_measured")

RESULTS = "results/"

Setting = str | int | float | bool


@dataclass(frozen=True)
class Point:
    """Values that were measured at one step.

    Attributes:
        step: optimiser steps so far.
        moment: Unix time.
        values: by their names.
    """

    step: int
    moment: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Replay:
    """One run.

    Attributes:
        study: the study's name.
        study_key: tells the study from others of the same name, by its data and when it was begun.
        key: tells the run from all others; the same in each export.
        status: as in results.csv.
        settings: what tells it from other runs, and its recipe.
        tags: the data, and the versions that trained it.
        began, ended: Unix time; `ended` is of the last that is known of it.
        points: in the order of steps, one for each step.
    """

    study: str
    run_id: str
    study_key: str
    key: str
    status: str
    settings: Mapping[str, Setting]
    tags: Mapping[str, str]
    began: float
    ended: float
    points: tuple[Point, ...]

    @property
    def results(self) -> dict[str, float]:
        """The last of each value of results.csv."""
        last: dict[str, float] = {}
        for point in self.points:
            last |= {key: v for key, v in point.values.items() if key.startswith(RESULTS)}
        return last

    @property
    def digest(self) -> str:
        """Another one as soon as anything in it is; but for intervals, which rest on all runs."""
        own = [
            replace(point, values={k: v for k, v in point.values.items() if not is_end(k)})
            for point in self.points
        ]
        return hashlib.sha256(repr(asdict(replace(self, points=tuple(own)))).encode()).hexdigest()


def is_end(name: str) -> bool:
    """Whether a value is an end of an interval."""
    return name.startswith(RESULTS) and name.endswith(("_low", "_high"))


def replays(study: Study) -> list[Replay]:
    """All runs that were begun, in the order of run_id.

    Raises:
        InputError: a file of a run is damaged.
    """
    results, histories = study.results(), study.histories()
    folder = StudyFolder(study.folder)
    study_key, found = _study_key(study), []
    for record in study.records():
        whole = results[results["run_id"] == record.run_id].iloc[0]
        status = str(whole["status"])
        shorter = results[results["run_id"].str.startswith(f"{record.run_id}@")]
        rows = shorter[shorter["length"] < 1].to_dict("records")
        rows += [whole.to_dict()] if record.has_result else []
        began = _moment(record.started)
        if began is None:
            began = folder.run(record.run_id).record_path.stat().st_mtime
        epochs = _epochs(histories, record.run_id, began)
        ended = max(_moment(record.finished) or began, epochs[-1].moment if epochs else began)
        points = _merged([*epochs, *(_result(row, epochs, ended) for row in rows)])
        found.append(
            Replay(
                study=study.spec.name,
                run_id=record.run_id,
                study_key=study_key,
                key=_short_hash(study_key, record.run_id),
                status=status,
                settings=_settings(study, record, whole),
                tags=_tags(record, status),
                began=began,
                ended=ended,
                points=points,
            )
        )
    return found


def _epochs(histories: pd.DataFrame, run_id: str, began: float) -> list[Point]:
    """The rows of history.csv; what an interruption took is not known, and is left out."""
    rows = [known(row) for row in histories[histories["run_id"] == run_id].to_dict("records")]
    moments = accumulate((row.get("seconds", 0.0) for row in rows), initial=began)
    next(moments)
    return [
        Point(int(row.get("step", row["epoch"])), moment, curves(row))
        for row, moment in zip(rows, moments, strict=True)
    ]


def _result(row: Mapping[Any, Any], epochs: list[Point], ended: float) -> Point:
    """A row of results.csv: of a shorter length when its step was reached, of the whole run when it
    ended."""
    numbers = known(row)
    step = int(numbers.pop("steps", 0.0))
    values = {
        f"{RESULTS}{name}": value
        for name, value in numbers.items()
        if name not in (*SETTINGS, *_OTHERS)
    }
    reached = (point.moment for point in epochs if point.step >= step)
    return Point(step, ended if row["length"] == 1 else next(reached, ended), values)


def _merged(points: list[Point]) -> tuple[Point, ...]:
    at: dict[int, Point] = {}
    for point in points:
        before = at.get(point.step)
        if before is not None:
            moment = max(before.moment, point.moment)
            point = Point(point.step, moment, {**before.values, **point.values})
        at[point.step] = point
    return tuple(at[step] for step in sorted(at))


def _settings(study: Study, record: RunRecord, whole: pd.Series) -> dict[str, Setting]:
    plain: dict[str, Any] = {name: whole[name] for name in SETTINGS}
    spec = record.run_spec(StudyFolder(study.folder).run(record.run_id).record_path)
    recipe = spec.train.model_dump(mode="json", exclude_none=True)
    named = ("image_size", "stem", "subsets", "finetune")
    plain |= {name: getattr(spec, name) for name in named}
    plain |= {f"train.{name}": value for name, value in recipe.items()}
    plain["data"] = study.spec.data_name or (record.data and record.data.name)
    plain = {key: getattr(value, "item", lambda v=value: v)() for key, value in plain.items()}
    return {key: v for key, v in plain.items() if isinstance(v, str | int | float) and v == v}


def _tags(record: RunRecord, status: str) -> dict[str, str]:
    found = {
        "sixteenth.run_id": record.run_id,
        "sixteenth.status": status,
        "sixteenth.exported_by": __version__,
        "data.fingerprint": record.data and record.data.fingerprint,
        "error": record.error and str(record.error),
    }
    made = record.environment
    for name in ("sixteenth", "torch", "device", "gpu", "cpu") if made else ():
        found[f"environment.{name}"] = getattr(made, name)
    return {name: str(value) for name, value in found.items() if value}


def _study_key(study: Study) -> str:
    begun = min((record.started or "" for record in study.records()), default="")
    data = study.data_facts()
    return _short_hash(study.spec.name, str(data and data.fingerprint), begun)


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _moment(text: str | None) -> float | None:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return None
