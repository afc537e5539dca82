"""What today's code says of the tables in docs/results whose run folders are gone.

    python -m benchmarks.results

Prints each table's answer and draws its accuracy against size into its figures/. A report needs the
run folders (training curves, predictions): none is written.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sixteenth.analysis import analyse, bands, cells
from sixteenth.language import language_for
from sixteenth.report.figures.accuracy import accuracy_figure
from sixteenth.report.figures.style import png

FOLDER = Path(__file__).parents[1] / "docs/results"


def main() -> None:
    for table in sorted(FOLDER.glob("*/results.csv")):
        if (table.parent / "report.md").exists():
            continue
        results = pd.read_csv(table)
        findings = analyse(results)
        language = language_for(findings)
        print(f"{table.parent.name}:", *language.discuss(findings).answer, "", sep="\n")
        if results["train_size"].nunique() > 1:
            figure = accuracy_figure(
                cells(findings.grid), results, bands(findings.curves), language=language
            )
            path = table.parent / "figures/accuracy.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(figure))


if __name__ == "__main__":
    main()
