"""The study file: StudySpec, RunSpec and TrainSpec, all values validated.

specs         a study and its runs: every key of a study file, with its default
train_spec    the keys below `train`
study_file    reading, explaining and writing study files; presets
hints         what may have been meant by a wrong key or value
fields        the types of their fields
hub_address   how a data set of the Hugging Face Hub is named
fraction      fractions of the training set
yaml          the subset of YAML for study files
agreement     whether test predictions are those of the accuracy beside them
work          what a study does besides training its runs
presets/      study files that come with the package
"""

from .fraction import TrainFraction
from .specs import RunSpec, StudySpec
from .study_file import (
    as_begun,
    describe_differences,
    dump_spec,
    load_frozen,
    load_spec,
    parse_spec,
    preset_names,
    preset_text,
    spec_differences,
    without_keys,
    without_place,
)
from .train_spec import TrainSpec

__all__ = [
    "RunSpec",
    "StudySpec",
    "TrainFraction",
    "TrainSpec",
    "as_begun",
    "describe_differences",
    "dump_spec",
    "load_frozen",
    "load_spec",
    "parse_spec",
    "preset_names",
    "preset_text",
    "spec_differences",
    "without_keys",
    "without_place",
]
