"""What a data source was taken for, in the form that run.json and `sixteenth plan --json` keep.

Each layout says in its `Content` what it left out and noted; the sentences that a person reads are
made of this by the language (`Language.understood`).
"""

from __future__ import annotations

import numpy as np

from ..storage.run_facts import Understood
from .source import Content

MAX_LINES = 100
"""Lines on what was left out that a record keeps, and broken images that it names."""


def understand(layout: str, content: Content) -> Understood:
    """What `content` of a layout was taken for; broken images are among the files left out."""
    counts = sum(
        np.bincount(split.labels, minlength=len(content.classes))
        for split in (content.train, content.test)
    )
    left_out = [
        *content.left_out,
        *(f"{one.name} cannot be read: {one.reason}" for one in content.broken),
    ]
    more = len(left_out) - MAX_LINES
    return Understood(
        layout=layout,
        classes=content.classes,
        train_images=len(content.train),
        test_images=len(content.test),
        validation_images=content.validation_images,
        per_class=dict(zip(content.classes, np.asarray(counts).tolist(), strict=True)),
        left_out=(*left_out[:MAX_LINES], *([f"and {more} more"] if more > 0 else [])),
        notes=content.notes,
    )
