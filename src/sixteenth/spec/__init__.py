"""The study file: StudySpec, RunSpec and TrainSpec, all values validated.

study_file    the three classes; reading, validating and writing them; presets
fields        the types of their fields
fraction      fractions of the training set
yaml          the subset of YAML for study files
presets/      study files that come with the package
"""

from .fraction import TrainFraction
from .study_file import (
    RunSpec,
    StudySpec,
    TrainSpec,
    dump_spec,
    load_spec,
    parse_spec,
    preset_names,
    preset_text,
    spec_differences,
)

__all__ = [
    "RunSpec",
    "StudySpec",
    "TrainFraction",
    "TrainSpec",
    "dump_spec",
    "load_spec",
    "parse_spec",
    "preset_names",
    "preset_text",
    "spec_differences",
]
