"""Where images come from.

    load.py      load_dataset: a name or path to an ImageDataset
    parquet.py, folder.py, arrays.py, named.py
                 the layouts: each looks at a path or name and answers a Found
    source.py    what a layout answers: Found, and Content once it was read
    decode.py    encoded images to uint8 pixels of one size; broken ones by name
    checks.py    copies, leaks and doubtful labels, by the hash of the pixels
    cache.py     decoded images kept on disk; the dataset's fingerprint
    subsets.py   draw_subset and hold_out: which images a fraction holds
    augment.py   random crops and flips of whole batches (torch)
    dataset.py   ImageDataset and Split, as all other rooms see them

Importing this package costs numpy and pydantic only: Pillow, pyarrow, scikit-learn and torchvision
are imported where they are needed, and torch only by augment.py, which is not imported here.
"""

from .dataset import ImageDataset, Split
from .load import load_dataset
from .subsets import draw_subset, hold_out

__all__ = ["ImageDataset", "Split", "draw_subset", "hold_out", "load_dataset"]
