"""The discussion as a page shows it: each claim and row with a link to the run that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

from sixteenth.analysis import Cell, Strength
from sixteenth.analysis.findings.types import SectionKey

from ...language.base import SaidSection
from ...language.tables import SaidTable


@dataclass(frozen=True)
class Claim:
    """A statement; `row` is the id of the results' row that it rests on, or empty."""

    text: str
    strength: Strength
    row: str


@dataclass(frozen=True)
class TableRow:
    """A row of a table of findings; `row` and `strength` as of `Claim`."""

    cells: tuple[str, ...]
    strength: Strength
    row: str


@dataclass(frozen=True)
class Table:
    """Findings of one shape."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class Part:
    """A section of the discussion."""

    key: SectionKey
    title: str
    statements: tuple[Claim, ...]
    tables: tuple[Table, ...]


def parts(sections: Sequence[SaidSection], rows: Mapping[object, str]) -> list[Part]:
    """The sections with their links.

    Args:
        rows: run_id, or (model, init), -> id of its row or rows in the table of results.
    """
    return [
        Part(
            section.key,
            section.title,
            tuple(
                Claim(each.text, each.strength, _row(each.finding, rows))
                for each in section.sentences
            ),
            tuple(_table(table, rows) for table in section.tables),
        )
        for section in sections
    ]


def _table(table: SaidTable, rows: Mapping[object, str]) -> Table:
    return Table(
        table.title,
        table.columns,
        tuple(
            TableRow(cells, finding.strength, _row(finding, rows)) for cells, finding in table.rows
        ),
    )


def _row(finding: object, rows: Mapping[object, str]) -> str:
    """That of the first of the finding's runs; of a curve without runs, the rows of its arm."""
    arm = getattr(finding, "model", None), getattr(finding, "init", None)
    return next((rows[key] for key in (*_runs(finding), arm) if key in rows), "")


def _runs(found: object) -> Iterator[str]:
    """Runs named anywhere inside a finding, in the order of its fields."""
    if isinstance(found, Cell):
        yield from found.run_ids
    elif isinstance(found, tuple | list):
        for each in found:
            yield from _runs(each)
    elif is_dataclass(found):
        for field in fields(found):
            value = getattr(found, field.name)
            if field.name == "run_id":
                yield value
            elif field.name == "run_ids":
                yield from value
            else:
                yield from _runs(value)
