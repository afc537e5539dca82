"""Data sets of the hub: the real client, and a hub on this machine."""

from __future__ import annotations

import errno
import gc
import sys
from pathlib import Path

import numpy as np
import pytest
from small_data import encode, random_pixels, write_parquet

from sixteenth.errors import DataError
from sixteenth.spec.work import Work

PARTS = ("train", "test")

CARD = b"""---
dataset_info:
  features:
  - name: img
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': cat
          '1': dog
          '2': emu
---
# Animals
"""


@pytest.fixture
def files(parquet_folder: Path) -> dict[str, bytes]:
    """As a data set lies on the hub, with the files of a training and a test split."""
    return {
        "README.md": b"# Animals",
        ".gitattributes": b"",
        **{
            f"data/{part}-00000-of-00001.parquet": (parquet_folder / f"{part}.parquet").read_bytes()
            for part in ("train", "test")
        },
    }


@pytest.mark.parametrize("written", ["hf://me/animals", "hfds/me/animals"])
def test_the_same_images_and_classes_as_from_a_folder(load, hub, files, parquet_folder, written):
    commit = hub.add("me/animals", files).refs["main"]
    there, here = load(written), load(parquet_folder)
    assert there.fingerprint == here.fingerprint
    assert there.classes == ("cat", "dog", "emu")
    assert np.array_equal(there.test.images, here.test.images)
    assert (there.name, there.source) == ("animals", f"hf://me/animals@{commit}")
    assert there.understood.layout == "Parquet"
    assert there.understood.notes[0] == f"hf://me/animals at revision {commit[:12]}"


def test_a_second_load_and_a_pinned_one_download_nothing(load, hub, files):
    hub.add("me/animals", files)
    first = load("hf://me/animals")
    before = len(hub.asked)
    assert load("hf://me/animals").fingerprint == first.fingerprint
    assert all("/api/" in one.path for one in hub.asked[before:])
    before = len(hub.asked)
    assert load(first.source).fingerprint == first.fingerprint
    assert len(hub.asked) == before, "a commit that is here needs no network"


def test_a_connection_that_breaks_is_resumed_by_the_client(
    load, hub, files, parquet_folder, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100)
    hub.add("me/animals", files)
    name = "data/train-00000-of-00001.parquet"
    hub.breaks[name] = [500, 700]
    assert load("hf://me/animals").fingerprint == load(parquet_folder).fingerprint
    asked = [one.headers.get("range") for one in hub.asked if name in one.path]
    assert [part for part in asked if part] == ["bytes=500-", "bytes=1200-"]


def test_progress_is_told_once_and_nothing_is_drawn(load, hub, files, monkeypatch, capsys):
    monkeypatch.setattr("sixteenth.data.layouts.hub.MEGABYTE", 100)
    told = []
    hub.add("me/animals", files)
    load("hf://me/animals", progress=lambda *at: told.append(at))
    gc.collect()  # a bar that is thrown away draws itself once more
    told = [at for at in told if at[0] == Work.DOWNLOADING]
    assert {at[3] for at in told} == {"hf://me/animals, MB"}
    total = sum(len(content) for name, content in files.items() if "data/" in name) // 100
    train = len(files["data/train-00000-of-00001.parquet"]) // 100
    assert told[-1][1] + train == pytest.approx(total, abs=1), "two downloads: the first file first"
    assert (told[-1][1], train) == (told[-1][2], told[0][2])
    assert len(set(told)) == len(told)
    assert capsys.readouterr().err == ""


