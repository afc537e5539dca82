"""Trains what tells a reason: the levers, with the two cells where the expectation failed.

`explain_plan` says what it costs. `lever_studies` hands over one study after another, for the
caller to train; where a verdict is open after all of them, once more with another seed. The control
run, which tells images from training steps, is trained in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.findings.advice import BestNetwork, Separate
from ..analysis.findings.analyse import Findings
from ..analysis.findings.answer import BoughtByImages
from ..analysis.findings.cautions import NothingLearned
from ..analysis.findings.expectation import Expect, Outcome, SizeVerdict
from ..analysis.findings.explained import (
    ExplainedFinding,
    ExplainedGap,
    ExplainedLever,
    LeverVerdict,
)
from ..analysis.findings.levers import MORE_SEEDS, CellPair, Lever
from ..analysis.findings.types import SectionKey
from ..analysis.inputs.cells import Cell
from ..errors import DataError, InputError, MismatchError, ModelError, WeightsError
from ..spec import StudySpec, load_frozen
from ..spec.fields import is_part_trained
from ..storage.kept_tables import KeptRows
from ..storage.study_folder import StudyFolder
from .levers import LeverStudy, begun_levers, lever_study, pair_name
from .listener import Listener
from .study import Study
from .sub_study import SubStudy


def find_pair(study: Study, between: tuple[str, str] | None = None) -> CellPair:
    """The two cells to explain: where the expectation failed on the fewest images, or those asked.

    Where others were begun and have runs left to train, these come first; where it fails nowhere,
    those that were begun. For more trainings may have met the expectation.

    Args:
        between: run ids of two cells of one fraction.

    Raises:
        InputError: the expectation failed nowhere, the two are not such cells, or runs were stopped
            before their end.
    """
    grid = study.findings().grid
    stopped = InputError(
        "runs of this study were stopped before their end, and reasons are tested with whole "
        "runs: train them on with sixteenth run"
    )
    if grid.length < 1:
        raise stopped
    if between is not None:
        pair = _asked_pair(study, between)
    else:
        failed = _failed_pair(study)
        begun = list(begun_levers(study.spec, study.folder))
        left = {pair_name(one.pair): one.pair for one in begun if _has_runs_left(one)}
        if failed is None and begun:
            return as_now(study, next(iter(left.values()), begun[0].pair))
        if failed is None or Expect(study.spec.expect) is Expect.NONE:
            raise InputError(
                "nothing to explain: no model that was expected to be ahead is known to be behind "
                "at any size; name the runs of two cells with --between RUN RUN"
            )
        if left and pair_name(failed) not in left:
            return as_now(study, next(iter(left.values())))
        pair = failed
    ends = [cell for arm in (pair.behind, pair.ahead) for cell in grid.curve(arm)]
    if any(cell.so_far for cell in ends if cell.fraction == pair.fraction):
        raise stopped
    if any(is_part_trained(init) for _, init in (pair.behind, pair.ahead)):
        whole = any(not is_part_trained(cell.init) for cell in study.findings().grid.cells)
        way_out = (
            "name the runs of two others with --between RUN RUN"
            if whole
            else "a study with finetune: [all] can be explained"
        )
        raise InputError(
            "explain changes how all weights are trained, and in these cells some are frozen: "
            + way_out
        )
    return pair


def _asked_pair(study: Study, between: tuple[str, str]) -> CellPair:
    """The cells of two runs, the less accurate one behind.

    Raises:
        InputError: they are no two cells of one fraction.
    """
    ends = sorted((_cell_of(study, run_id) for run_id in between), key=lambda c: c.accuracy)
    pair = CellPair(ends[0].fraction, ends[0].arm, ends[1].arm)
    if ends[1].fraction != pair.fraction or pair.behind == pair.ahead:
        raise InputError(
            f"--between {' '.join(between)}: name runs of two cells of one fraction, which "
            "differ in their model or initial weights"
        )
    return pair


def _failed_pair(study: Study) -> CellPair | None:
    """The cells where the expectation failed on the fewest images; None where it did nowhere."""
    failed = [
        found
        for section in study.findings().sections
        for found in section.findings
        if isinstance(found, SizeVerdict) and found.outcome is Outcome.OPPOSITE
    ]
    if not failed:
        return None
    failed = [one for one in failed if not is_part_trained(one.init)] or failed
    first = min(failed, key=lambda one: (one.small.train_size, one.init != "random"))
    behind, ahead = first.big, first.small
    if Expect(study.spec.expect) is Expect.SMALLER:
        behind, ahead = ahead, behind
    return CellPair(behind.fraction, behind.arm, ahead.arm)


def as_now(study: Study, pair: CellPair) -> CellPair:
    """A pair by today's accuracies: more seeds may have turned its cells round."""
    cells = {(cell.arm, cell.fraction): cell for cell in study.findings().grid.cells}
    ends = [cells.get((arm, pair.fraction)) for arm in (pair.behind, pair.ahead)]
    if None in ends:
        return pair
    behind, ahead = sorted(filter(None, ends), key=lambda cell: cell.accuracy)
    return CellPair(pair.fraction, behind.arm, ahead.arm)


