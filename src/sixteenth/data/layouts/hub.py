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
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ...errors import DataError
from ...extras import import_extra
from ...messages import nearest
from ...spec.hub_address import HubAddress, parse_address
from ...spec.work import Work, WorkCallback
from ..download import MEGABYTE
from ..pixel_store import PixelStore
from ..source import Content, Found, Options, first_names
from .columns import choose_columns
from .hub_errors import explained
from .parquet import Splits, find_parquet, find_splits

_CONVERTED = "refs/convert/parquet"
"""The branch with the hub's own conversion of a data set to Parquet."""

CARD = "README.md"
"""The data set's card, which may name the classes."""


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
    with _client(address):
        snapshot, splits, card = _choose(address)
        names = _class_names(card, {address.subset, splits.home.name})
        options = replace(options, class_names=names)
        with _named(snapshot, address):
            for first in splits.files.get("train", ())[:1]:
                _download(address, snapshot, [first], options.progress)
                choose_columns(first, options)  # what is wrong is said before all is downloaded
                every = [file for part in splits.files.values() for file in part]
                _download(address, snapshot, every, options.progress)
            found = find_parquet(
                snapshot.folder / address.subset, options, snapshot.parquet(address.subset)
            )
    assert found is not None, "there are splits"
    note = f"{replace(address, revision=None)} at revision {snapshot.commit[:12]}"

    def read(target: PixelStore) -> Content:
        with _named(snapshot, address):
            content = found.read(target)
        return replace(content, notes=(note, *content.notes))

    exact = replace(address, revision=snapshot.commit)
    return replace(found, name=address.name, read=read, source=str(exact))


def begun_with(source: str, recorded: Iterable[str]) -> tuple[str, str]:
    """The source to load for a study, and what to tell about it, or an empty text.

    A study goes on with the commit that it began with, whatever is newer on the hub. A `source`
    that names a commit is loaded: if it holds other images, their fingerprint tells.

    Args:
        source: of the study.
        recorded: sources of its runs that were begun.

    Raises:
        DataError: `source` is meant as an address of the hub and is none.
    """
    asked = parse_address(source)
    if asked is None or asked.is_exact:
        return source, ""
    known = filter(None, map(parse_address, recorded))
    begun = next((one for one in known if replace(one, revision=asked.revision) == asked), None)
    if begun is None or begun.revision is None:
        return source, ""
    newest = begun.revision
    # Without a network nothing newer is known.
    with contextlib.suppress(DataError), _client(asked):
        newest = _choose(asked)[0].commit
    if newest == begun.revision:
        return str(begun), ""
    return str(begun), (
        f"{asked} is at revision {newest[:12]} by now; this study goes on with "
        f"{begun.revision[:12]}, which it began with (--fresh begins a new one)"
    )


@contextlib.contextmanager
def _client(address: HubAddress) -> Iterator[None]:
    """Use the hub's client: its errors become ours, and its own warnings are not shown.

    Raises:
        DataError: it is not installed, or an error of its own.
    """
    client = import_extra("huggingface_hub", extra="hub", needed_by=str(address), error=DataError)
    client_logging = client.logging
    before = client_logging.get_verbosity()
    client_logging.set_verbosity(logging.ERROR)
    try:
        with explained(address):
            yield
    finally:
        client_logging.set_verbosity(before)


@contextlib.contextmanager
def _named(snapshot: _Snapshot, address: HubAddress) -> Iterator[None]:
    """Call files in errors what they are on the hub, not where they lie or would lie here."""
    try:
        yield
    except DataError as error:
        plain = str(HubAddress(address.repository))
        raise DataError(str(error).replace(str(snapshot.folder), plain)) from None


