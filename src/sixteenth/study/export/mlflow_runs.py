"""A study as an experiment of MLflow: a run for the study, and below it one for each of its runs.

They go into a folder, ``OUT/mlflow.db`` and ``OUT/artifacts``, or into a tracking store whose
address was given; the artifacts of a database file lie beside it too. A run that is there already
is known by its tag: unchanged, it stays, and gets the intervals of today, which rest on all runs of
the study; trained on in the meantime, it is deleted and written again. So nothing is there twice.
"""

from __future__ import annotations

import logging
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...errors import InputError
from ...extras import import_extra
from ...messages import one_line
from ...storage.study_folder import StudyFolder
from . import Exported
from .places import environment, require_folder
from .replay import Replay, is_end, replays

if TYPE_CHECKING:
    from ..study import Study

KEY, DIGEST = "sixteenth.key", "sixteenth.digest"
"""Tags of a run: which one it is, and what it holds. The second one is set when all is written."""

RUN_ID, PARENT = "sixteenth.run_id", "mlflow.parentRunId"

STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED", "running": "RUNNING"}

SQLITE = "sqlite:///"

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

MOST_METRICS, MOST_PARAMETERS, LONGEST = 1000, 100, 500
"""Of one call, and letters of a parameter: limits of MLflow's tracking API."""


def export_mlflow(study: Study, out: str) -> Exported:
    """Write the runs of a study into a tracking store.

    Raises:
        InputError: mlflow is not installed, or the store cannot be used.
        OSError: the folder cannot be written.
    """
    with _quietly():
        damaged = import_extra(
            "sqlalchemy.exc", extra="mlflow", needed_by="--to mlflow"
        ).SQLAlchemyError
        mlflow = import_extra("mlflow.tracking", extra="mlflow", needed_by="--to mlflow")
        failed = import_extra(
            "mlflow.exceptions", extra="mlflow", needed_by="--to mlflow"
        ).MlflowException
        uri, artifacts = _store(out)
        try:
            client = mlflow.MlflowClient(tracking_uri=uri)
            _write_all(client, study, artifacts)
        except (failed, damaged) as error:
            raise InputError(f"--out {out}: MLflow says: {one_line(error)[:300]}") from None
    return Exported(
        "mlflow", out, (f"see it with: mlflow ui --backend-store-uri {shlex.quote(uri)}",)
    )


def _store(out: str) -> tuple[str, str | None]:
    """The address of the store, and where a new one keeps files."""
    if "://" in out:
        file = out.partition("?")[0].removeprefix(SQLITE)
        beside = out.startswith(SQLITE) and file not in ("", ":memory:")
        # MLflow itself would keep them in the current folder, where nobody looks for them.
        return out, _artifacts(Path(file).absolute().parent) if beside else None
    folder = Path(out).absolute()
    require_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return f"{SQLITE}{(folder / 'mlflow.db').as_posix()}", _artifacts(folder)


def _artifacts(folder: Path) -> str:
    return (folder / "artifacts").as_uri()


def _write_all(client: Any, study: Study, artifacts: str | None) -> None:
    runs, name = replays(study), study.spec.name
    found = client.get_experiment_by_name(name)
    if found is None:
        place = artifacts and f"{artifacts}/{quote(name)}"
        experiment = client.create_experiment(name, artifact_location=place)
    else:
        experiment = found.experiment_id
    there = _written_before(client, experiment)
    parent = _parent(there, runs)
    if parent is None:
        start = _milliseconds(min(run.began for run in runs))
        parent = client.create_run(experiment, start_time=start, run_name=name)
    client.set_tag(parent.info.run_id, KEY, runs[0].study_key)
    below = {
        run.data.tags[RUN_ID]: run
        for run in there
        if run.data.tags.get(PARENT) == parent.info.run_id and RUN_ID in run.data.tags
    }
    for run in runs:
        before = below.get(run.run_id)
        if before is not None and before.data.tags.get(DIGEST) == run.digest:
            _write_intervals(client, before, run)
            continue
        if before is not None:
            client.delete_run(before.info.run_id)
        _write(client, experiment, parent.info.run_id, run)
    table = study.results().to_csv(index=False, lineterminator="\n")
    client.log_text(parent.info.run_id, table, "results.csv")
    folder = StudyFolder(study.folder)
    for path in (folder.spec_path, folder.report_path):
        if path.is_file():
            client.log_artifact(parent.info.run_id, str(path))
    ended = _milliseconds(max(run.ended for run in runs))
    complete = all(run.status == "finished" for run in runs) and len(runs) == len(study.runs())
    client.set_terminated(parent.info.run_id, "FINISHED" if complete else "KILLED", ended)


def _parent(there: list[Any], runs: list[Replay]) -> Any:
    """The run that stands for the study, if it was written before.

    A study is known by its first run. Where that was removed and trained again, it is known by any
    other.
    """
    known = {run.info.run_id: run for run in there}
    for run in there:
        if run.data.tags[KEY] == runs[0].study_key:
            return run
    begun = {(run.run_id, _milliseconds(run.began)) for run in runs}
    for run in there:
        if (run.data.tags.get(RUN_ID), run.info.start_time) in begun:
            return known.get(run.data.tags.get(PARENT))
    return None


def _written_before(client: Any, experiment: str) -> list[Any]:
    """The runs of an experiment that came from here."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], max_results=MOST_METRICS, page_token=token)
        found += [run for run in page if KEY in run.data.tags]
        token = page.token
        if not token:
            return found


def _write(client: Any, experiment: str, parent: str, run: Replay) -> None:
    from mlflow.entities import Metric, Param, RunTag

    tags = {**run.tags, KEY: run.key, PARENT: parent}
    started = client.create_run(
        experiment, start_time=_milliseconds(run.began), tags=tags, run_name=run.run_id
    )
    run_id = started.info.run_id
    parameters = [Param(key, str(value)[:LONGEST]) for key, value in run.settings.items()]
    for at in range(0, len(parameters), MOST_PARAMETERS):
        client.log_batch(run_id, params=parameters[at : at + MOST_PARAMETERS])
    metrics = [
        Metric(name, value, _milliseconds(point.moment), point.step)
        for point in run.points
        for name, value in point.values.items()
    ]
    for at in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[at : at + MOST_METRICS])
    client.set_terminated(run_id, STATUS[run.status], _milliseconds(run.ended))
    client.log_batch(run_id, tags=[RunTag(DIGEST, run.digest)])


def _write_intervals(client: Any, before: Any, run: Replay) -> None:
    """Add the ends of intervals that are others now.

    Of several values at a step MLflow shows the latest one.
    """
    from mlflow.entities import Metric

    now, latest = _milliseconds(time.time()), before.data.metrics
    changed = [
        Metric(name, value, now, point.step)
        for point in run.points
        for name, value in point.values.items()
        if is_end(name) and latest.get(name) != run.results[name]
    ]
    if changed:
        client.log_batch(before.info.run_id, metrics=changed)


def _milliseconds(moment: float) -> int:
    return round(1000 * moment)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without MLflow's telemetry, and without its lines on tables that it creates."""
    # By default the client tries to reach a server that does not answer for five minutes.
    retries = {} if RETRIES in os.environ else {RETRIES: "2"}
    level = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with environment(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", **retries):
            yield
    finally:
        logging.disable(level)
