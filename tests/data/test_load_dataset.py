import dataclasses
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from small_data import random_pixels

from loopback import Reply, Server
from sixteenth.errors import DataError
from sixteenth.spec.work import Work


def test_importing_the_room_costs_numpy_only():
    heavy = "torch torchvision PIL pyarrow sklearn pandas scipy huggingface_hub httpx2"
    code = f"import sys, sixteenth.data; print(*sorted(set({heavy.split()}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifr10", r"no data 'cifr10' in .*; did you mean cifar10"),
        ("zebra", r"no data 'zebra' in .*: data are cifar10, cifar100, digits, hf:.*, or the path"),
        ("", r"no images found in|no data ''"),
        ("~nobody-of-this-name/x", r"cannot read the data"),
    ],
)
def test_an_unknown_name_lists_the_nearest_or_all(load, tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        load(source)


def test_a_missing_path_names_the_nearest_that_is_there(load, tmp_path):
    (tmp_path / "flowers").mkdir()
    with pytest.raises(DataError, match=r"did you mean flowers\?"):
        load(tmp_path / "flower")


def test_a_folder_without_images_says_what_it_has_and_what_is_accepted(load, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"no images found in .*\(it has notes\.txt\): data are"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("one.parquet", "give the folder"), ("one.zip", "is an archive: unpack it")],
)
def test_a_single_file_of_another_kind_is_refused(load, tmp_path, name, message):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=message):
        load(tmp_path / name)


def test_columns_are_refused_where_there_are_none(load):
    with pytest.raises(DataError, match="--label-column are for Parquet"):
        load("digits", label_column="label")