def _look(address: HubAddress, revision: str | None) -> _Snapshot:
    """What the repository holds; only its card is downloaded."""
    from huggingface_hub import HfApi, get_cached_repo_tree, snapshot_download

    name = address.repository
    commit = HfApi().resolve_revision(name, repo_type="dataset", revision=revision).resolved
    folder = snapshot_download(
        name,
        repo_type="dataset",
        revision=commit,
        allow_patterns=CARD,
        tqdm_class=_bar(lambda *_: None),
    )
    listed = get_cached_repo_tree(name, repo_type="dataset", revision=commit)
    return _Snapshot(commit, Path(folder), {file.path: file.size for file in listed})


def _choose(address: HubAddress) -> tuple[_Snapshot, Splits, Path]:
    """The snapshot that has Parquet files of splits, these, and the data set's card.

    Raises:
        DataError: there are none, or several data sets of them.
    """
    from huggingface_hub.errors import RevisionNotFoundError

    snapshot = own = _look(address, address.revision)
    splits = own.splits(address)
    if splits is None and address.revision is None:
        with contextlib.suppress(RevisionNotFoundError):
            snapshot = _look(address, _CONVERTED)
            splits = snapshot.splits(address)
    if splits is None:
        raise DataError(_why_none(address, own, snapshot))
    card = own.folder / CARD
    if CARD not in own.sizes and address.revision is not None:
        # The branch of the conversion has none. A study that began with the names of the main
        # branch's goes on with a commit of the conversion.
        with contextlib.suppress(DataError), explained(address):
            card = _look(address, None).folder / CARD
    return snapshot, splits, card


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
    address: HubAddress,
    snapshot: _Snapshot,
    files: Sequence[Path],
    progress: WorkCallback | None,
) -> None:
    """Download those of the files that are not in the hub's cache.

    Raises:
        DataError: the disk is too small.
    """
    from huggingface_hub import constants, snapshot_download

    missing = [file for file in files if not file.exists()]
    if not missing:
        return
    names = [file.relative_to(snapshot.folder).as_posix() for file in missing]
    needed, free = sum(snapshot.sizes[name] for name in names), _free_bytes(snapshot.folder)
    if needed > free:
        raise DataError(
            f"{address}: {needed / 1e9:.1f} GB are to be downloaded, and the hub's cache "
            f"{constants.HF_HUB_CACHE} has {free / 1e9:.1f} GB of free disk: make room, or set "
            "HF_HOME to a folder on another disk"
        )
    snapshot_download(
        address.repository,
        repo_type="dataset",
        revision=snapshot.commit,
        allow_patterns=[glob.escape(name) for name in names],
        tqdm_class=_bar(progress, f"{address}, MB") if progress else None,
    )


def _free_bytes(folder: Path) -> int:
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    return shutil.disk_usage(there).free


def _bar(progress: WorkCallback, detail: str = "") -> Any:
    """The client's progress bar, which tells `progress` instead of drawing itself."""
    from huggingface_hub.utils.tqdm import tqdm

    told = (0, 0)

    class Bar(tqdm):
        def __init__(self, *given: Any, **options: Any) -> None:
            # Of the bars for bytes one is of what the network brings, and one of what is written.
            self.of_files = not str(options.get("name")).endswith(".transfer")
            options |= {"disable": False, "file": io.StringIO()}
            super().__init__(*given, **options)  # type: ignore[no-untyped-call]

        def display(self, *_: Any, **__: Any) -> None:
            nonlocal told
            now = (int(self.n) // MEGABYTE, int(self.total or 0) // MEGABYTE)
            if self.unit == "B" and self.of_files and now[1] and now != told:
                told = now
                progress(Work.DOWNLOADING, *now, detail)

    return Bar


def _class_names(card: Path, subsets: set[str]) -> dict[str, tuple[str, ...]]:
    """Names of the classes by column, as a data set's README.md says; none if it does not.

    https://huggingface.co/docs/datasets/main/en/dataset_card: dataset_info.features
    """
    from huggingface_hub import DatasetCard

    try:
        info = DatasetCard.load(card).data.to_dict().get("dataset_info")
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
