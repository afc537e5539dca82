"""A run that fails is a hole in the study; the same command tries that run again, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.soak import differences, remains

from sixteenth import Study
from tiny_study import Command, read_results

FRAGILE = '''\
import os

import tiny_models
import torch


class Fragile(tiny_models.Net):
    """Breaks at its fifth step, as long as a file is there."""

    def __init__(self, kind, num_classes):
        super().__init__(8, num_classes)
        self.kind, self.steps = kind, 0

    def forward(self, images):
        answer = super().forward(images)
        if not os.path.exists("break.txt"):
            return answer
        self.steps += self.training
        if self.steps == 5 and self.kind == "raises":
            raise RuntimeError("a fuse has blown")
        if self.steps == 5 and self.kind == "memory":
            torch.empty(1 << 50)
        if self.steps >= 5 and self.kind == "diverges":
            return answer * float("inf")
        return answer


def raises(num_classes):
    return Fragile("raises", num_classes)


def memory(num_classes):
    return Fragile("memory", num_classes)


def diverges(num_classes):
    return Fragile("diverges", num_classes)
'''

REASONS = {
    "raises": "a fuse has blown",
    "memory": "allocate",
    "diverges": "the training loss became",
}
WORDS = [
    "run", "tiny.yaml",
    "--set", f"models=[tiny_models:small, {', '.join(f'fragile:{kind}' for kind in REASONS)}]",
    "--set", "fractions=[100 images]",
    "--set", "train.epochs=4", "--set", "train.batch_size=25",
    "--set", "lengths=[1]",
    "--threads", "1",
]  # fmt: skip


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_failed_runs_are_holes_and_alone_are_tried_again(
    tiny_folder: Path, sixteenth: Command, workers: str
) -> None:
    Path("fragile.py").write_text(FRAGILE, encoding="utf-8")
    Path("break.txt").touch()
    study, words = tiny_folder / "study", [*WORDS, "--workers", workers, "--out", "study"]
    ended = sixteenth(*words)
    assert ended.code == 1
    assert "3 of 4 runs failed; the same command tries again" in ended.err
    assert "Traceback" not in ended.err
    rows = {row["run_id"]: row for row in read_results(study)}
    page = (study / "report.md").read_text(encoding="utf-8")
    for kind, reason in REASONS.items():
        (failed,) = [row for run_id, row in rows.items() if f"fragile.{kind}" in run_id]
        assert failed["status"] == "failed"
        assert reason in failed["error"]
        assert reason in ended.err
        assert reason in page
    (fine,) = [run_id for run_id in rows if "fragile" not in run_id]
    assert rows[fine]["status"] == "finished"
    assert not any("fragile" in sentence for sentence in Study.open(study).discussion().answer)

    before = (study / "runs" / fine / "run.json").stat().st_ino
    Path("break.txt").unlink()
    again = sixteenth(*words)
    assert again.code == 0, again.err
    assert (study / "runs" / fine / "run.json").stat().st_ino == before
    whole = sixteenth(*WORDS, "--workers", "1", "--out", "whole")
    assert whole.code == 0, whole.err
    assert differences(remains(tiny_folder / "whole"), remains(study)) == []
