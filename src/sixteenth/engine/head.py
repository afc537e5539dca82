"""Train the head of a frozen network: `finetune: head`, one run.

The design. A head is a cell of the study like any other: it has a RunSpec, a run folder, a record,
predictions and a row of the results table. It differs in what its training is: the network with its
initial weights is a fixed function, so its outputs before the last layer, the features, are
computed once for all images (`engine.features`), and each run fits a multinomial logistic
regression to those of its own subset. That is a convex problem with one solution: there are no
epochs, no steps (both are 0 in the tables), no history.csv and no checkpoint. The seed draws the
subset, and the part of it on which the penalty is chosen. The time of a head is that of its fit:
the pass is one for all heads of a network, and would count as that of whichever came first. Tables
call the initial weights
``imagenet, frozen``, so that the analysis treats them as other initial weights. model.safetensors
holds the head alone; the rest is the file of the initial weights, whose hash the record has.

scikit-learn fits the head: a linear layer of our own, fitted by L-BFGS in torch, is as accurate and
takes two to three times as long (docs/quick.md). The penalty is chosen on a fifth of the run's own
subset, which is held out for that alone; the head is then fitted to the whole subset. The test
images choose nothing.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..data import ImageDataset, hold_out
from ..errors import DataError
from ..spec import RunSpec
from ..storage.run_facts import AugmentationFacts, Metrics
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord
from .execution import Execution, peak_memory
from .features import features_of
from .learner import loss_and_accuracy
from .progress import per_second
from .workload import FORWARD_SHARE, split_of

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Tried from the strongest on, each from the solution of the one before, until the loss on the
held-out part rises. A penalty multiplies half the squared norm of the weights, beside the mean
cross-entropy, of features that are brought to mean 0 and a mean square of 1."""

UNCHOSEN = 0.3
"""The penalty where no image can be held out to choose one, because a class has one image."""

HELD_OUT = 0.2
ITERATIONS, TOLERANCE = 200, 1e-3
"""Of L-BFGS. A tolerance of 1e-4 takes twice the time and changes the accuracy on held-out images
by a tenth of a point, up or down; docs/quick.md has the measurements."""


def train_head(
    run: RunSpec,
    dataset: ImageDataset,
    folder: RunFolder,
    execution: Execution,
    record: RunRecord,
    on_images: Callable[[int, int, float], None],
) -> RunRecord:
    """The record of the finished run, whose predictions and head were written to `folder`.

    Args:
        record: of the run that has begun.
        on_images: of `features_of`; not called where all features are known.

    Raises:
        DataError, ModelError, WeightsError, OSError: as `train_run`.
    """
    features = features_of(run, dataset, execution, on_images)
    began = time.monotonic()
    subset = np.sort(np.concatenate(split_of(run, dataset)))
    none = AugmentationFacts(crop=0, flip=False, cutout=0)
    record = record.with_training_images(len(subset), none).with_model(features.facts)
    folder.write_record(record)
    labels = dataset.train.labels[subset]
    weight, bias, penalty, validated = fit_head(
        features.of(subset), labels, len(dataset.classes), run.seed, execution.threads
    )
    measuring = time.monotonic()
    own = F.linear(torch.from_numpy(features.of(subset)), weight, bias)
    train_loss, train_accuracy = loss_and_accuracy(own, torch.from_numpy(labels))
    test = features.of(np.arange(len(dataset.train), len(features)))
    logits = F.linear(torch.from_numpy(test), weight, bias)
    test_loss, test_accuracy = loss_and_accuracy(logits, torch.from_numpy(dataset.test.labels))
    folder.write_predictions(dataset.test.labels, logits.softmax(1).numpy())
    folder.write_weights({f"{features.head}.weight": weight, f"{features.head}.bias": bias})
    ended = time.monotonic()
    return record.as_finished(
        Metrics(
            epoch=0,
            steps=0,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            train_measured=len(subset),
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            validation_accuracy=validated,
            penalty=penalty,
        ),
        train_flops=(features.facts.train_flops_per_image or 0) * FORWARD_SHARE * len(subset),
        seconds=round(ended - began, 3),
        feature_seconds=round(features.seconds, 3),
        evaluation_seconds=round(ended - measuring, 3),
        images_per_second=round(per_second(len(subset), ended - began), 1),
        peak_memory_bytes=peak_memory(torch.device(execution.device)),
    )


def fit_head(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    seed: int,
    threads: int,
) -> tuple[torch.Tensor, torch.Tensor, float, float | None]:
    """Fit a logistic regression with a penalty chosen on a held-out part.

    Args:
        features: (n, width); changed in place.
        labels: each class occurs.
        seed: draws the held-out part.
        threads: of linear algebra; the last digits depend on them.

    Returns:
        Weight (classes, width) and bias (classes,) for features as they were given, the penalty,
        and the accuracy on the held-out part, None where there is none.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    mean = features.mean(0)
    features -= mean
    scale = float(np.sqrt(np.mean(np.square(features), dtype=np.float64))) or 1.0
    features /= np.float32(scale)
    model = LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Few images of each of many classes are no regression: labels are classes here.
        warnings.filterwarnings("ignore", "The number of unique classes is greater", UserWarning)
        penalty, accuracy = _choose_penalty(model, features, labels, seed)
        model.set_params(C=1 / (penalty * len(labels))).fit(features, labels)
    weight: NDArray[np.floating] = np.asarray(model.coef_, np.float64)
    bias: NDArray[np.floating] = np.asarray(model.intercept_, np.float64)
    if classes == 2:  # one row, for the second class
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.stack([-bias[0], bias[0]]) / 2
    weight = weight / scale
    bias = bias - weight @ mean
    weight, bias = (np.ascontiguousarray(each, np.float32) for each in (weight, bias))
    return torch.from_numpy(weight), torch.from_numpy(bias), penalty, accuracy


def _choose_penalty(
    model: LogisticRegression,
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    seed: int,
) -> tuple[float, float | None]:
    """The penalty with the lowest loss on a held-out part, and the accuracy there."""
    try:
        kept, held = hold_out(labels, HELD_OUT, seed=seed)
    except DataError:
        return UNCHOSEN, None
    if not len(held):
        return UNCHOSEN, None
    known, asked = features[kept], features[held]
    best, chosen, accuracy = np.inf, UNCHOSEN, None
    for penalty in PENALTIES:
        model.set_params(C=1 / (penalty * len(kept))).fit(known, labels[kept])
        probabilities = model.predict_proba(asked)
        own = probabilities[np.arange(len(held)), labels[held]]
        loss = -float(np.log(np.maximum(own, 1e-12)).mean())
        if loss >= best:
            break
        best, chosen = loss, penalty
        accuracy = float((probabilities.argmax(1) == labels[held]).mean())
    return chosen, accuracy
