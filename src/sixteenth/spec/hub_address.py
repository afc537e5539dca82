"""How a data set of the Hugging Face Hub is named: ``hf://OWNER/NAME[@REVISION][/SUBSET]``.

So are ``hfds/OWNER/NAME``, as timm writes it, and ``hf://datasets/OWNER/NAME``, as fsspec does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from ..errors import DataError

_SPECIAL = r"refs/(?:convert|pr)/\w+"
"""Revisions of the hub's own, whose slashes are written as they are."""

_ADDRESS = re.compile(
    r"(?:hf:/+(?:datasets/)?|hfds/)(?P<repository>[\w.-]+/[\w.-]+)"
    rf"(?:@(?P<revision>{_SPECIAL}|[^/@]+))?(?:/(?P<subset>[^/@][^@]*?))?/*"
)


@dataclass(frozen=True)
class HubAddress:
    """A data set of the hub.

    Attributes:
        repository: ``OWNER/NAME``.
        revision: a branch, a tag or a commit; None for the newest.
        subset: the folder of one of its configurations; "" if there is one only.
    """

    repository: str
    revision: str | None = None
    subset: str = ""

    def __str__(self) -> str:
        at = self.revision or ""
        at = at if re.fullmatch(_SPECIAL, at) else quote(at, safe="")
        return f"hf://{self.repository}{at and '@' + at}{self.subset and '/' + self.subset}"

    @property
    def is_exact(self) -> bool:
        """Whether the revision is a commit, which always holds the same files."""
        return self.revision is not None and bool(re.fullmatch("[0-9a-f]{40}", self.revision))

    @property
    def name(self) -> str:
        """The name of the data set in reports."""
        return "/".join(filter(None, [self.repository.partition("/")[2], self.subset]))


def is_hub_address(source: str) -> bool:
    """Whether this is meant as the address of a data set of the hub."""
    return re.match(r"hf:/|hfds/", source) is not None


def parse_address(source: str) -> HubAddress | None:
    """The data set that an address names; None of other data.

    Raises:
        DataError: it is meant as an address and is none.
    """
    if not is_hub_address(source):
        return None
    found = _ADDRESS.fullmatch(source)
    if found is None:
        raise DataError(
            f"{source} names no data set of the Hugging Face Hub: write hf://OWNER/NAME, "
            "hf://OWNER/NAME@REVISION, or hf://OWNER/NAME/SUBSET for one of several"
        )
    revision = found["revision"] and unquote(found["revision"])
    return HubAddress(found["repository"], revision, found["subset"] or "")


def another_revision(before: str, now: str) -> bool:
    """Whether a study of the data `before` that is asked for `now` is asked for another revision.

    It is not where `now` names none: the study then goes on with the commit that it began with. Nor
    where `now` names a commit: its images are loaded, and their fingerprint says whether they are
    others.
    """
    try:
        old, new = parse_address(before), parse_address(now)
    except DataError:  # it is said where the images are loaded
        return False
    if old is None or new is None or new.revision is None or new.is_exact:
        return False
    return old != new and replace(old, revision=new.revision) == new
