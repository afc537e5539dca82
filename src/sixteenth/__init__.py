"""Would more images, a bigger model, pretrained weights or longer training help most?

>>> import sixteenth                                                  # doctest: +SKIP
>>> study = sixteenth.Study.load("cifar10", folder="my-study")        # doctest: +SKIP
>>> results = study.run()          # a pandas DataFrame, one row per run and length
>>> study.histories()              # one row per run and epoch
>>> study.figures()["accuracy"]    # a matplotlib figure
>>> sixteenth.predict("my-study/runs/resnet18-random-all-seed0", ["cat.jpg"])  # doctest: +SKIP

Importing the package imports nothing else: each name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import LearningCurve, fit_learning_curve
    from .engine.prediction import Prediction, predict
    from .engine.trained import load_model
    from .errors import (
        DataError,
        DivergedError,
        InputError,
        MismatchError,
        ModelError,
        RunError,
        SixteenthError,
        SpecError,
        WeightsError,
    )
    from .spec import (
        RunSpec,
        StudySpec,
        TrainSpec,
        load_spec,
        parse_spec,
        preset_names,
        preset_text,
    )
    from .spec.fraction import TrainFraction
    from .study import Listener, Study
    from .study.export import Exported, export

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "DivergedError",
    "Exported",
    "InputError",
    "LearningCurve",
    "Listener",
    "MismatchError",
    "ModelError",
    "Prediction",
    "RunError",
    "RunSpec",
    "SixteenthError",
    "SpecError",
    "Study",
    "StudySpec",
    "TrainFraction",
    "TrainSpec",
    "WeightsError",
    "__version__",
    "export",
    "fit_learning_curve",
    "load_model",
    "load_spec",
    "parse_spec",
    "predict",
    "preset_names",
    "preset_text",
]

_HOMES = {
    "TrainFraction": "spec",
    "LearningCurve": "analysis",
    "fit_learning_curve": "analysis",
    "Listener": "study",
    "Study": "study",
    "Prediction": "engine.prediction",
    "predict": "engine.prediction",
    "load_model": "engine.trained",
    **dict.fromkeys(("Exported", "export"), "study.export"),
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "errors"),
    **dict.fromkeys(("RunSpec", "StudySpec", "TrainSpec", "load_spec", "parse_spec"), "spec"),
    **dict.fromkeys(("preset_names", "preset_text"), "spec"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
