"""A run that fails is a hole in the study; the same command tries that run again, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.soak import differences, remains

from sixteenth import Study
from tiny_study import Command, read_results

FRAGILE = '''\

import tiny_models
import torch


class Fragile(tiny_models.Net):
    """Breaks at its fifth step, as long as a file says how."""

    def forward(self, images):
        answer = super().forward(images)
        try:
            kind = open("break.txt", encoding="utf-8").read()
        except FileNotFoundError:
            return answer
        self.steps = getattr(self, "steps", 0) + self.training
        if self.steps == 5 and kind == "raises":
            raise RuntimeError("a fuse has blown")
        if self.steps == 5 and kind == "memory":
            torch.empty(1 << 50)
        if self.steps >= 5 and kind == "diverges":
            return answer * float("inf")
        return answer


def net(num_classes):
    return Fragile(8, num_classes)
'''

WORDS = [
    "run", "tiny.yaml", "--set", "models=[tiny_models:small, fragile:net]",
    "--set", "fractions=[100 images, 1]", "--set", "train.epochs=4", "--set", "train.batch_size=25",
    "--set", "lengths=[1]",
    "--threads", "1",
]  # fmt: skip

REASONS = {
    "raises": "a fuse has blown",
    "memory": "allocate",
    "diverges": "the training loss became",
}


@pytest.mark.parametrize(
    ("kind", "workers"),
    [
        ("raises", "1"),
        ("memory", "1"),
        ("diverges", "1"),
        pytest.param("raises", "2", marks=pytest.mark.slow),
    ],
)
def test_a_failed_run_is_a_hole_and_alone_is_tried_again(
    tiny_folder: Path, sixteenth: Command, kind: str, workers: str
) -> None:
    Path("fragile.py").write_text(FRAGILE, encoding="utf-8")
    Path("break.txt").write_text(kind, encoding="utf-8")
    study, words = tiny_folder / "study", [*WORDS, "--workers", workers, "--out", "study"]
    ended = sixteenth(*words)
    assert ended.code == 1
    assert "2 of 4 runs failed; the same command tries them again" in ended.err
    assert REASONS[kind] in ended.err
    assert "Traceback" not in ended.err
    rows = {row["run_id"]: row for row in read_results(study)}
    failed = {run_id: row for run_id, row in rows.items() if "fragile" in run_id}
    assert [row["status"] for row in failed.values()] == ["failed"] * 2
    assert all(REASONS[kind] in row["error"] for row in failed.values())
    fine = sorted(rows.keys() - failed.keys())
    assert [rows[run_id]["status"] for run_id in fine] == ["finished"] * 2

    page = (study / "report.md").read_text(encoding="utf-8")
    assert REASONS[kind] in page
    assert not any("fragile" in sentence for sentence in Study.open(study).discussion().answer)

    before = {run_id: (study / "runs" / run_id / "run.json").stat().st_ino for run_id in fine}
    Path("break.txt").unlink()
    again = sixteenth(*words)
    assert again.code == 0, again.err
    after = {run_id: (study / "runs" / run_id / "run.json").stat().st_ino for run_id in fine}
    assert after == before
    whole = sixteenth(*WORDS, "--workers", "1", "--out", "whole")
    assert whole.code == 0, whole.err
    assert differences(remains(tiny_folder / "whole"), remains(study)) == []
