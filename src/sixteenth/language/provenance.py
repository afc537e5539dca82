"""How a study was made, as values for a language: what a critic needs to repeat or doubt it."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage.run_record import DataChecks, Environment, ExecutionFacts, Understood


@dataclass(frozen=True)
class Fact:
    """One line of "How this was made"; `code` is set in a typewriter's letters."""

    name: str
    text: str
    code: bool = False


@dataclass(frozen=True)
class SampledTests:
    """Test curves that were measured on a part of the test images.

    Attributes:
        fewest: images behind a point.
        whole: images of the test set.
        last_whole: the last point of each curve is measured on all of them.
    """

    fewest: float
    whole: float
    last_whole: bool


@dataclass(frozen=True)
class Provenance:
    """How a study was made. What its run records do not tell is empty, None or zero.

    Attributes:
        data, source, fingerprint: of the data.
        train_images, test_images: of the whole data.
        understood: what the data were taken for.
        sizes: (fraction, training images), without repeats.
        nested: a larger subset holds the smaller ones; else the seeds' subsets are disjoint.
        heads_only: of all networks only the classifier was trained.
        chosen_by: what chose the epochs of the finished runs, as `Metrics.chosen_by`.
        weights: (model, init, SHA-256) of the files of pretrained weights.
        environments, executions: one a run.
        finished, planned: runs.
        moment: when the last run finished, as ISO 8601 has it.
        seconds, train_flops: sums over the `timed` runs.
        epochs, measured_epochs: of all runs, and those with a test value.
        train_measured: the fewest images behind a training accuracy that is not of a whole subset.
        validation: share of the training subsets that was held out.
        data_differ: the runs did not all see the same data.
    """

    data: str
    source: str
    fingerprint: str
    train_images: int | None
    test_images: int | None
    understood: Understood
    checks: DataChecks
    classes: tuple[str, ...]
    sizes: tuple[tuple[str, float], ...]
    nested: bool
    seeds: tuple[int, ...]
    heads_only: bool
    optimizer: str
    peak_learning_rate: float
    weight_decay: float
    chosen_by: frozenset[str]
    weights: tuple[tuple[str, str, str], ...]
    environments: tuple[Environment, ...]
    executions: tuple[ExecutionFacts, ...]
    finished: int
    planned: int
    moment: str
    timed: int
    seconds: float
    train_flops: float
    epochs: int
    measured_epochs: int
    sampled: SampledTests | None
    train_measured: int | None
    validation: float
    data_differ: bool
