"""Independent seeds for different purposes."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: object) -> int:
    """A seed in 0 .. 2**63 - 1, a hash of the text of all `parts`, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
