"""One run: from a RunSpec and a dataset to a filled run folder. Knows nothing of studies.

train.py           the loop: epochs, evaluation, checkpoint, what is written
learner.py         a model that can take a step and be measured
optim.py           optimisers, parameter groups, the learning-rate schedules
execution.py       device, precision and layout: where and in which numbers a run is computed
seeds.py           seeds that depend on what they are for
acceleration.py    the door to cpu/, which makes training on a CPU faster
gradient_fault.py  a work-around for wrong gradients of torch in bfloat16
"""
