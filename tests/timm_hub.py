"""The cache of the Hugging Face hub, filled with weights as timm publishes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

REVISION = "c0ffee" * 6 + "c0ff"


def publish(cache: Path, name: str, state: Mapping[str, Tensor]) -> tuple[Path, str]:
    """Put the file of ``timm/NAME`` where the client keeps it; its path and SHA-256."""
    folder = cache / f"models--timm--{name}"
    for part in ("blobs", "refs", f"snapshots/{REVISION}"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    file = folder / "blobs" / "new"
    save_file({key: value.contiguous() for key, value in state.items()}, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    file.rename(folder / "blobs" / sha256)
    (folder / "refs" / "main").write_text(REVISION)
    path = folder / "snapshots" / REVISION / "model.safetensors"
    path.unlink(missing_ok=True)
    path.symlink_to(Path("../../blobs") / sha256)
    return path, sha256
