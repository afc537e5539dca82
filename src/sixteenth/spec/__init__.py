"""The study file: what a study and each of its runs are, as checked values.

study_file    StudySpec, RunSpec, TrainSpec; reading, checking and writing them; presets
fields        the types of their values
fraction      what a fraction of the training set is called, and how many images it means
yaml          YAML as a study file needs it
presets/      the studies that come with the package
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