@pytest.fixture
def no_network(monkeypatch):
    import urllib.error
    import urllib.request

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.parametrize(
    ("name", "file", "md5"),
    [
        ("cifar10", "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
        ("cifar100", "cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
    ],
)
def test_without_a_network_the_message_says_which_file_to_put_where(
    load, tmp_path, no_network, name, file, md5
):
    with pytest.raises(DataError) as caught:
        load(name)
    message = str(caught.value)
    for part in (file, md5, str(tmp_path / "cache"), "--cifar-archive FILE_OR_URL", "--data PATH"):
        assert part in message
    assert message.count(f"{file}: no network in this test") == 3, "each address has its reason"
    assert message.index("cs.toronto.edu") < message.index("bcebos.com"), "the authors' first"
    assert "\n" not in message


@pytest.fixture
def small_cifar(monkeypatch, tmp_path):
    """An archive as CIFAR-10's, with 20 + 10 images, and torchvision told its MD5 sums."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "made" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rows = random_pixels(30, 3 * 32 * 32)
    names = [str(name) for name in "abcde"]
    entries = {
        "data_batch_1": {"data": rows[:20], "labels": [i % 5 for i in range(20)]},
        "test_batch": {"data": rows[20:], "labels": [i % 5 for i in range(10)]},
        "batches.meta": {"label_names": names},
    }
    sums = {}
    for name, entry in entries.items():
        (folder / name).write_bytes(pickle.dumps(entry))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    archive = tmp_path / "made" / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    return folder, rows


def test_an_archive_in_the_data_folder_is_used_without_a_network(
    load, tmp_path, small_cifar, no_network, capsys
):
    folder, rows = small_cifar
    (tmp_path / "cache").mkdir()
    (folder.parent / "cifar-10-python.tar.gz").rename(tmp_path / "cache" / "cifar-10-python.tar.gz")
    data = load("cifar10", image_size=32)
    assert data.name == "CIFAR-10"
    assert data.classes == tuple("abcde")
    expected = rows[:20].reshape(20, 3, 32, 32).transpose(0, 2, 3, 1)
    assert np.array_equal(data.train.images, expected)
    assert load("cifar10", image_size=32).fingerprint == data.fingerprint
    assert capsys.readouterr().out == ""


@pytest.fixture
def mirrors(monkeypatch, small_cifar):
    """A web server of this machine that stands for CIFAR's two addresses; its second has it."""
    from torchvision.datasets import CIFAR10

    from sixteenth.data import download
    from sixteenth.data.layouts.named import CIFARS

    archive = small_cifar[0].parent / CIFAR10.filename
    with Server(replies={"/mirror": Reply(archive.read_bytes())}).running() as server:
        monkeypatch.setattr(download, "PAUSE", 0)
        monkeypatch.setattr(CIFAR10, "url", f"{server.url}/first")
        cifar = dataclasses.replace(CIFARS["cifar10"], mirrors=(f"{server.url}/mirror",))
        monkeypatch.setitem(CIFARS, "cifar10", cifar)
        yield server


def test_a_download_is_checked_resumed_and_kept(load, mirrors, capsys):
    told = []
    mirrors.replies["/mirror"].breaks = [1000]
    data = load("cifar10", image_size=32, progress=lambda *at: told.append(at))
    assert [one.path for one in mirrors.asked] == ["/first", "/mirror", "/mirror"]
    assert mirrors.ranges()[-1] == "bytes=1000-"
    assert told[0] == (Work.DOWNLOADING, 0, 0, "cifar-10-python.tar.gz, MB")
    assert load("cifar10", image_size=16).classes == data.classes
    assert len(mirrors.asked) == 3
    assert capsys.readouterr().out == ""


def test_a_download_with_a_wrong_checksum_is_refused(load, mirrors):
    mirrors.replies["/mirror"].body = b"something else"
    with pytest.raises(DataError, match=r"first: HTTP 404 .*; .*mirror: what it sends is another"):
        load("cifar10")


def test_a_damaged_copy_of_the_data_folder_is_mended(load, tmp_path, mirrors):
    data = load("cifar10", image_size=32)
    (tmp_path / "cache" / "cifar-10-batches-py" / "test_batch").write_bytes(b"other")
    (tmp_path / "cache" / "cifar-10-python.tar.gz").write_bytes(b"damaged too")
    assert load("cifar10", image_size=32).fingerprint == data.fingerprint


def test_an_archive_or_an_address_of_the_users_is_used_alone(load, tmp_path, small_cifar, mirrors):
    archive = tmp_path / "mine.tgz"
    (small_cifar[0].parent / "cifar-10-python.tar.gz").rename(archive)
    data = load("cifar10", image_size=32, cifar_archive=archive)
    assert (len(data.train), mirrors.asked) == (20, [])
    assert archive.exists()
    elsewhere = {"image_size": 32, "data_dir": tmp_path / "elsewhere"}
    with pytest.raises(DataError, match=r"cannot be downloaded \(http[^;]*/none: HTTP 404[^;]*\)"):
        load("cifar10", cifar_archive=f"{mirrors.url}/none", **elsewhere)
    again = load("cifar10", cifar_archive=f"{mirrors.url}/mirror", **elsewhere)
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("source", "archive", "message"),
    [
        ("cifar10", "nowhere.tar.gz", r"there is no file nowhere\.tar\.gz in "),
        ("cifar10", "other.tar.gz", r"is not cifar-10-python\.tar\.gz .*its md5 is .*, not c58f3"),
        ("cifar10", ".", "cannot copy . to .*: Is a directory"),
        ("cifar10", "ftp://example.org/a.gz", "no file ftp://example.org/a.gz, which is a URL"),
        ("digits", "other.tar.gz", "--cifar-archive is for cifar10 and cifar100, not for digits"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused(
    load, tmp_path, monkeypatch, source, archive, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.tar.gz").write_bytes(b"other")
    with pytest.raises(DataError, match=message):
        load(source, cifar_archive=archive)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("depth", ["the folder", "the folder around it"])
def test_an_unpacked_copy_anywhere_can_be_given_by_its_path(load, small_cifar, no_network, depth):
    folder, _ = small_cifar
    data = load(folder if depth == "the folder" else folder.parent, image_size=32)
    assert data.name == "CIFAR-10"
    assert len(data.test) == 10


def test_a_damaged_copy_is_refused(load, small_cifar, no_network):
    folder, _ = small_cifar
    (folder / "test_batch").write_bytes(b"other")
    with pytest.raises(DataError, match=r"incomplete or damaged: unpack cifar-10-python\.tar\.gz"):
        load(folder)


class Runs:
    """What a pickle runs when it is loaded."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def test_a_pickle_in_a_copy_is_refused_by_its_checksum_and_does_not_run(
    load, small_cifar, no_network, tmp_path
):
    folder, _ = small_cifar
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(pickle.dumps(Runs(tmp_path / "executed")))
        with pytest.raises(DataError, match="incomplete or damaged"):
            load(folder)
        (folder / name).write_bytes(whole)
    assert not (tmp_path / "executed").exists()


def hostile_archive(path):
    """An archive that would write beside its folder, by a path and by a link."""
    with tarfile.open(path, "w:gz") as tar:
        outside = tarfile.TarInfo("../../outside")
        outside.size = 4
        tar.addfile(outside, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("cifar-10-batches-py")
        link.type, link.linkname = tarfile.SYMTYPE, "../.."
        tar.addfile(link)
        through = tarfile.TarInfo("cifar-10-batches-py/through")
        through.size = 4
        tar.addfile(through, io.BytesIO(b"evil"))


filtered = pytest.mark.skipif(
    not hasattr(tarfile, "data_filter"), reason="this Python has no filter for archives"
)


@pytest.mark.parametrize("its_sum_is_right", [False, pytest.param(True, marks=filtered)])
def test_an_archive_never_writes_outside_its_folder(
    load, tmp_path, no_network, monkeypatch, its_sum_is_right
):
    from torchvision.datasets import CIFAR10

    home = tmp_path / "deep" / "cache"
    home.mkdir(parents=True)
    archive = home / "cifar-10-python.tar.gz"
    hostile_archive(archive)
    if its_sum_is_right:
        monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="cifar-10-python"):
        load("cifar10", data_dir=home)
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files - {f".{archive.name}.lock"} == {archive.name}
    assert "extraction_filter" not in vars(tarfile.TarFile)
