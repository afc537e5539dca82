"""What a person may have meant by a key that a study file does not know, or by a value that YAML
reads as something else than a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from ..messages import nearest
from .specs import StudySpec
from .train_spec import TrainSpec
from .yaml import StrictYamlError, read_yaml

_MEANT = {
    "train.learning_rate": ("lr", "lr0", "base_lr", "max_lr", "peak_lr"),
    "train.batch_size": ("bs", "batch", "batchsize", "train_batch_size", "minibatch_size"),
    "train.weight_decay": ("wd", "decay"),
    "train.epochs": ("epoch", "num_epochs", "n_epochs", "nb_epochs", "num_train_epochs"),
    "train.steps": ("num_steps", "n_steps", "iterations", "iters", "num_iters", "max_iter"),
    "train.optimizer": ("opt", "optim", "optimiser", "algorithm", "solver"),
    "train.schedule": ("scheduler", "lr_scheduler", "lr_schedule", "sched", "lr_policy"),
    "train.warmup": ("warmup_epochs", "warmup_steps", "warmup_ratio", "pct_start"),
    "train.label_smoothing": ("smoothing",),
    "train.validation": ("val", "val_split", "validation_split", "valid_pct", "val_fraction"),
    "train.precision": ("amp", "fp16", "bf16", "mixed_precision", "dtype"),
    "train.flip": ("hflip", "horizontal_flip", "fliplr", "mirror"),
    "train.crop": ("random_crop", "padding"),
    "train.cutout": ("random_erasing", "erasing"),
    "train.test_augmentation": ("tta",),
    "models": ("arch", "architecture", "architectures", "net", "network", "networks", "backbone"),
    "init": ("pretrained", "weights", "checkpoint", "initial_weights", "pretrained_weights"),
    "data": ("dataset", "datasets", "data_path", "data_root", "train_dir"),
    "image_size": ("imgsz", "img_size", "input_size", "resolution", "size", "crop_size"),
    "interpolation": ("resample", "resampling", "resize_mode"),
    "seeds": ("random_seed", "random_state", "manual_seed", "repeats", "trials"),
    "fractions": ("train_sizes", "sizes", "subset_sizes", "portions", "percentages"),
    "test_fraction": ("test_size", "test_split", "test_ratio", "test_pct"),
    "name": ("title", "run_name", "experiment", "experiment_name", "project", "study"),
    "--out (on the command line)": ("out", "output", "output_dir", "out_dir", "save_dir", "logdir"),
    "--device (on the command line)": ("device", "gpu", "gpus", "cuda", "accelerator"),
    "--workers (on the command line)": ("workers", "num_workers", "n_jobs", "jobs"),
    "--threads (on the command line)": ("threads", "num_threads"),
}
"""What other tools call these keys."""

_FEW = 20
"""Up to this, a number of seeds may be meant; above it, it is a seed."""

_BY_ALIAS = {alias: key for key, aliases in _MEANT.items() for alias in aliases}


def meant_key(location: tuple[int | str, ...]) -> str:
    """A half-sentence with the key that an unknown one may stand for, or with all of its level."""
    name, in_train = str(location[-1]).lower().replace("-", "_"), location[0] == "train"
    here, other = StudySpec.model_fields, TrainSpec.model_fields
    if in_train:
        here, other = other, here
    if name in other:
        return f"; did you mean {name if in_train else f'train.{name}'}?"
    close = nearest(name, here, prefix="train." if in_train else "")
    key = _BY_ALIAS.get(name)
    if key is not None and not (in_train and close):
        return f"; did you mean {key}?"
    return close or f"; known: {', '.join(here)}"


def quote_hint(value: object) -> str:
    """How to write text that YAML 1.1 reads as `value`: NO as false, 2024 as a number."""
    if isinstance(value, bool):
        words = "yes, on and true" if value else "no, off and false"
        return f' (YAML reads {words} so); put it in quotes, such as "{"on" if value else "NO"}"'
    if value is None:
        return "; leave the key out, or write text in quotes"
    if isinstance(value, int | float | date):
        return f'; put it in quotes: "{value}"'
    return ""


def list_hint(key: str, content: Mapping[str, Any]) -> str:
    """The list to write for a single word or number that a study has as `key`, which is a list.

    Nothing where the study would not accept that list either.
    """
    given = content[key]
    is_one = isinstance(given, str | int | float) and not isinstance(given, bool)
    if not is_one or not re.fullmatch(r"[\w.:/-]+", str(given)):
        return ""
    try:
        StudySpec.model_validate({**content, key: read_yaml(f"[{given}]")})
    except StrictYamlError:
        return ""
    except ValidationError as error:
        if any(one["loc"][:1] in ((), (key,)) for one in error.errors()):
            return ""
    if key == "seeds" and isinstance(given, int) and 0 < given <= _FEW:
        seeds = "1 seed" if given == 1 else f"{given} seeds"
        return f"; write {[*range(given)]} for {seeds}, [{given}] for the seed {given}"
    return f"; write [{given}]"