def test_the_token_is_sent_to_the_hub_and_not_to_its_storage(load, hub, files, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.add("me/animals", files, token="hf_secret")
    assert load("hf://me/animals").classes == ("cat", "dog", "emu")
    sent = {"storage" in one.path: one.headers.get("authorization") for one in hub.asked}
    assert sent == {False: "Bearer hf_secret", True: None}


def test_a_revision_can_be_a_branch_a_tag_or_a_commit(load, hub, files):
    repository = hub.add("me/animals", files)
    old = repository.refs["main"]
    repository.refs["v1.0"] = repository.refs["feature/x"] = old
    repository.commit({"README.md": b"all is gone"})
    for revision in ("v1.0", "feature%2Fx", old):
        assert load(f"hf://me/animals@{revision}").source == f"hf://me/animals@{old}"


def in_folders(files, *folders):
    """The Parquet files of a data set, once in each folder."""
    return {
        f"{folder}/{name.partition('/')[2]}": content
        for folder in folders
        for name, content in files.items()
        if name.endswith(".parquet")
    }


def test_one_of_several_configurations_must_be_named(load, hub, files):
    hub.add("me/animals", {"README.md": b"", **in_folders(files, "wild", "tame")})
    choices = "give one of hf://me/animals/tame, hf://me/animals/wild"
    with pytest.raises(DataError, match=f"^hf://me/animals holds several Parquet.*: {choices}$"):
        load("hf://me/animals")
    assert load("hf://me/animals/wild").name == "animals/wild"
    with pytest.raises(DataError, match="has no subset 'wilt'; did you mean wild"):
        load("hf://me/animals/wilt")
    asked = {one.path for one in hub.asked if "storage" in one.path}
    assert asked
    assert not any("tame" in path for path in asked), "the other one was not downloaded"


def test_the_conversion_of_the_hub_is_used_where_there_is_no_parquet(load, hub, files):
    repository = hub.add("me/animals", {"README.md": b"", "animals.py": b""})
    with pytest.raises(
        DataError, match=r"no Parquet files .*it has README\.md, animals\.py.*hf do"
    ):
        load("hf://me/animals")
    train, test = (content for name, content in files.items() if name.endswith(".parquet"))
    partial = {"default/partial-train/0000.parquet": train, "default/test/0000.parquet": test}
    repository.commit({"default/partial-train/0000.parquet": train}, "refs/convert/parquet")
    with pytest.raises(DataError, match="too large for the hub's conversion"):
        load("hf://me/animals")
    whole = {"default/train/0000.parquet": train, **partial}
    converted = repository.commit(whole, "refs/convert/parquet")
    data = load("hf://me/animals")
    assert data.source == f"hf://me/animals@{converted}"
    assert (len(data.train), len(data.test)) == (12, 6)
    assert load("hf://me/animals@refs/convert/parquet").fingerprint == data.fingerprint


def without_names(folder):
    """Parquet files of both parts, written in a folder, that hold no names of their classes."""
    for part in PARTS:
        images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(6)]
        write_parquet(folder / f"{part}.parquet", images, {"label": [0, 1, 2] * 2})
    return {f"{part}.parquet": (folder / f"{part}.parquet").read_bytes() for part in PARTS}


@pytest.mark.parametrize(
    ("card", "classes"),
    [
        (CARD, ("cat", "dog", "emu")),
        (CARD.replace(b"'2'", b"'7'"), ("0", "1", "2")),
        (b"---\ndataset_info: [5, {features: 7}]\n---\n", ("0", "1", "2")),
        (b"---\n: : [\n---\n", ("0", "1", "2")),
    ],
    ids=["named", "a number is missing", "nonsense", "no YAML"],
)
def test_classes_without_names_in_the_files_have_those_of_the_card(
    load, hub, tmp_path, card, classes
):
    hub.add("me/plain", {"README.md": card, **without_names(tmp_path)})
    assert load("hf://me/plain").classes == classes


@pytest.mark.parametrize("how", ["with a network", "without one", "without one or the card"])
def test_a_commit_of_the_conversion_has_the_class_names_of_the_main_branch(
    load, hub, tmp_path, monkeypatch, how
):
    repository = hub.add("me/plain", {"README.md": CARD, "plain.py": b""})
    files = {f"default/{name}": content for name, content in without_names(tmp_path).items()}
    converted = repository.commit(files, "refs/convert/parquet")
    first = load("hf://me/plain")
    assert (first.source, first.classes) == (f"hf://me/plain@{converted}", ("cat", "dog", "emu"))
    if how != "with a network":
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    elsewhere = tmp_path / "elsewhere"  # the decoded images, which know their classes, are gone
    if how == "without one or the card":
        (main,) = (tmp_path / "hf").rglob("datasets--me--plain/refs/main")
        main.unlink()
        assert load(first.source, data_dir=elsewhere).classes == ("0", "1", "2")
    else:
        assert load(first.source, data_dir=elsewhere).fingerprint == first.fingerprint


