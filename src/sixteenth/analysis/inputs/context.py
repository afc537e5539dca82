"""What the tables of a study do not say of it, and its analysis should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class ImageChecks(Protocol):
    """What the checks of the images found: copies, leaks and images under two labels.

    None: not checked for. `examples` names some.
    """

    @property
    def leaked_test_images(self) -> int | None: ...
    @property
    def duplicates_within_train(self) -> int | None: ...
    @property
    def duplicates_within_test(self) -> int | None: ...
    @property
    def conflicting_labels(self) -> int | None: ...
    @property
    def examples(self) -> Sequence[str]: ...
    def to_dict(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class Context:
    """What the tables do not say about a study; whatever is left out is not spoken of."""

    train_images: int | None = None
    """Labelled training images of the data, of which the fractions are drawn."""
    num_classes: int | None = None
    """For the accuracy of guessing, where nothing tells the test images of each class."""
    class_sizes: Sequence[float] = ()
    """Test images of each class that has any, for the same, where no predictions tell them."""
    classes: Sequence[str] = ()
    """Names of the classes, in the order of their numbers."""
    class_images: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Fraction -> training images of each class in it, in the same order."""
    disjoint: bool = False
    """No two seeds share an image: a fraction that is too large for all seeds cannot be trained."""
    image_size: int | None = None
    stem: str = "default"
    epochs: int | None = None
    steps: int | None = None
    """Of the recipe of all runs, see `TrainSpec`; None where it has none, or is not known."""
    schedule: str = ""
    """A falling learning rate lifts training accuracy at the end by itself."""
    augmented: bool | None = None
    never_pretrained: Sequence[str] = ()
    """Models that nobody has pretrained weights of."""
    data_checks: ImageChecks | None = None
    """What the checks of the images found, see `doubtful_labels`; None: not checked."""
    data_differ: bool = False
    """The runs did not all see the same images."""
    stopped: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """run_id -> the epoch that an interrupted run has come to, and all of its epochs."""
