"""Models by name, their initial weights, and their cost.

Nothing here depends on studies or training. Code of the user is run only for a model named
``package.module:factory``, and timm is imported only for one
named ``timm/...``. Weights are read as data only.
"""

from .files import Normalisation, WeightsFile
from .measure import count_parameters, final_map, sample_logits, train_flops_per_image
from .trained_parts import LastStage, find_head, find_last_stage
from .weight_files import (
    check_init,
    choose_interpolation,
    counts_from_folder,
    find_weights,
    weights_are_here,
)
from .weights import load_initial_weights, load_trained_weights
from .zoo import OWN_FACTORIES, build_model, check_model, is_factory, is_foreign, model_names

__all__ = [
    "OWN_FACTORIES",
    "LastStage",
    "Normalisation",
    "WeightsFile",
    "build_model",
    "check_init",
    "check_model",
    "choose_interpolation",
    "count_parameters",
    "counts_from_folder",
    "final_map",
    "find_head",
    "find_last_stage",
    "find_weights",
    "is_factory",
    "is_foreign",
    "load_initial_weights",
    "load_trained_weights",
    "model_names",
    "sample_logits",
    "train_flops_per_image",
    "weights_are_here",
]
