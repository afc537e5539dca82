"""Read the named tensors of a weights file as data, and say what a file is that holds none.

No code from a file is run: safetensors or ``torch.load(weights_only=True)`` reads it, as its suffix
says. What else a file may be (a whole model, TorchScript, an optimizer's state) is told from its
first bytes, the names in its archive and the listing of its pickle's instructions.
"""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..errors import WeightsError
from ..messages import nearest, one_line
from ..storage.lfs import LFS_REASON, is_lfs_pointer

_BEGINNINGS = {
    rb"\x89HDF\r\n": "an HDF5 file, as Keras writes, and no weights of torch",
    rb"(?i)\s*<(?:!doctype|html|\?xml)": "a web page: download the file itself",
}
"""How files begin that are often found under the name of a weights file, and what they are."""


def read_tensors(path: Path, key: str = "") -> tuple[OrderedDict[str, Tensor], str]:
    """The named tensors of a file, on the CPU, and the key under which they lay ("" for none).

    In a ``.pth`` they may be under any keys, such as ``model`` or ``checkpoint.state_dict``, where
    one mapping alone holds tensors; an optimizer's state is passed over.

    Args:
        key: chooses one of several such mappings, or the tensors whose names begin with it and a
            dot; their names are then without it.

    Raises:
        WeightsError: the file cannot be read, has nothing under the key or several mappings to
            choose from, or has anything but plain tensors.
    """
    content = _read(path)
    found = dict(_mappings(content, (), set()))
    if not found:
        raise WeightsError(f"{path} {_without_tensors(content)}")
    chosen, key = _choose(path, found, key)
    for name, value in chosen.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(f"{path}: {name!r} is not a tensor but {type(value).__name__}")
        odd = value.is_nested or value.is_quantized or value.layout is not torch.strided
        if odd or value.device.type != "cpu":
            raise WeightsError(
                f"{path}: {name!r} is a sparse, nested, quantised or empty (meta) tensor, expected "
                "a plain one"
            )
    state = OrderedDict(chosen)
    if hasattr(chosen, "_metadata"):
        # Has the versions of the saved layers, with which torch converts old names.
        state._metadata = chosen._metadata  # type: ignore[attr-defined]
    return state, key


