"""What tests ask of a study that the page of `sixteenth watch` follows, and of what it says."""

from __future__ import annotations

import re

from sixteenth import RunSpec
from sixteenth.cli.watch import follow
from sixteenth.spec import load_spec
from sixteenth.storage.study_folder import StudyFolder


def runs_of(place: StudyFolder) -> list[RunSpec]:
    return load_spec(place.spec_path).runs()


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def look(follower: follow.Follower) -> dict[str, str]:
    """The parts as they are now, as text."""
    follower._next = follower._drawing._next = 0.0
    return {key: text(html) for key, html in follower.parts().items()}
