"""Commands that end while jobs are submitted or cancelled, on a Slurm of shell scripts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clusters import ON_CPU, spec

from sixteenth import InputError
from sixteenth.study.executors import slurm_jobs
from sixteenth.study.executors.base import Event
from sixteenth.study.executors.node import Origin
from sixteenth.study.planning.schedule import Assignment, Schedule

pytest.importorskip("submitit", reason="pip install 'sixteenth[slurm]'")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts")

# A line of the file `queue` is a job: its number, its state, its name.
SBATCH = """\
#!/bin/sh
name=$(sed -n 's/^#SBATCH --job-name=//p' "$1")
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$1")
array=$(($(cut -d_ -f1 queue | sort -nu | tail -n 1) + 1))
for task in $(seq 0 $last); do echo "${array}_$task PENDING $name" >> queue; done
if [ -e interrupts ]; then rm interrupts; kill -INT $PPID; sleep 0.5; fi
if [ -e too-late ]; then rm too-late; echo "Socket timed out" >&2; exit 1; fi
echo "Submitted batch job $array"
"""
SQUEUE = """\
#!/bin/sh
[ ! -e away ] || exit 1
for word; do case $word in --name=*) name=${word#--name=} ;; esac; done
[ -z "$name" ] && { cut -d' ' -f1,2 queue; exit; }
for each in $(echo "$name" | tr , ' '); do
    sed -n "/CANCELLED/d;s/ .* $each\\$//p" queue
done
"""
SCANCEL = """\
#!/bin/sh
[ ! -e away ] || exit 1
[ ! -e slow ] || sleep 0.7
echo "$*" >> cancels
for word; do
    case $word in
    --signal=*) exit ;;
    --name=*) sed -i "/ ${word#--name=}\\$/s/PENDING/CANCELLED/" queue ;;
    [0-9]*) sed -i "/^$word /s/PENDING/CANCELLED/" queue ;;
    esac
done
"""


@pytest.fixture
def queued(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[list[str]]]:
    """What is in the queue of a Slurm of shell scripts: number and state of each job."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name, content in (
        ("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL), ("srun", "")
    ):  # fmt: skip
        (scripts / name).write_text(content)
        (scripts / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_jobs, "default_data_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(slurm_jobs, "LOOK_SECONDS", 0.0)
    lines = Path("queue")  # `origin` goes to tmp_path
    lines.touch()
    return lambda: [line.split()[:2] for line in lines.read_text().splitlines()]


def command(origin: Origin, **options: str) -> slurm_jobs.SlurmJobs:
    """What a command makes that is to train two runs."""
    runs = tuple(Assignment(spec(seed), ON_CPU) for seed in (0, 1))
    executor = slurm_jobs.SlurmJobs(Schedule(runs, workers=9, slots=9), origin, options)
    for each in runs:
        executor.submit(each)
    return executor


FIRST_CANCELLED = [["1_0", "CANCELLED"], ["1_1", "CANCELLED"]]
SECOND_QUEUED = [["2_0", "PENDING"], ["2_1", "PENDING"]]


@pytest.fixture
def interrupted_as_usual() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, which it does not where a shell began this behind it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupted_as_usual")
@pytest.mark.parametrize("killed", [False, True])
def test_jobs_of_a_submission_that_broke_off_are_cancelled_before_they_are_submitted_again(
    origin: Origin, queued: Callable[[], list[list[str]]], killed: bool
) -> None:
    first = command(origin, job_name="my, own")
    Path("interrupts").touch()  # sbatch has queued them, and has not said so yet
    with pytest.raises(KeyboardInterrupt):
        first.wait(lambda _: None, 0.0)
    if not killed:
        first.close()
        assert queued() == FIRST_CANCELLED
    command(origin).wait(lambda _: None, 0.0)
    assert queued() == FIRST_CANCELLED + SECOND_QUEUED
    command(origin).wait(lambda _: None, 0.0)  # which finds these
    assert queued() == FIRST_CANCELLED + SECOND_QUEUED


def test_jobs_that_slurm_took_though_it_answered_too_late_are_not_submitted_twice(
    origin: Origin, queued: Callable[[], list[list[str]]]
) -> None:
    first = command(origin)
    Path("too-late").touch()
    with pytest.raises(InputError, match="Socket timed out"):
        first.wait(lambda _: None, 0.0)
    Path("away").touch()
    again = command(origin)
    with pytest.raises(InputError, match="does not cancel what an earlier command left"):
        again.wait(lambda _: None, 0.0)
    assert queued() == [["1_0", "PENDING"], ["1_1", "PENDING"]]
    Path("away").unlink()
    again.wait(lambda _: None, 0.0)
    assert queued() == FIRST_CANCELLED + SECOND_QUEUED


def test_a_slow_scancel_goes_on_without_the_command_and_begins_with_what_waits(
    origin: Origin, queued: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_jobs, "CANCEL_SECONDS", 0.1)
    first = command(origin)
    first.wait(lambda _: None, 0.0)
    Path("slow").touch()
    with pytest.warns(UserWarning, match="slow to cancel the jobs 1_0, 1_1: scancel goes on"):
        first.close()
    assert queued() == [["1_0", "PENDING"], ["1_1", "PENDING"]]
    # The same command, while that goes on, does not wait for jobs that are being cancelled.
    events = list[Event]()
    again = command(origin)
    again.wait(events.append, 0.0)
    assert queued() == FIRST_CANCELLED + SECOND_QUEUED
    until = time.monotonic() + 30
    while len(told := Path("cancels").read_text().splitlines()) < 4:
        assert time.monotonic() < until, told
        time.sleep(0.1)
    own = "--quiet 1_0 1_1"  # and that of the second command
    interrupts = "--quiet --state=RUNNING --signal=INT 1_0 1_1"
    assert told[0] == "--quiet --state=PENDING 1_0 1_1"
    assert sorted(told[1:]) == [interrupts, own, own]
    assert told[-1] == own
    again.wait(events.append, 0.0)
    assert events == []
    assert queued() == FIRST_CANCELLED + SECOND_QUEUED


def test_jobs_that_slurm_does_not_cancel_are_named_and_found_again(
    origin: Origin, queued: Callable[[], list[list[str]]]
) -> None:
    first = command(origin)
    first.wait(lambda _: None, 0.0)
    Path("away").touch()
    with pytest.warns(UserWarning, match="does not cancel the jobs 1_0, 1_1: the same command"):
        first.close()
    Path("away").unlink()
    command(origin).wait(lambda _: None, 0.0)
    assert queued() == [["1_0", "PENDING"], ["1_1", "PENDING"]]