def _has_runs_left(lever: LeverStudy) -> bool:
    """Whether a lever that was begun has runs to train; not those that failed, which may again."""
    folder = StudyFolder(lever.folder)
    kept = KeptRows.read(folder.kept_path).run_ids()
    left = [run.run_id for run in lever.runs() if run.run_id not in kept]
    records = (folder.run(run_id).read_record() for run_id in left)
    return any(record is None or record.status not in ("finished", "failed") for record in records)


def _cell_of(study: Study, run_id: str) -> Cell:
    for cell in study.findings().grid.cells:
        if run_id in cell.run_ids:
            return cell
    raise InputError(f"no finished run of this study is called {run_id!r}; see sixteenth show")


def find_levers(study: Study, pair: CellPair, only: Sequence[Lever] = ()) -> list[LeverStudy]:
    """The studies of the levers that can apply to a pair, or of those asked for.

    Weight decay and augmentation are for a generalisation gap: where that of the cell that is
    behind is no larger, they are left out.

    Raises:
        InputError: a lever that was asked for cannot apply.
    """
    cells = {(cell.arm, cell.fraction): cell for cell in study.findings().grid.cells}
    for model, init in (pair.behind, pair.ahead):
        if ((model, init), pair.fraction) not in cells:
            raise InputError(
                f"no run of {model} from {init} weights at {pair.fraction} is finished any more, "
                "which explain had begun with: train it with sixteenth run"
            )
    gaps = [cells[arm, pair.fraction].mean("gap") for arm in (pair.behind, pair.ahead)]
    overfits = gaps[0] > gaps[1]
    found = []
    for lever in only or Lever:
        if lever in (Lever.WEIGHT_DECAY, Lever.AUGMENTATION) and not (overfits or only):
            continue
        made = _lever(study, pair, lever, MORE_SEEDS if lever is Lever.SEEDS else 0)
        if made is not None:
            found.append(made)
        elif only:
            why = "this lever changes nothing for these cells"
            if lever is Lever.STEPS and study.spec.train.epochs == "auto":
                why = "the runs of this study chose their own steps (train.epochs: auto)"
            raise InputError(f"--only {lever}: {why}")
    return found


def _lever(study: Study, pair: CellPair, lever: Lever, more: int) -> LeverStudy | None:
    symbols = study.dataset().symbols
    return lever_study(study.spec, study.folder, pair, lever, symbols=symbols, more=more)


def sub_study(study: Study, each: LeverStudy) -> SubStudy:
    """The lever's study, to be planned and trained."""
    return SubStudy(study, each.spec, each.folder, each.runs())


def explain_plan(parts: Mapping[str, SubStudy], listener: Listener, **machine: Any) -> pd.DataFrame:
    """One row a part: what it will cost, see `Study.plan`. Trains and writes nothing.

    Returns:
        Columns lever, runs, left (to train), steps (of all runs), seconds, seconds_again (of one
        more seed, which follows where the verdict is open), seconds_from (what they are taken from:
        ``runs`` of the study, or the first of its runs that has another basis, see
        `planning.known.Basis`), disk_bytes, folder. A part that cannot be used with these images or
        models, or whose folder holds another, has no row; `listener` is told.

    Raises:
        MismatchError: the images or versions are not those that the study was trained with.
    """
    for part in parts.values():
        part.check_base()
    rows = []
    for name, part in parts.items():
        try:
            table = part.plan(listener=listener, **machine)
        except (DataError, ModelError, WeightsError, MismatchError) as error:
            if isinstance(error, MismatchError) and str(part.folder) not in error.what:
                raise
            listener.noticed(f"{name} is left out: {error}")
            continue
        to_repeat = _seconds_of_a_seed(part, table) if part.may_get_a_seed(name) else 0.0
        numbers = _costs(table) | {"seconds_again": to_repeat}
        rows.append({"lever": name, **numbers, "folder": str(part.folder)})
    costs = ["steps", "seconds", "seconds_again", "seconds_from", "disk_bytes"]
    return pd.DataFrame(rows, columns=["lever", "runs", "left", *costs, "folder"])


def _costs(table: pd.DataFrame) -> dict[str, Any]:
    from .planning.known import Basis

    todo = table[table["status"] != "finished"]
    basis = sorted(todo["seconds_from"], key=lambda each: each == Basis.RUNS)
    return {
        "runs": len(table),
        "left": len(todo),
        "steps": int(table["steps"].sum()),
        "seconds": float(todo["ends"].max()) if len(todo) else 0.0,
        "seconds_from": basis[0] if basis else None,
        "disk_bytes": int(todo["disk_bytes"].sum()),
    }


