"""What makes training on a CPU faster, to the same results. Its one door is `engine.acceleration`.

accelerate.py      all that is done to one model, and its state dicts
convolution.py     which algorithm computes a convolution (dense.py, depthwise.py, geometry.py)
unused_weights.py  which weights are kept out of the training, as they only multiply padding
memory.py          what the C library does with freed memory
"""
