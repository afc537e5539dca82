"""The command `sixteenth export`: a trained network or a study's numbers, for other tools."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from .exits import print_message
from .options import DataDirOption, JsonOption, TrustCodeOption
from .studies import print_json


def export(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="STUDY/runs/RUN_ID, or a study's folder."),
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="TARGET",
            help="Of a run: onnx, hub-folder. Of a study: mlflow, wandb-offline, tensorboard.",
        ),
    ],
    out: Annotated[str, typer.Option(metavar="PATH", help="The file or folder to write.")],
    trust_code: TrustCodeOption = False,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trained network or a study's numbers in the format of another tool."""
    from ..study.export import export as write

    with redirect_stdout(sys.stderr):  # what a model of the user's own prints is no result
        written = write(source, to, out, data_dir=data_dir, trust_code=trust_code)
    if as_json:
        print_json(written.to_dict())
        return
    print(written.path)
    if (found := written.agreement) is not None:
        print(
            f"checked with onnxruntime on {found.images:,} test images: logits differ by at most "
            f"{found.largest_difference:.2g} (the largest is {found.largest_logit:.3g}), "
            f"{found.equal_predictions:.2%} of the predictions are equal"
        )
    for note in written.notes:
        print_message(note, prefix="note: ")
