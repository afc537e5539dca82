"""Train one run: from a RunSpec and a dataset to a run folder. Does not depend on studies.

train.py           a run from its spec to its folder: its record, and what a failure leaves
loop.py            the training loop: epochs, evaluation, checkpoints, results
progress.py        how far a run has come
workload.py        images, steps, evaluations and augmentation of a run
lengths.py         several training lengths in one run
evaluation.py      what is measured of a model
images.py          a run's images on its device
head.py            a run that trains the head of a frozen network alone
features.py        what goes into that head, computed once for all images
learner.py         a model with its optimisers: training step and evaluation
optim.py, muon.py  optimisers, parameter groups, learning-rate schedules
inference.py       normalisation, batches, test-time augmentation
trained.py         the network of a finished run
prediction.py      classify image files with it
checkpoint.py      checkpoints, to resume a run
execution.py       device, precision, memory layout and threads
records.py         what a record says from the start: data, versions, hardware
rehearsal.py       timed training steps
seeds.py           derived seeds
acceleration.py    the entry to cpu/, which makes training on a CPU faster
gradient_fault.py  work-arounds for wrong gradients of torch
padding.py         convolutions without kernel elements that only see padding
"""
