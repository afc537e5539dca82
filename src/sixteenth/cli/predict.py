"""The command `sixteenth predict`: classify images with a trained run."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from .exits import print_message
from .options import DeviceOption, JsonOption, TrustCodeOption
from .studies import print_json


def predict(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="STUDY/runs/RUN_ID.")],
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Image files or folders.")
    ],
    top: Annotated[
        int, typer.Option(metavar="K", min=1, help="Show the K most probable classes.")
    ] = 1,
    trust_code: TrustCodeOption = False,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify images with a trained run: file, class, probability.

    In a pipe: a line an image, with tabs between them.
    """
    from ..engine.prediction import find_images
    from ..engine.prediction import predict as classify
    from ..language import language_for
    from ..language.text import plain
    from .tables import Column, console, table

    def say(line: str) -> None:
        print_message(line, prefix="note: ")

    files, notes = find_images(images)
    for note in notes:
        say(note)
    with redirect_stdout(sys.stderr):  # what a model of the user's own prints is no result
        found = classify(run_dir, files, device=device, trust_code=trust_code, top=top, on_note=say)
    if as_json:
        print_json(
            [
                {
                    "file": str(one.path),
                    "class": one.label,
                    "probability": one.probability,
                    "top": [{"class": name, "probability": p} for name, p in one.ranked],
                }
                for one in found
            ]
        )
        return
    if not sys.stdout.isatty():
        for one in found:
            classes = [cell for name, p in one.ranked for cell in (plain(name), f"{p:.4f}")]
            file = str(one.path)
            print(file if file.isprintable() else plain(file), *classes, sep="\t")
        return
    lines = [(one.path, name, p) for one in found for name, p in one.ranked]
    stdout, numbers = console(), language_for().numbers
    columns = [
        Column("file", [plain(path) for path, _, _ in lines]),
        Column("class", [plain(name) for _, name, _ in lines]),
        Column("probability", [numbers.percent(p) for _, _, p in lines], right=True),
    ]
    stdout.print(table(columns, stdout))
