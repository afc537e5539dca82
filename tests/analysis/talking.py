"""A discussion of a simulated study, and what it says in one of its sections."""

from __future__ import annotations

from sixteenth.analysis import Context, discuss

CONTEXT = Context(num_classes=10, image_size=32)


def talk(study, **options):
    options.setdefault("context", CONTEXT)
    return discuss(study.results, study.histories, predictions=study.predictions, **options)


def section(discussion, key):
    found = [s for s in discussion.sections if s.key == key]
    return found[0].sentences if found else []


def text(discussion, key):
    return " ".join(claim.text for claim in section(discussion, key))
