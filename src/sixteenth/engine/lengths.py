"""Several training lengths in one run: cool-downs that branch off from a constant learning rate.

Until its own cool-down, a run at a constant rate (the trunk) takes the same steps as a shorter one.
So where a shorter one would cool down, a branch takes its last steps, on the same images in the
same order, and is measured; then the trunk goes on as if no branch had been (Hägele et al. 2024,
arXiv 2405.18392; Hu et al. 2024, arXiv 2404.06395). Branches have no checkpoints: a branch that was
cut off begins again.

With `epochs: auto` the lengths are doublings of the shortest. The run ends with the branch whose
doubling bought too little accuracy on a validation part: that branch is the whole run. What was
measured decides alone, so a run that goes on from a checkpoint decides alike.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..spec import TrainSpec
from ..spec.train_spec import FIRST_EPOCHS, FIRST_STEPS, LEAST_GAIN, MOST_EPOCHS, MOST_FACTOR
from ..storage.run_facts import LengthMetrics
from .checkpoint import TrainingState
from .learner import Learner
from .optim import cooldown_steps


@dataclass(frozen=True)
class Length:
    """A training length.

    Attributes:
        share: of the steps of the whole run, as in the study file. Of a run that ends by itself
            the share is known at its end; until then the epochs, such as ``8 epochs``.
        start: step at which its branch leaves the trunk.
        steps: of the trunk and the branch together.
        may_end: its branch may become the whole run, so it has rows in the history.
    """

    share: str
    start: int
    steps: int
    may_end: bool = False

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


def plan_doublings(batches: int, recipe: TrainSpec) -> tuple[Length, ...]:
    """The lengths that a run of `epochs: auto` may end with, the longest last; two at least.

    Args:
        batches: steps of an epoch.
    """
    epochs = max(FIRST_EPOCHS, math.ceil(FIRST_STEPS / batches))
    if recipe.max_epochs == "auto":
        most = max(MOST_EPOCHS, MOST_FACTOR * epochs)
    else:
        most = recipe.max_epochs
        epochs = min(epochs, most // 2)
    lengths = []
    while epochs <= most:
        steps, last = epochs * batches, 2 * epochs > most
        start = steps - cooldown_steps(steps, recipe.cooldown)
        share = "1" if last else f"{epochs} epochs"
        lengths.append(Length(share, start, steps, may_end=not last))
        epochs *= 2
    return tuple(lengths)


def levelled_off(state: TrainingState, guessing: float) -> bool:
    """Whether the length that `state` has reached bought too little over the one before it.

    Args:
        guessing: accuracy that guessing may get; a network that is no better has not begun to
            learn, and has nothing to level off at.
    """
    if not state.lengths:
        return False
    before, now = state.lengths[-1].validation_accuracy, state.validation_accuracy
    assert before is not None
    assert now is not None
    learns = now > guessing or now == 1  # of very few images, guessing may get all
    # Rounded, since 0.905 - 0.9 is not half a point to the last bit.
    return learns and round(now - before, 9) < LEAST_GAIN


def train_lengths(
    state: TrainingState,
    lengths: Sequence[Length],
    learner: Learner,
    *,
    advance: Callable[[TrainingState, int, Length], None],
    measure: Callable[[TrainingState, Length], LengthMetrics],
    ends: Callable[[TrainingState], bool],
    keep: Callable[[TrainingState], None],
    until: str = "1",
) -> tuple[TrainingState, bool]:
    """The state after training from `state` through all branches not done, and whether the run has
    come to its end.

    Args:
        until: with the share of a shorter length the run stops when that was measured, where its
            branch left the trunk, unless it ends there or before.
        lengths: the shortest first, the whole run last.
        advance: trains a state to a step, at the learning rates of a length.
        measure: the result of a state at the end of a branch.
        ends: measures a state that has come to the end of a length; whether the run ends there.
        keep: is called with the trunk's state when a branch is done.
    """
    *branches, whole = lengths
    count = len(branches)
    if until != "1":
        count = 1 + [length.share for length in branches].index(until)
    for length in branches[len(state.lengths) : count]:
        advance(state, length.start, whole)
        trunk = copy.deepcopy(learner.state_dict())
        branch = replace(state, history=[*state.history])
        advance(branch, length.steps, length)
        if ends(branch):
            return branch, True
        metrics = measure(branch, length)
        learner.load_state_dict(trunk)
        state.lengths.append(metrics)
        state.evaluation_seconds = branch.evaluation_seconds
        state.branch_steps += branch.step - state.step
        state.branch_images += branch.images - state.images_so_far
        state.branch_seconds += branch.seconds - state.seconds_so_far
        keep(state)
    if until != "1":
        return state, False
    advance(state, whole.steps, whole)
    ends(state)  # it does; but what the last doubling bought is measured too
    return state, True
