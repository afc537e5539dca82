"""Tables for ``sixteenth fit``, read from their text."""

from __future__ import annotations

from pathlib import Path

from sixteenth.cli.fit_table import ERROR, SIZE, Request, Trainings, read_trainings


def read(content: str | bytes, request: Request, folder: Path) -> Trainings:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_trainings(path, request)


def pairs(found: Trainings) -> list[tuple[float, float]]:
    rows = found.rows[[SIZE, ERROR]].to_numpy().round(9).tolist()
    return [(size, error) for size, error in rows]
