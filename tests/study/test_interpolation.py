"""By which interpolation images are resized: as for the weights of the study, where they agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sixteenth import predict
from sixteenth.data import ImageDataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.records import new_record
from sixteenth.engine.trained import TrainedNetwork
from sixteenth.errors import ModelError
from sixteenth.models import choose_interpolation
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study import Study
from sixteenth.study.executors.node import Origin
from sixteenth.study.export.onnx_file import describe
from tiny_study import TrainedStudy

BICUBIC = "efficientnet_b0"  # torchvision's IMAGENET1K_V1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of two classes, twice as large as the study's, and masks among them."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "masks"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path


def study_of(folder: Path, **more: object) -> Study:
    content = {
        "data": str(folder / "images"),
        "exclude": ["masks"],
        "image_size": 8,
        "models": [BICUBIC],
        "init": ["random", "imagenet"],
        "fractions": ["1"],
    }
    return Study(content | more, folder / "study", data_dir=folder / "cache")


def is_bicubic(data: ImageDataset, folder: Path) -> bool:
    files = sorted((folder / "images").glob("[cd]*/*.png"))
    resized = [Image.open(file).resize((8, 8), Image.Resampling.BICUBIC) for file in files]
    known = {np.asarray(image).tobytes() for image in resized}
    return all(image.tobytes() in known for image in data.train.images)


def test_images_are_resized_as_for_the_weights_of_the_study(folder: Path) -> None:
    data = study_of(folder).dataset()
    assert data.interpolation == "bicubic"
    assert is_bicubic(data, folder)
    assert not data.understood.notes[1:]
    plain = study_of(folder, init=["random"]).dataset()
    assert plain.interpolation == "bilinear"
    assert plain.fingerprint != data.fingerprint
    assert study_of(folder, interpolation="bilinear").dataset().fingerprint == plain.fingerprint


def test_where_weights_disagree_images_are_bilinear_and_a_note_names_the_others(
    folder: Path,
) -> None:
    data = study_of(folder, models=["resnet18", BICUBIC]).dataset()
    assert data.interpolation == "bilinear"
    assert data.understood.notes[-1] == (
        "images of other sizes are resized by bilinear interpolation for all models; trained with "
        f"bicubic: {BICUBIC} from imagenet (interpolation: bicubic chooses that)"
    )
    asked = study_of(folder, models=["resnet18", BICUBIC], interpolation="bicubic").dataset()
    assert is_bicubic(asked, folder)
    assert len(asked.understood.notes) == len(data.understood.notes) - 1


def test_weights_of_which_nothing_is_known_have_no_say() -> None:
    inits = ["random", "imagenet", "own.pth"]
    assert choose_interpolation([BICUBIC], inits) == ("bicubic", "")
    assert choose_interpolation(["nowhere:net"], inits) == ("bilinear", "")
    with pytest.raises(ModelError, match="did you mean resnet18"):
        choose_interpolation(["resnte18"], inits)


def test_a_study_goes_on_with_the_interpolation_that_it_began_with(folder: Path) -> None:
    before = study_of(folder, interpolation="bilinear")
    run, cpu = before.runs()[0], Execution("cpu", "float32", "channels-last", 1)
    record = new_record(run, before.dataset(), cpu, None)
    content = record.to_dict()
    del content["data"]["interpolation"]  # as of a run that is older than this key
    place = before.folder / "runs" / run.run_id
    place.mkdir(parents=True)
    (place / "run.json").write_text(json.dumps(content))
    data = study_of(folder).dataset()
    assert data.fingerprint == before.dataset().fingerprint
    assert f"trained with bicubic: {BICUBIC} from imagenet" in data.understood.notes[-1]


def test_another_machine_reads_the_same_images(folder: Path) -> None:
    study = study_of(folder)
    origin = Origin.of(study.dataset(), study.folder, folder / "there")
    assert origin.dataset(study.runs()[0]).fingerprint == study.dataset().fingerprint


def test_a_prediction_resizes_images_as_for_the_training(
    trained: TrainedStudy, tmp_path: Path
) -> None:
    source = next(Path(trained.home, "studies").glob("*/runs/*random*"))
    run = RunFolder(shutil.copytree(source, tmp_path / "run"))
    record = json.loads(run.record_path.read_text())
    record["data"]["interpolation"] = "bicubic"
    run.record_path.write_text(json.dumps(record))
    size = record["spec"]["image_size"]
    pixels = np.random.default_rng(0).integers(0, 256, (3 * size, 3 * size, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "large.png")
    image.resize((size, size), Image.Resampling.BICUBIC).save(tmp_path / "small.png")
    both = [tmp_path / "large.png", tmp_path / "small.png"]
    large, small = predict(run.path, both, trust_code=True)
    bilinear, _ = predict(source, both, trust_code=True)
    assert large.ranked == small.ranked
    assert large.ranked != bilinear.ranked
    read = TrainedNetwork.read(run.path, trust_code=True)
    assert describe(read)["interpolation"] == "bicubic"