def _mappings(
    content: Any, keys: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Every mapping that is mostly of tensors, with its keys joined by dots.

    Each is looked at once: a pickle may hold one that contains itself.
    """
    if not isinstance(content, Mapping) or id(content) in seen or _is_optimizer(content):
        return
    if len(keys) > 20:  # no file of weights; a deeper one could end this process
        return
    seen.add(id(content))
    tensors = [value for value in content.values() if isinstance(value, Tensor)]
    # Scores are tensors without axes, states of random number generators are of uint8.
    weights = any(value.dim() and value.dtype != torch.uint8 for value in tensors)
    if weights and 2 * len(tensors) > len(content):
        yield ".".join(keys), content
        return
    for key, value in content.items():
        yield from _mappings(value, (*keys, str(key)), seen)


def _is_optimizer(content: Mapping[Any, Any]) -> bool:
    return "state" in content and "param_groups" in content


def _choose(
    path: Path, found: Mapping[str, Mapping[Any, Any]], key: str
) -> tuple[Mapping[Any, Any], str]:
    """The mapping that `key` means, and its whole key."""
    listed = ", ".join(f"{name or 'the file itself'} ({len(found[name])})" for name in found)
    if not key:
        if len(found) > 1:
            raise WeightsError(
                f"{path} holds several sets of tensors: {listed}; choose one, such as "
                f"{path}#{next(iter(found))}"
            )
        ((name, chosen),) = found.items()
        return chosen, name
    if key in found:
        return found[key], key
    parts = {}
    for name, mapping in found.items():
        start = key.removeprefix(f"{name}.") + "."
        part = {
            str(each)[len(start) :]: value
            for each, value in mapping.items()
            if str(each).startswith(start)
        }
        if part:
            parts[f"{name}.{start}".strip(".")] = part
    if len(parts) != 1:
        problem = f"means several: {', '.join(parts)}" if parts else "is not in the file"
        raise WeightsError(
            f"{path}#{key}: the key {key!r} {problem}; tensors are under {listed}"
            f"{nearest(key, found)}"
        )
    ((name, part),) = parts.items()
    return part, name


def _without_tensors(content: Any) -> str:
    """What a file holds that has no mapping of tensors."""
    if not isinstance(content, Mapping) or not content:
        return f"holds no named tensors but {type(content).__name__}"
    if _is_optimizer(content):
        return "holds the state of an optimizer and no weights"
    for key, value in content.items():
        if isinstance(value, Mapping) and _is_optimizer(value):
            return f"holds the state of an optimizer (under {key!r}) and no weights"
    key, value = next(iter(content.items()))
    return f"holds no named tensors: {key!r} is not a tensor but {type(value).__name__}"


def _read(path: Path) -> Any:
    if is_lfs_pointer(path):
        raise WeightsError(f"{path} is {LFS_REASON}")
    try:
        with path.open("rb") as file:
            begin = file.read(100)
    except OSError as error:
        raise WeightsError(f"cannot read the weights file {path}: {error.strerror}") from None
    for pattern, what in _BEGINNINGS.items():
        if re.match(pattern, begin):
            raise WeightsError(f"{path} is {what}")
    if path.suffix.lower() != ".safetensors":
        return _read_pickle(path, begin)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        torch_file = begin.startswith((b"PK", b"\x80"))
        hint = "; it begins as torch's own files do: name it .pth" if torch_file else ""
        raise WeightsError(f"{path} is not a safetensors file: {one_line(error)}{hint}") from error


def _read_pickle(path: Path, begin: bytes) -> Any:
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        _check_archive(path, archive)
    if begin[8:10] == b'{"':  # after the length of the header
        raise WeightsError(f"{path} begins as a safetensors file does: name it .safetensors")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the errors below say what is wrong
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        names = _classes(path)
        if any(name.startswith("torch.nn.modules.") for name in names):
            raise WeightsError(
                f"{path} is refused: it holds a whole pickled model ({_shown(names)}), and loading "
                "one runs code; where it was made, save model.state_dict() instead of model"
            ) from error
        said = f"objects beside tensors: {_shown(names)}" if names else _first_sentence(error)
        raise WeightsError(
            f"{path} is refused: it is damaged, or holds objects that could run code where only "
            f"tensors are read ({said}); save the tensors alone, best as safetensors"
        ) from error
    except Exception as error:
        raise WeightsError(
            f"{path} is not a weights file or is damaged: {_first_sentence(error)}"
        ) from error


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse archives that hold something else than the tensors that ``torch.save`` wrote."""
    members = archive.infolist()
    names = [member.filename.partition("/")[2] or member.filename for member in members]
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise WeightsError(
            f"{path} is a TorchScript archive, a program with its weights: where it was made, save "
            "model.state_dict() with torch.save"
        )
    # A compressed archive could unpack to any size.
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise WeightsError(
            f"{path} is a compressed archive, and only uncompressed ones are read: unpack it, or "
            "save the tensors as safetensors"
        )
    if "data.pkl" not in names:
        inside = ", ".join(member.filename for member in members[:3])
        raise WeightsError(f"{path} is an archive without tensors of torch (it has {inside})")


def _classes(path: Path) -> list[str]:
    """Classes and functions that a file's pickles name, in order; torch's for tensors left out.

    The instructions are listed, not followed.
    """
    names: dict[str, None] = {}

    def listed(file: BinaryIO) -> None:
        # A file of torch before 1.6 is a sequence of pickles, which ends in raw numbers.
        with contextlib.suppress(Exception):
            while True:
                for code, argument, _ in pickletools.genops(file):
                    if code.name == "GLOBAL":
                        names[str(argument).replace(" ", ".")] = None

    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith("/data.pkl"):
                    with archive.open(member) as inside:
                        listed(inside)  # type: ignore[arg-type]
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            listed(file)
    usual = re.compile(r"torch\.(_utils|[A-Za-z0-9]+(Storage|Tensor)$|_tensor)|collections\.")
    return [name for name in names if not usual.match(name)]


def _shown(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _first_sentence(error: Exception) -> str:
    """The line of torch's long message that says what happened, usually the first one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in lines if "Unsupported" in line or "GLOBAL" in line), None)
    return (text or (lines[0] if lines else type(error).__name__))[:200]
