"""What a training step costs if only the last stage learns: ``python -m benchmarks.last_stage``.

Steps of the engine on random images, of all weights and of the last stage, by turns in one process
on one thread of a CPU. Processor time counts, so that other work on the machine falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from sixteenth import RunSpec
from sixteenth.engine.execution import Execution
from sixteenth.engine.learner import Learner

KINDS = ("all", "last-stage")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--size", type=int, default=64, help="image side (default: 64)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    shape = (args.batch, args.size, args.size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    labels = torch.arange(args.batch) % 10
    learners, seconds = {}, {kind: list[float]() for kind in KINDS}
    for kind in KINDS:
        cell = {"init": "random", "fraction": "1", "seed": 0, "data": "random", "finetune": kind}
        run = RunSpec.model_validate({**cell, "model": args.model, "image_size": args.size})
        execution = Execution("cpu", "float32", "channels-last", 1)
        learners[kind] = Learner(run, 10, images, execution)
        learners[kind].train_mode()
    for _ in range(1 + args.rounds):
        for kind, learner in learners.items():
            began = time.process_time()
            learner.step(torch.from_numpy(images), labels, 1e-3)
            seconds[kind].append(time.process_time() - began)
    whole, stage = (1000 * statistics.median(seconds[kind][1:]) / args.batch for kind in KINDS)
    flops = [learners[kind].train_flops_per_image for kind in KINDS]
    print(
        f"{args.model}, {args.size} px: all {whole:.1f} ms an image, last stage {stage:.1f} ms, "
        f"{stage / whole:.2f} of it; {flops[1] / flops[0]:.2f} of the operations"
    )


if __name__ == "__main__":
    main()
