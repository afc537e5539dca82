"""What hypothesis makes up around the table: no traceback, and no wrong result that looks right."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from makers import png, record, run_dir
from PIL import Image

from sixteenth import SixteenthError, SpecError, Study, load_spec
from sixteenth.data.decode import decode_images
from sixteenth.spec import StudySpec, TrainSpec, dump_spec
from sixteenth.spec.yaml import StrictYamlError, read_yaml
from sixteenth.storage.run_folder import RunFolder
from tiny_study import TrainedStudy

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["digits", "resnet18", "random", "1/16", "auto", "..", "a/b", "1e400", "0x"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
keys = st.sampled_from([*StudySpec.model_fields, *TrainSpec.model_fields]) | st.text(max_size=8)


def one_line(error: Exception) -> None:
    assert str(error).strip()
    assert "\n" not in str(error)
    assert len(str(error)) < 3000


@contextlib.contextmanager
def told_in_one_line() -> Iterator[None]:
    """All may be well, or refused; every other error is a traceback to the user."""
    try:
        yield
    except SixteenthError as error:
        one_line(error)


@few
@given(text=st.text(max_size=60) | st.text("[]{}:,-&*!|>'\"#%@? \n\tabc01", max_size=60))
def test_any_text_is_read_as_yaml_or_refused_in_one_line(text: str) -> None:
    try:
        read_yaml(text)
    except StrictYamlError as error:
        one_line(error)


@few
@given(content=st.dictionaries(keys, values, max_size=4), train=st.dictionaries(keys, values))
def test_a_study_of_any_content_is_refused_in_one_line_or_means_what_it_says(
    content: dict[str, object], train: dict[str, object], tmp_path: Path
) -> None:
    if train:
        content["train"] = train
    path = tmp_path / "made-up.yaml"
    path.write_bytes(yaml.safe_dump({"data": "digits", **content}).encode("utf-8", "replace"))
    try:
        spec = load_spec(path)
    except SpecError as error:
        one_line(error)
        return
    assert spec == StudySpec.model_validate(yaml.safe_load(dump_spec(spec)))
    written = {key for key, value in content.items() if key != "train"}
    assert written <= set(StudySpec.model_fields), "a key that nothing reads is an error"
    ids = [run.run_id for run in spec.runs()]
    assert len(ids) == len(set(ids)), "no two runs share a folder"
    assert all(Path(part).name == part and part not in (".", "..") for part in [spec.name, *ids])
    assert all(np.isfinite(value) for value in (spec.train.peak_learning_rate, spec.train.warmup))


@few
@given(setting=st.text(max_size=30) | st.builds("{}={}".format, keys, st.text(max_size=12)))
def test_any_setting_is_refused_in_one_line_or_taken(setting: str) -> None:
    try:
        spec = load_spec("demo", [setting])
    except SpecError as error:
        one_line(error)
    else:
        assert isinstance(spec, StudySpec)


@st.composite
def damaged_images(draw: st.DrawFn) -> bytes:
    """A sound image of some format, cut, with bytes changed, or none at all."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    kind = draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]))
    mode = draw(st.sampled_from(["RGB", "L", "1"] + (["RGBA", "P"] if kind == "PNG" else [])))
    stream = io.BytesIO()
    Image.open(io.BytesIO(png(size=9))).convert(mode).save(stream, kind)
    data = bytearray(stream.getvalue())
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@few
@given(images=st.lists(damaged_images(), min_size=1, max_size=4))
def test_any_bytes_are_decoded_or_named_and_never_reach_their_neighbours(
    images: list[bytes],
) -> None:
    sound = [("sound", png(seed=3))]
    named = [*sound, *((str(i), data) for i, data in enumerate(images)), *sound]
    pixels, broken = decode_images(named, len(named), 8, what="decoding")
    assert np.array_equal(pixels[0], pixels[-1])
    assert pixels[0].any()
    assert "sound" not in {one.name for one in broken}
    for one in broken:
        assert named[one.position][0] == one.name
        assert not pixels[one.position].any()
        assert one.reason
        assert "\n" not in one.reason


@pytest.fixture
def copied(place: Path, with_runs, trained_once: TrainedStudy) -> Path:  # type: ignore[no-untyped-def]
    with_runs()
    return Path("studies/tiny")


@pytest.fixture
def numbers(copied: Path) -> pd.DataFrame:
    """The results of the sound study."""
    return Study.open(copied).results().set_index("run_id")


PATHS = """
run_id status spec spec__model spec__fraction spec__seed spec__train metrics metrics__test_accuracy
metrics__epoch metrics__steps data data__classes data__test_images model model__final_map
model__parameters error seconds train_flops train_size environment execution format finished
data_checks data_checks__leaked_test_images
"""


@few
@given(path=st.sampled_from(PATHS.split()), value=values)
def test_a_record_with_anything_in_it_is_refused_or_shows_the_same_numbers(
    path: str, value: object, copied: Path, numbers: pd.DataFrame
) -> None:
    kept = (run_dir() / "run.json").read_text(encoding="utf-8")
    try:
        record(**{path: value})()
        with told_in_one_line():
            study = Study.open(copied)
            after = study.results().set_index("run_id")
            assert study.discussion().answer
            if path not in ("status", "metrics", "metrics__test_accuracy"):
                assert after["test_accuracy"].equals(numbers["test_accuracy"])
    finally:
        (run_dir() / "run.json").write_text(kept, encoding="utf-8")


@few
@given(data=st.data())
@pytest.mark.parametrize("name", ["run.json", "history.csv", "predictions.npz"])
def test_a_file_of_a_run_with_any_byte_changed_is_refused_or_read(
    name: str, data: st.DataObject, copied: Path
) -> None:
    file = run_dir() / name
    kept = file.read_bytes()
    changed = bytearray(kept)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(kept) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(changed[: data.draw(st.integers(0, len(kept)))]))
    folder = RunFolder(run_dir())
    try:
        with told_in_one_line():
            folder.read_record()
            folder.read_history()
            folder.read_predictions()
            Study.open(copied).results()
    finally:
        file.write_bytes(kept)
    assert json.loads((run_dir() / "run.json").read_text(encoding="utf-8"))