def test_files_are_named_as_on_the_hub(load, hub, tmp_path):
    for part in PARTS:
        images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(4)]
        write_parquet(
            tmp_path / f"{part}.parquet", images, {"fine": [0, 1] * 2, "sort": [1, 0] * 2}
        )
    read = {f"data/{part}.parquet": (tmp_path / f"{part}.parquet").read_bytes() for part in PARTS}
    hub.add("me/two", read)
    with pytest.raises(DataError, match=r"^hf://me/two/data/train\.parquet has several label col"):
        load("hf://me/two")
    assert not any("test" in one.path for one in hub.asked), "it is said before all is downloaded"
    assert len(load("hf://me/two", label_column="fine").train) == 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf://me", "write hf://OWNER/NAME"),
        ("hf://me/animals@", "write hf://OWNER/NAME"),
        ("hfds/me/", "write hf://OWNER/NAME"),
        ("hf://me/a..b", "names no data set of the hub: "),
        (
            "hf://me/animls",
            "knows no data set me/animls, or it is private.*hf auth login.*HF_TOKEN",
        ),
        ("hf://me/private", "knows no data set me/private, or it is private"),
        ("hf://me/gated", "is gated: ask for access at http.*/datasets/me/gated .*HF_TOKEN"),
        ("hf://me/animals@v7", "me/animals has no revision 'v7': see http.*/me/animals/commits"),
        ("https://huggingface.co/datasets/me/animals", r"give its name, hf://me/animals$"),
    ],
)
def test_what_cannot_be_had_is_one_line_with_the_way_out(load, hub, files, source, message):
    hub.add("me/animals", files)
    hub.add("me/private", files, token="hf_secret")
    hub.add("me/gated", files, gated=True)
    with pytest.raises(DataError, match=message) as caught:
        load(source)
    assert len(str(caught.value).splitlines()) == 1


def test_another_token_is_asked_for_where_one_does_not_help(load, hub, files, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    hub.add("me/gated", files, gated=True)
    with pytest.raises(DataError, match=r"is gated.*another account.*HF_TOKEN to another token"):
        load("hf://me/gated")


@pytest.mark.parametrize(
    ("status", "message"),
    [(503, "HTTP 503: try again later"), (429, "HTTP 429: try again later"), (401, "refuses")],
)
def test_a_hub_that_refuses_is_quoted(load, hub, status, message):
    hub.status = status
    with pytest.raises(DataError, match=message):
        load("hf://me/animals")


@pytest.mark.parametrize("how", ["no network", "HF_HUB_OFFLINE", "down"])
def test_what_is_in_the_cache_needs_no_network(load, hub, files, monkeypatch, how):
    hub.add("me/animals", files)
    hub.add("me/other", files)
    expected = load("hf://me/animals")
    if how == "no network":
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    elif how == "down":
        hub.status = 500
    else:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    data = load("hf://me/animals", image_size=4)
    assert data.source == expected.source
    reason = "HF_HUB_OFFLINE is set" if how == "HF_HUB_OFFLINE" else "HTTP 500|cannot be reached"
    with pytest.raises(DataError, match=rf"({reason}).*hf download me/other --repo-type dataset"):
        load("hf://me/other")


def test_a_cache_that_lacks_a_split_is_not_taken_for_the_whole(load, hub, files, monkeypatch):
    hub.add("me/animals", files)
    hub.breaks["data/test-00000-of-00001.parquet"] = [0] * 20
    with pytest.raises(DataError):
        load("hf://me/animals")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="not whole in the hub's cache"):
        load("hf://me/animals")


def test_a_disk_that_is_too_small_is_said_before_the_download(load, hub, files, monkeypatch):
    hub.add("me/animals", files)
    monkeypatch.setattr("sixteenth.data.layouts.hub._free_bytes", lambda _: 10)
    with pytest.raises(DataError, match=r"are to be downloaded.*has 0\.0 GB of free disk.*HF_HOME"):
        load("hf://me/animals")
    assert not any("storage" in one.path for one in hub.asked)


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "is full: make room"), (errno.EACCES, "cannot write to the hub's cache")],
)
def test_a_disk_that_cannot_be_written_is_named(load, hub, files, monkeypatch, number, message):
    def refuse(*_, **__):
        raise OSError(number, "the disk")

    hub.add("me/animals", files)
    monkeypatch.setattr("huggingface_hub.file_download.http_get", refuse)
    with pytest.raises(DataError, match=f"the hub's cache .*{message}|{message}.*HF_HOME"):
        load("hf://me/animals")


def test_without_the_extra_the_message_names_it(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"pip install 'sixteenth\[hub\]'"):
        load("hf://me/animals")
