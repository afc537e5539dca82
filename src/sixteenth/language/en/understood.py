"""What data and files of weights were taken for, in English."""

from __future__ import annotations

from ..understood import UnderstoodLabels

LABELS = UnderstoodLabels(
    data="data: {}",
    layouts={},
    classes="{number} classes ({names})",
    one_class="{number} class ({names})",
    comma=", ",
    semicolon="; ",
    plus=" + ",
    train="{} training",
    test="{} test",
    validation="{} validation",
    images="{} images",
    same_size="{} images in every class",
    one_each="{} image in every class",
    sizes="{fewest} ({rarest}) to {most} ({commonest}) images a class",
    left_out="left out: {}",
    more="and {} more",
    note="note: {}",
    weights="initial weights of {model} from {file}: {key}, {prefix}",
    under_key="tensors under the key {}",
    no_key="tensors at the top of the file",
    removed="prefix {} removed",
    no_prefix="names as they are",
)