def _seconds_of_a_seed(part: SubStudy, table: pd.DataFrame) -> float:
    """One run after another: as planned, and of finished runs as they took."""
    took = table["run_id"].map(part.results().set_index("run_id")["seconds"])
    return float(table["seconds"].astype(float).fillna(took).sum() / table["seed"].nunique())


def seconds_again(study: Study, pair: CellPair, costs: pd.DataFrame) -> float:
    """Seconds that one more seed takes, if the verdicts of all levers of a plan stay open."""
    seconds = float(costs["seconds_again"].sum())
    if seconds and Lever.SEEDS not in set(costs["lever"]):
        cells = study.findings().grid.cells
        both = [
            c for c in cells if c.fraction == pair.fraction and c.arm in (pair.behind, pair.ahead)
        ]
        seconds += float(np.nansum([cell.mean("seconds") for cell in both]))
    return seconds


def lever_studies(
    study: Study, pair: CellPair, parts: Mapping[str, SubStudy]
) -> Iterator[tuple[str, SubStudy]]:
    """Each lever's name and study, for the caller to train before it asks for the next.

    Where a verdict is open after all of them, one more seed of the two cells follows, once; and of
    that lever, if there is a difference then that it could explain.
    """
    yield from parts.items()
    still_open = [
        found.lever
        for found in explanation(study, pair)
        if isinstance(found, ExplainedLever)
        and found.lever in parts
        and found.verdict is LeverVerdict.OPEN
        and not _extended(study, pair, found.lever)
    ]
    for lever in [Lever.SEEDS, *still_open] if still_open else []:
        made = _lever(study, pair, lever, 1)
        if made is not None and (lever is Lever.SEEDS or _is_told(study, pair)):
            yield lever.value, sub_study(study, made)


def _is_told(study: Study, pair: CellPair) -> bool:
    """Whether the difference of a pair is told from zero: else no lever has a share of it."""
    return any(isinstance(one, ExplainedGap) and one.told for one in explanation(study, pair))


def _extended(study: Study, pair: CellPair, lever: Lever) -> bool:
    made = _lever(study, pair, lever, 0)
    return made is not None and made.extended


def explanation(study: Study, pair: CellPair) -> list[ExplainedFinding]:
    """What the levers of a pair have told so far."""
    return [
        found
        for section in study.findings().sections
        if section.key is SectionKey.TESTED
        for found in section.findings
        if isinstance(found, ExplainedFinding)
        and found.behind.fraction == pair.fraction
        and {found.behind.arm, found.ahead.arm} == {pair.behind, pair.ahead}
    ]


def control_study(study: Study) -> SubStudy:
    """The control run: a cell of the best network's curve with the steps of twice its images.

    Raises:
        InputError: the study needs none.
    """
    control = next(
        (s.control for s in study.findings().advice.steps if isinstance(s, Separate)), None
    )
    if control is None:
        raise InputError(f"nothing to separate: {_why_not_separated(study.findings())}")
    cell = control.cell
    run = next(run for run in study.runs() if run.cell == cell.without_length)
    steps = round(control.steps)
    for place in StudyFolder(study.folder).control_folders(steps):
        old = load_frozen(place.spec_path) if place.spec_path.is_file() else None
        if old is None or old.train.steps == steps:
            break  # another number of steps is that of another cell, of a study that has grown
    axes = {"models": cell.model, "init": run.init, "fractions": cell.fraction}
    content = study.spec.model_dump(mode="json") | {"lengths": run.lengths}
    for axis, value in axes.items():
        content[axis] = list(dict.fromkeys([*(getattr(old, axis) if old else ()), value]))
    content["train"] |= {"schedule": run.train.schedule, "steps": steps}
    spec = StudySpec.model_validate(content)
    runs = [
        run for run in spec.runs() if run.cell == cell.without_length and run.seed in cell.seeds
    ]
    return SubStudy(study, spec, place.path, runs)


def _why_not_separated(found: Findings) -> str:
    """Why no control run of the best network's curve would tell images from training steps."""
    cautions = found.overview.cautions
    doubling = next((e.doubling for e in found.answer if isinstance(e, BoughtByImages)), None)
    best = found.advice.best
    curve = found.grid.curve(best.cell.arm) if isinstance(best, BestNetwork) else []
    if doubling is None and len(curve) < 2:
        return "the best network was trained on one number of images alone"
    if doubling is None or not doubling.measured:
        return (
            f"the best network was not trained on half of its {curve[-1].train_size:,.0f} images: "
            "add that fraction"
        )
    if doubling.from_images is not None or not doubling.more_steps:
        return "the study tells images from training steps already"
    if doubling.control is None:
        return "its runs chose their number of steps themselves (train.epochs: auto)"
    if any(isinstance(each, NothingLearned) and each.cell is each.best for each in cautions):
        return "the best network is no better than guessing"
    if doubling.gain.value <= 0:
        return (
            f"twice the images, from {doubling.half.images:,.0f} to {doubling.images:,.0f}, did "
            "not raise the accuracy of the best network"
        )
    return f"the best network is one on fewer images than half of the {doubling.images:,.0f}"
