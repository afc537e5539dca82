"""Images: found by name or path, decoded, checked, cached and drawn into subsets.

    load.py         load_dataset: a name or path to an ImageDataset
    layouts/        each looks at a path or name and returns a Found: parquet.py, arrays.py,
                    named.py, folder.py (tree.py what lies in it, splits.py and split_folders.py
                    its parts, classes.py its classes, table.py and labelled.py tables of labels;
                    columns.py the columns of Parquet), hub.py (hub_errors.py) which brings
                    Parquet files from the Hugging Face Hub
    download.py     a file from several addresses, checked and resumed
    source.py       what a layout returns: Found, and Content after reading
    decode.py       encoded images to uint8 pixels of one size
    broken.py       why an image cannot be decoded; oddities.py what is odd about one that can
    pixel_store.py  where the pixels go: files that are mapped, or memory
    machine.py      memory and CPUs of this machine or container
    checks.py       copies, leaks and conflicting labels, by the hash of the pixels
    cache.py        decoded images on disk; the dataset's fingerprint
    subsets.py      draw_subset, hold_out and draw_others: the images of a fraction, and others
    augment.py      random crops and flips of whole batches (torch)
    device.py       copies of tensors to the device (torch)
    dataset.py      ImageDataset and Split, which the other packages use

Importing this package imports numpy, psutil, pydantic and smaller packages only. Pillow, pyarrow,
scikit-learn, huggingface_hub and torchvision are imported where they are needed, torch only by
augment.py and device.py, which are not imported here.
"""

from .dataset import ImageDataset, Split
from .load import load_dataset, options_of
from .subsets import draw_others, draw_subset, hold_out

__all__ = [
    "ImageDataset",
    "Split",
    "draw_others",
    "draw_subset",
    "hold_out",
    "load_dataset",
    "options_of",
]
