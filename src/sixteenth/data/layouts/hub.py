"""Data sets of the Hugging Face Hub: their Parquet files, brought here by its own client.

``hf://OWNER/NAME``, or ``hfds/OWNER/NAME`` as timm writes it, stands for the Parquet files in the
data set's repository, else for those that the hub converted it to (``refs/convert/parquet``).
They go into the hub's own cache; `parquet` then reads them as it reads any folder. What is recorded
names the commit, so that a study goes on with the images that it began with.

The client (package huggingface_hub, extra ``hub``) knows the token, the endpoint, the cache and
whether there is a network; it is imported when a data set of the hub is asked for.
"""

from __future__ import annotations

import contextlib
import glob
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ...errors import DataError, nearest
from ..download import MEGABYTE
from ..source import Content, Found, Options, first_names
from ..target import ProgressCallback, Target
from .hub_address import HubAddress, parse_address
from .hub_errors import explained
from .parquet import Splits, find_parquet, find_splits

_CONVERTED = "refs/convert/parquet"
"""The branch with the hub's own conversion of a data set to Parquet."""


@dataclass(frozen=True)
class _Snapshot:
    """What a repository holds at one commit; `sizes` in bytes, of its files by their paths.

    The files lie in `folder` once they were downloaded.
    """

    commit: str
    folder: Path
    sizes: Mapping[str, int]

    def parquet(self, subset: str) -> list[Path]:
        """Parquet files in the folder of a subset, at most two folders deeper."""
        inside = f"{subset}/" if subset else ""
        return sorted(
            self.folder / name
            for name in self.sizes
            if name.endswith(".parquet")
            and name.startswith(inside)
            and name.count("/") - inside.count("/") <= 2
        )

    def splits(self, address: HubAddress) -> Splits | None:
        """The files of each split; None if there are none.

        Raises:
            DataError: several data sets have some.
        """
        with _named(self, address):
            return find_splits(self.folder / address.subset, self.parquet(address.subset))


def find_hub(address: HubAddress, options: Options) -> Found:
    """The Parquet files of a data set of the hub, downloaded unless they are in its cache.

    Raises:
        DataError: it does not exist, cannot be had, or has no Parquet files that are understood.
    """
    hub = _client(address)
    with explained(address), _quiet(hub):
        snapshot, splits, card = _choose(hub, address)
        _download(hub, address, snapshot, splits, options.progress)
        names = _class_names(hub, card, {address.subset, splits.home.name})
    with _named(snapshot, address):
        found = find_parquet(
            snapshot.folder / address.subset,
            replace(options, class_names=names),
            snapshot.parquet(address.subset),
        )
    assert found is not None, "there are splits"
    note = f"{replace(address, revision=None)} at revision {snapshot.commit[:12]}"

    def read(target: Target) -> Content:
        with _named(snapshot, address):
            content = found.read(target)
        return replace(content, notes=(note, *content.notes))

    exact = replace(address, revision=snapshot.commit)
    return replace(found, name=address.name, read=read, source=str(exact))


def begun_with(source: str, recorded: Iterable[str]) -> tuple[str, str]:
    """The source to load for a study, and what to tell about it, or an empty text.

    A study goes on with the commit that it began with, whatever is newer on the hub.

    Args:
        source: of the study.
        recorded: sources of its runs that were begun.

    Raises:
        DataError: `source` is meant as an address of the hub and is none.
    """
    asked = parse_address(source)
    if asked is None:
        return source, ""
    known = filter(None, map(parse_address, recorded))
    begun = next((one for one in known if replace(one, revision=asked.revision) == asked), None)
    if begun is None or begun.revision is None:
        return source, ""
    newest = begun.revision
    with contextlib.suppress(DataError):  # without a network nothing newer is known
        hub = _client(asked)
        with explained(asked), _quiet(hub):
            newest = _choose(hub, asked)[0].commit
    if newest == begun.revision:
        return str(begun), ""
    return str(begun), (
        f"{asked} is at revision {newest[:12]} by now; this study goes on with "
        f"{begun.revision[:12]}, which it began with (--fresh begins a new one)"
    )


def _client(address: HubAddress) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise DataError(
            f"{address} needs the package huggingface_hub ({error}): pip install 'sixteenth[hub]'"
        ) from None
    return huggingface_hub


@contextlib.contextmanager
def _quiet(hub: Any) -> Iterator[None]:
    """Without the client's warnings: what matters of them becomes an error."""
    logging = hub.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextlib.contextmanager
def _named(snapshot: _Snapshot, address: HubAddress) -> Iterator[None]:
    """Call files in errors what they are on the hub, not where they lie or would lie here."""
    try:
        yield
    except DataError as error:
        plain = str(HubAddress(address.repository))
        raise DataError(str(error).replace(str(snapshot.folder), plain)) from None


