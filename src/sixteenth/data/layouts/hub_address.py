"""How a data set of the Hugging Face Hub is named: ``hf://OWNER/NAME[@REVISION][/SUBSET]``.

So are ``hfds/OWNER/NAME``, as timm writes it, and ``hf://datasets/OWNER/NAME``, as fsspec does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ...errors import DataError

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
