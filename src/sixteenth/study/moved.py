"""The images of a study that have moved since it was trained.

They may lie at another place, never be other images. `sixteenth run STUDY --data PLACE` is told of
the place by the study file; here it is told of one that lies trained in its folder.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError, MismatchError
from ..messages import looked_for
from ..spec import parse_spec
from ..spec.fields import NAMED_DATA
from ..spec.hub_address import parse_address
from ..storage.lock import FolderLock
from .listener import Listener
from .preflight import check_folder, check_images
from .study import Study


def look_in(study: Study, place: str, listener: Listener, *, way_out: str) -> Study:
    """The study with its images at another place; its folder is not touched.

    Args:
        way_out: what to do where these are other images.

    Raises:
        InputError: it is no place of images.
        MismatchError: they are not those that its runs were trained with, or not of the same kind:
            a data set with a name, and a folder.
    """
    content = study.spec.model_dump(mode="json") | {"data": place}
    there = Study(
        parse_spec(content, where=f"--data {place}"),
        study.folder,
        data_dir=study.data_dir,
        cifar_archive=study.cifar_archive,
        language=study.language,
    )
    try:
        check_folder(there.folder, there.spec)
        check_images(there.snapshot(), there.dataset(listener))
    except MismatchError as error:
        raise MismatchError(error.what, way_out) from None
    return there


def keep_place(study: Study) -> None:
    """Write where its images are now into its study.yaml, as `Study.run` does.

    Raises:
        InputError: another process is at work in the folder, or it cannot be written to.
    """
    with FolderLock(study.folder) as lock:
        study.freeze(lock)


def check_there(study: Study) -> None:
    """Say how to name another place, where that of a trained study's images is empty.

    Raises:
        DataError: nothing is there.
    """
    data = study.spec.data
    if data in NAMED_DATA or parse_address(data) or Path(data).expanduser().exists():
        return
    raise DataError(
        f"the images of this study, {data!r}, are not there{looked_for(data)}: name the place "
        "where they are now with --data"
    )