def _look(hub: Any, address: HubAddress, revision: str | None) -> _Snapshot:
    """What the repository holds; only its README.md is downloaded."""
    which = {"repo_id": address.repository, "repo_type": "dataset"}
    commit = hub.HfApi().resolve_revision(**which, revision=revision).resolved
    folder = hub.snapshot_download(
        **which,
        revision=commit,
        allow_patterns="README.md",
        tqdm_class=_bar(hub, lambda *_: None),
    )
    listed = hub.get_cached_repo_tree(**which, revision=commit)
    return _Snapshot(commit, Path(folder), {file.path: file.size for file in listed})


def _choose(hub: Any, address: HubAddress) -> tuple[_Snapshot, Splits, Path]:
    """The snapshot that has Parquet files of splits, these, and the data set's README.md.

    Raises:
        DataError: there are none, or several data sets of them.
    """
    snapshot = own = _look(hub, address, address.revision)
    splits = own.splits(address)
    if splits is None and address.revision is None:
        with contextlib.suppress(hub.errors.RevisionNotFoundError):
            snapshot = _look(hub, address, _CONVERTED)
            splits = snapshot.splits(address)
    if splits is None:
        raise DataError(_why_none(address, own, snapshot))
    return snapshot, splits, own.folder / "README.md"


def _why_none(address: HubAddress, own: _Snapshot, last: _Snapshot) -> str:
    """Why no Parquet files are understood, and the way out."""
    folders = sorted(
        {name.partition("/")[0] for one in (own, last) for name in one.sizes if "/" in name}
    )
    if address.subset and address.subset not in folders:
        close = nearest(address.subset, folders) or f"; its folders are {first_names(folders)}"
        return f"{address}: {address.repository} has no subset {address.subset!r}{close}"
    way_out = (
        f"download it with hf download {address.repository} --repo-type dataset --local-dir "
        "FOLDER, unpack what is packed, and give FOLDER"
    )
    if any("/partial-" in name for name in last.sizes):
        return (
            f"{address} is too large for the hub's conversion to Parquet, which holds a part of "
            f"it, and it has no such files of its own: {way_out}"
        )
    has = sorted({name.partition("/")[0] for name in own.sizes if not name.startswith(".")})
    return (
        f"{address} has no Parquet files of its own such as train.parquet or data/train-*.parquet, "
        f"and none from the hub's conversion (it has {first_names(has) or 'nothing'}): {way_out}"
    )


def _download(
    hub: Any,
    address: HubAddress,
    snapshot: _Snapshot,
    splits: Splits,
    progress: ProgressCallback | None,
) -> None:
    """Download the files of the splits that are not in the hub's cache.

    Raises:
        DataError: the disk is too small.
    """
    files = [file for part in splits.files.values() for file in part if not file.exists()]
    if not files:
        return
    names = [file.relative_to(snapshot.folder).as_posix() for file in files]
    needed, free = sum(snapshot.sizes[name] for name in names), _free_bytes(snapshot.folder)
    if needed > free:
        raise DataError(
            f"{address}: {needed / 1e9:.1f} GB are to be downloaded, and the hub's cache "
            f"{hub.constants.HF_HUB_CACHE} has {free / 1e9:.1f} GB of free disk: make room, or set "
            "HF_HOME to a folder on another disk"
        )
    hub.snapshot_download(
        address.repository,
        repo_type="dataset",
        revision=snapshot.commit,
        allow_patterns=[glob.escape(name) for name in names],
        tqdm_class=progress and _bar(hub, progress, f"downloading {address}, MB"),
    )


def _free_bytes(folder: Path) -> int:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    return shutil.disk_usage(there).free


def _bar(hub: Any, progress: ProgressCallback, what: str = "") -> Any:
    """The client's progress bar, which tells `progress` instead of drawing itself."""

    class Bar(hub.utils.tqdm):  # type: ignore[misc]
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **{**options, "disable": False, "file": io.StringIO()})

        def display(self, *_: Any, **__: Any) -> None:
            if self.unit == "B":  # the other one counts files
                total = int(self.total or 0) // MEGABYTE
                progress(what, int(self.n) // MEGABYTE, total)

    return Bar


def _class_names(hub: Any, card: Path, subsets: set[str]) -> dict[str, tuple[str, ...]]:
    """Names of the classes by column, as a data set's README.md says; none if it does not.

    https://huggingface.co/docs/datasets/main/en/dataset_card: dataset_info.features
    """
    try:
        info = hub.DatasetCard.load(card).data.to_dict().get("dataset_info")
    except (OSError, ValueError, yaml.YAMLError):
        return {}  # there is none, or it is not what the hub expects
    infos = [one for one in (info if isinstance(info, list) else [info]) if isinstance(one, dict)]
    if len(infos) > 1:
        infos = [one for one in infos if one.get("config_name", "default") in subsets]
    features = infos[0].get("features") if infos else None
    found = {}
    for feature in features if isinstance(features, list) else []:
        with contextlib.suppress(LookupError, TypeError, ValueError):
            by_number = feature["dtype"]["class_label"]["names"]
            ordered = sorted(by_number, key=int)
            if [int(number) for number in ordered] == list(range(len(ordered))):
                found[feature["name"]] = tuple(str(by_number[number]) for number in ordered)
    return found
