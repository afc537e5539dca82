"""A write that is repeated while a study runs takes only a share of the time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sixteenth.study import pace


@pytest.mark.parametrize(
    ("between", "takes", "written"),
    [(1.0, 0.01, 1000), (1.0, 0.4, 501), (1.0, 2.0, 15), (0.0, 0.125, 8)],
    ids=["almost nothing", "cheap", "dear", "runs that end at once"],
)
def test_a_write_after_each_of_a_thousand_runs_leaves_them_the_time(
    monkeypatch: pytest.MonkeyPatch, between: float, takes: float, written: int
) -> None:
    now, made = 0.0, 0

    def write() -> None:
        nonlocal now, made
        now, made = now + takes, made + 1

    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now))
    paced = pace.PacedWrite(write)
    for _ in range(1000):
        now += between
        paced.offer()
    assert made == written
