"""The arguments and options that several commands have, and the flags of those about a study."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A preset (see sixteenth presets), or a study file.")
]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
DirArgument = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="The study's folder: studies/NAME.", show_default=False),
]
SameOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The same as the argument DIR.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option("--device", metavar="NAME", help="cpu, cuda, mps. Default: the best one here."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Runs trained in parallel. Default: the fastest number here, as measured.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="T",
        min=1,
        help="CPU threads of each run. Default: measured, then kept for the study.",
    ),
]


def parse_gpus(text: str) -> list[int]:
    """The numbers of GPUs in a text such as ``0,2``.

    Raises:
        typer.BadParameter: it is no such list.
    """
    if not re.fullmatch(r"\d{1,4}(\s*,\s*\d{1,4})*", text.strip()):
        raise typer.BadParameter(f"--devices {text!r}: write the numbers of GPUs, such as 0,2")
    return list(dict.fromkeys(map(int, text.split(","))))


def parse_duration(text: str) -> float:
    """Seconds of a text such as ``90s``, ``45min``, ``2h`` or ``1h30``.

    Raises:
        typer.BadParameter: it is no duration above zero.
    """
    number = r"(\d+(?:\.\d+)?)"
    pattern = rf"(?:{number}h)?(?:{number}(?:m|min|(?<=h\d)|(?<=h\d\d)))?(?:{number}s)?"
    found = re.fullmatch(pattern, "".join(text.lower().split()))
    hours, minutes, seconds = (float(part or 0) for part in (found.groups() if found else "000"))
    total = 3600 * hours + 60 * minutes + seconds
    if not 0 < total < 1e9:
        raise typer.BadParameter(f"{text!r} is no time: write 45min, 2h, 90s or 1h30")
    return total


def parse_share(text: str) -> float:
    """A share of the test images in a text such as ``0.05`` or ``5%``.

    Raises:
        typer.BadParameter: it is none, or not within 0 and 1.
    """
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise typer.BadParameter(f"{text!r} is no share of the test images: write 0.05 or 5%")
    return share


def parse_target(text: str) -> float:
    """A test error to reach, as `parse_share` reads it.

    Raises:
        typer.BadParameter: it is none, or not between 0 and 1.
    """
    share = parse_share(text)
    if share in (0, 1):
        raise typer.BadParameter(f"{text!r}: write a share above 0 and below 1, such as 0.05")
    return share


BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="TIME",
        parser=parse_duration,
        help="Only the runs that fit into this time, such as 45min, 2h or 1h30; the most "
        "informative first.",
    ),
]
WatchOption = Annotated[
    bool,
    typer.Option("--watch", help="Also serve a page that follows the runs; prints its address."),
]
TensorBoardOption = Annotated[
    bool,
    typer.Option("--tensorboard", help="Also write event files for TensorBoard."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where downloads and decoded images are kept. Default: the user's cache.",
    ),
]
TrustCodeOption = Annotated[
    bool, typer.Option("--trust-code", help="Import the code that the run names as its model.")
]
LangOption = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="TAG",
        help="Language of the report and the answer: en, zh-Hant. Default: the study's, then the "
        "locale's.",
    ),
]


@dataclass(frozen=True)
class Flags:
    """The flags that every command about a study has in common."""

    data: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_PATH", help="These images instead of the study's."),
    ] = None
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The study's folder. Default: studies/NAME.")
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any key of the study file, read as YAML, such as train.epochs=2. "
            "May be repeated.",
        ),
    ] = None
    device: DeviceOption = None
    devices: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="Only these GPUs, such as 0,2. Default: all of one kind."),
    ] = None
    workers: WorkersOption = None
    threads: ThreadsOption = None
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="ray, ray://HOST:PORT, slurm: on a cluster. Default: local, this machine.",
        ),
    ] = None
    slurm: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUE,...", help="sbatch options: partition=NAME,time=MINUTES."),
    ] = None
    no_shared_folder: Annotated[
        bool,
        typer.Option(
            "--no-shared-folder",
            help="For --executor ray on machines that do not share the study's folder.",
        ),
    ] = False
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="One seed instead of the study's seeds.")
    ] = None
    as_json: JsonOption = False
    data_dir: DataDirOption = None
    cifar_archive: Annotated[
        str | None,
        typer.Option(
            metavar="FILE_OR_URL",
            help="The archive of cifar10 or cifar100, instead of a download from its usual "
            "addresses.",
        ),
    ] = None
    image_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The image column of Parquet files, or of a table of labels."
        ),
    ] = None
    label_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The label column of Parquet files, or of a table of labels."
        ),
    ] = None
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Begin in a new folder, NAME-2, where there is something already."
        ),
    ] = False
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out images that cannot be read; recorded.")
    ] = False
    allow_partial: Annotated[
        bool,
        typer.Option(
            "--allow-partial",
            help="Accept weights files with a classifier for other classes; it starts at random.",
        ),
    ] = False
    lang: LangOption = None

    def changes(self) -> list[str]:
        """The flags as settings of the study file, after those of --set."""
        from ..spec.yaml import quote

        named = ("data", "image_column", "label_column")
        given = {key: getattr(self, key) for key in named if getattr(self, key) is not None}
        plain = [f"{key}={quote(value)}" for key, value in given.items()]
        switched = ("skip_broken", "allow_partial")
        plain += [f"{key}=true" for key in switched if getattr(self, key)]
        seeds = [] if self.seed is None else [f"seeds=[{self.seed}]"]
        return [*(self.settings or ()), *plain, *seeds]

    def machine(self) -> dict[str, Any]:
        """The flags that say where and how a study is computed, not what."""
        if self.devices is not None:
            from ..study.planning.machine import use_gpus

            use_gpus(parse_gpus(self.devices))
        named = ("device", "workers", "threads", "executor", "slurm")
        given = {name: getattr(self, name) for name in named}
        return given | {"shared_folder": not self.no_shared_folder}


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Let typer see the fields of Flags as options of `command`, which gets them as `flags`."""
    shared = inspect.signature(Flags, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters

    def call(**given: Any) -> None:
        flags = Flags(**{name: given.pop(name) for name in shared})
        command(**given, flags=flags)

    own_first = [parameter for name, parameter in own.items() if name != "flags"]
    everything = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*own_first, *shared.values())
    ]
    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in everything}
    call.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    return call
