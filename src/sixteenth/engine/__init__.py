"""One run: from a RunSpec and a dataset to a filled run folder. Knows nothing of studies.

train.py      the loop: epochs, evaluation, checkpoint, what is written
learner.py    a model that can take a step and be measured
optim.py      optimisers, parameter groups, the learning-rate schedules
execution.py  device, precision and layout: where and in which numbers a run is computed
seeds.py      seeds that depend on what they are for
lowering.py   the same convolutions with the work left out that only sees padding
              (its geometry in taps.py, its arithmetic in dense.py and depthwise.py)
"""
