"""Study files and presets: read, checked, explained where they are wrong, and written."""

from __future__ import annotations

import codecs
import os
import reprlib
import shlex
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import SpecError
from ..messages import nearest
from .fields import NAMED_DATA
from .hints import list_hint, meant_key, quote_hint
from .hub_address import another_revision
from .specs import StudySpec
from .yaml import MAX_CHARACTERS, StrictYamlError, read_yaml

PRESETS = resources.files("sixteenth.spec") / "presets"


def preset_names() -> list[str]:
    """Names of the presets, sorted."""
    return sorted(entry.name[:-5] for entry in PRESETS.iterdir() if entry.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """The text of a preset's study file, with comments.

    Raises:
        SpecError: no preset has that name.
    """
    if name not in preset_names():
        known = f"; a study is one of {', '.join(preset_names())}, or a file, such as mine.yaml"
        raise SpecError(f"no preset is called {name!r}{nearest(name, preset_names()) or known}")
    return (PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def _no_file(folder: Path) -> str:
    """The message that a folder is named where a study file is needed."""
    place = shlex.quote(str(folder))
    if (folder / "study.yaml").is_file():
        return (
            f"{folder} is the folder of a study, which goes on by its file: "
            f"{shlex.quote(str(folder / 'study.yaml'))} --out {place}"
        )
    return (
        f"{folder} is a folder and no study file: name one, such as mine.yaml, or a preset for the "
        f"images in that folder: cifar10 --data {place}"
    )


BEFORE = {"zero_init_residual": False}
"""What keys were, in effect, in the folders of studies that were begun before there was such a key:
their runs go on as they began."""


def load_frozen(path: Path) -> StudySpec:
    """The study of a study's folder, from the study.yaml that was written there.

    Raises:
        SpecError: as `load_spec`.
    """
    return load_spec(path, younger=BEFORE)


def as_begun(spec: StudySpec, path: Path) -> StudySpec:
    """`spec` as the study of a folder whose study.yaml, at `path`, may be older than some keys.

    Of these keys, those that `spec` leaves to their defaults have the values of `BEFORE`.
    """
    left = BEFORE.keys() - spec.model_fields_set
    if left:
        return spec.model_copy(update={key: BEFORE[key] for key in left & _lacking(path)})
    return spec


def _lacking(path: Path) -> set[str]:
    """The keys of `BEFORE` that a study.yaml is older than; none where there is no such file."""
    if not path.is_file():
        return set()
    try:
        return BEFORE.keys() - load_spec(path).model_fields_set
    except SpecError:
        return set()  # it is said where the folder is used


def load_spec(
    study: str | Path, settings: Sequence[str] = (), *, younger: Mapping[str, Any] | None = None
) -> StudySpec:
    """The study of a preset's name or a study file, with ``KEY=VALUE`` settings applied.

    A preset takes precedence over a file of the same name in the current folder, which could name
    code to import. Such a file can be given as ``./NAME``.

    Args:
        younger: values of keys that the file may lack, where they are not the defaults.

    Raises:
        SpecError: there is no such preset or file, it is not YAML, or a key or value is wrong.
    """
    if isinstance(settings, str):  # else each of its letters would be a setting
        raise SpecError(f"settings are a list of texts: write [{settings!r}]")
    path = Path(study)
    is_preset = isinstance(study, str) and study in preset_names()
    if not is_preset and (path.suffix in (".yaml", ".yml") or os.path.isfile(path)):
        try:
            text = _read_text(path)
        except FileNotFoundError:
            raise SpecError(f"no study file {study}") from None
        except UnicodeDecodeError:
            raise SpecError(f"the study file {study} is no UTF-8 text: save it as UTF-8") from None
        except (OSError, ValueError) as error:
            raise SpecError(f"cannot read the study file {study}: {error}") from None
        name = path.parent.resolve().name if path.name == "study.yaml" else path.stem
    elif not is_preset and path.is_dir():
        raise SpecError(_no_file(path))
    else:
        text, name = preset_text(str(study)), str(study)
    try:
        content = read_yaml(text)
    except StrictYamlError as error:
        raise SpecError(f"{study} cannot be read as a study: {error}") from None
    if not isinstance(content, dict):
        raise SpecError(f"{study} holds no study: expected keys such as data: and models:")
    content = {"name": name, **(younger or {}), **content}
    given = {_apply_setting(content, setting): setting for setting in settings}
    try:
        return StudySpec.model_validate(content)
    except ValidationError as error:
        key = ".".join(map(str, _location(_worst(error.errors())["loc"])))
        setting = next((said for path, said in given.items() if _is_within(key, path)), None)
        where = str(study) if setting is None else f"--set {_shown(setting)}"
        raise SpecError(f"{where}: {_explain(error, content)}") from None


def _read_text(path: Path) -> str:
    """The text of a study file, or enough of it to reject one that is too long.

    `sixteenth presets show ... > my.yaml` in Windows PowerShell writes UTF-16.
    """
    with path.open("rb") as file:
        is_utf16 = file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        with TextIOWrapper(file, "utf-16" if is_utf16 else "utf-8") as text:
            return text.read(MAX_CHARACTERS + 1)


def parse_spec(content: Mapping[str, Any], where: str = "the study") -> StudySpec:
    """The validated study of a mapping.

    Args:
        where: the source, for error messages.

    Raises:
        SpecError: it is no mapping, or a key or value is wrong.
    """
    if not isinstance(content, Mapping):
        raise SpecError(
            f"{where}: expected a mapping with keys such as data and models, not "
            f"{reprlib.repr(content)}; a preset or a study file is read by Study.load or load_spec"
        )
    try:
        return StudySpec.model_validate(dict(content))
    except ValidationError as error:
        raise SpecError(f"{where}: {_explain(error, content)}") from None


def dump_spec(spec: BaseModel, begun: Path | None = None) -> str:
    """A spec as YAML, with all keys, in the order of the fields.

    Args:
        begun: the study.yaml that the text is for. Keys of `BEFORE` that it lacks are left out:
            else they would have been asked for, and a study that leaves them to their defaults
            would be another one.
    """
    content = spec.model_dump(mode="json", exclude=_lacking(begun) if begun else None)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


Differences = dict[str, tuple[Any, Any]]
"""The values that differ between two specs, by their dotted keys: the old one and the new."""


def spec_differences(old: BaseModel, new: BaseModel) -> Differences:
    """The values that differ, in the order of the fields.

    The position of a run's seed counts only where it selects a block of images. Leave to load a
    part of a weights file changes nothing that was begun without it: all of each file was loaded.
    The most epochs count only where a run chooses its epochs.
    """
    before, after = _flatten(old.model_dump(mode="json")), _flatten(new.model_dump(mode="json"))
    if after.get("allow_partial"):
        before["allow_partial"] = True
    if "disjoint" not in (before.get("subsets"), after.get("subsets")):
        after["replicate"] = before.get("replicate")
    if "auto" not in (before.get("train.epochs"), after.get("train.epochs")):
        after["train.max_epochs"] = before.get("train.max_epochs")
    return {
        key: (before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    }


def describe_differences(differences: Differences) -> list[str]:
    """A line ``key: OLD there, NEW asked for`` for each value that differs, for messages."""
    return [
        f"{key}: {before!r} there, {now!r} asked for" for key, (before, now) in differences.items()
    ]


def without_keys(differences: Differences, keys: Collection[str]) -> Differences:
    """The differences in other keys than these."""
    return {key: values for key, values in differences.items() if key not in keys}


def without_place(differences: Differences, before: str, now: str) -> Differences:
    """`spec_differences` without where the data lie, which may have moved.

    What they are is told by their fingerprint. Data sets with a name are read in their own way: one
    of them and a folder with its images are not the same. Of a data set of the hub a study loads
    the commit that it began with, so another revision would never be read.

    Args:
        before, now: `data` there, and as it is asked for.
    """
    if {before, now} & set(NAMED_DATA) or another_revision(before, now):
        return differences
    return without_keys(differences, {"data"})


def _apply_setting(content: dict[str, Any], setting: str) -> str:
    """Set one ``dotted.key=VALUE`` in a study's mapping; the value is YAML. The key is returned."""
    key, equals, text = setting.partition("=")
    shown = _shown(setting)
    if not equals or not key.strip():
        raise SpecError(f"--set {shown}: expected KEY=VALUE, such as train.epochs=2")
    try:
        value = read_yaml(text)
    except StrictYamlError as error:
        raise SpecError(f"--set {shown}: the value cannot be read: {error}") from None
    *path, last = key.strip().split(".")
    target = content
    for part in path:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise SpecError(f"--set {shown}: {part} holds no keys")
    target[last] = value
    return ".".join((*path, last))


def _shown(setting: str) -> str:
    shown = setting if setting.isprintable() else repr(setting)
    return shown if len(shown) <= 200 else f"{shown[:197]}..."


def _is_within(key: str, other: str) -> bool:
    """Whether a dotted key is `other`, or below it."""
    return key == other or key.startswith(f"{other}.")


_REWORDED = {
    "a valid boolean, unable to interpret input": "true or false",
    ", unable to parse string as a number": "",
    "a valid dictionary or instance of TrainSpec": "a mapping such as {epochs: 10}",
    "a valid list": "a list",
}
"""Parts of pydantic's messages, and what to say instead to users of a study file."""


def _worst(found: Sequence[ErrorDetails]) -> ErrorDetails:
    """The error to tell: the first; but an unknown key may be the one that is missing."""
    unknown = (each for each in found if each["type"] == "extra_forbidden")
    return next(unknown, found[0]) if found[0]["type"] == "missing" else found[0]


def _explain(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The worst of pydantic's errors in the content of a study, in one plain line."""
    found = error.errors()
    first = _worst(found)
    others = [each for each in found if each is not first]
    location = _location(first["loc"])
    key = ".".join(map(str, location))
    if first["type"] == "extra_forbidden":
        return f"unknown key {reprlib.repr(key)}{meant_key(location)}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("value_error", "assertion_error") and reason.startswith(key):
        return reason
    # A key with a union type has an error for each of its types.
    reasons = [reason, *(one["msg"] for one in others if _location(one["loc"]) == location)]
    message = ", or ".join(dict.fromkeys(text[0].lower() + text[1:] for text in reasons))
    for old, new in _REWORDED.items():
        message = message.replace(old, new)
    message = message.replace("input should", "it should", 1).replace("input should ", "")
    shown = "" if first["type"] == "value_error" else f", not {reprlib.repr(first.get('input'))}"
    if first["type"] == "string_type":
        shown += quote_hint(first.get("input"))
    if first["type"] == "list_type":
        shown += list_hint(str(location[0]), content)
    return f"{key}: {message}{shown}" if key else message


def _location(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The location of a pydantic error without the names of union types, such as ``bool``."""
    depth = 2 if loc[:1] == ("train",) else 1
    return (*loc[:depth], *(part for part in loc[depth:] if isinstance(part, int)))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a tree by their dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
