"""Several training lengths in one run: cool-downs that branch off from a constant learning rate.

Until its own cool-down, a run at a constant rate (the trunk) takes the same steps as a shorter one.
So where a shorter one would cool down, a branch takes its last steps, on the same images in the
same order, and is measured; then the trunk goes on as if no branch had been (Hägele et al. 2024,
arXiv 2405.18392; Hu et al. 2024, arXiv 2404.06395). Branches have no checkpoints: a branch that was
cut off begins again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..spec import TrainSpec
from ..storage.run_record import LengthMetrics
from .checkpoint import TrainingState
from .learner import Learner
from .optim import cooldown_steps


@dataclass(frozen=True)
class Length:
    """A training length.

    Attributes:
        share: of the steps of the whole run, as in the study file.
        start: step at which its branch leaves the trunk.
        steps: of the trunk and the branch together.
    """

    share: str
    start: int
    steps: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the trunk to its end, and no branch."""
        return self.share == "1"


def plan_lengths(shares: Sequence[str], steps: int, recipe: TrainSpec) -> tuple[Length, ...]:
    """The lengths of a run of `steps` steps, in the order of `shares`."""
    lengths = []
    for share in shares:
        total = max(1, round(Fraction(share) * steps))
        lengths.append(Length(share, total - cooldown_steps(total, recipe.cooldown), total))
    return tuple(lengths)


def train_lengths(
    state: TrainingState,
    lengths: Sequence[Length],
    learner: Learner,
    *,
    advance: Callable[[TrainingState, int, Length], None],
    measure: Callable[[TrainingState, Length], LengthMetrics],
) -> None:
    """Train from `state` to the end of the whole run, through all branches that are not done.

    Args:
        lengths: the shortest first, the whole run last.
        advance: trains a state to a step, at the learning rates of a length.
        measure: the result of a state at the end of a branch.
    """
    *branches, whole = lengths
    for length in branches[len(state.lengths) :]:
        advance(state, length.start, whole)
        trunk = copy.deepcopy(learner.state_dict())
        branch = replace(state)
        advance(branch, length.steps, length)
        metrics = measure(branch, length)
        learner.load_state_dict(trunk)
        state.lengths.append(metrics)
        state.evaluation_seconds = branch.evaluation_seconds
        state.branch_steps += branch.step - state.step
        state.branch_images += branch.images - state.images_so_far
        state.branch_seconds += branch.seconds - state.seconds_so_far
    advance(state, whole.steps, whole)
