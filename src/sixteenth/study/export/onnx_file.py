"""A trained network as one ONNX file, with the normalisation inside.

    images          uint8 (batch, size, size, 3): RGB pixels as image libraries give them
    logits          float32 (batch, classes)
    probabilities   float32 (batch, classes)

uint8 says by itself that pixels lie in 0 to 255 and that channels come last, so that no other range
can be fed by mistake. Resizing stays outside: every runtime does it in its own way. The metadata
say how training images were resized, and name the classes.

Torch has two exporters. The older one, which records one call, is tried first: it is the faster one
by far (3 to 10 times, see docs/export.md). Where it fails, or what it wrote does not
agree with the network, torch.export is tried. Neither is believed: a file is written only if
onnxruntime loads it and gives the network's logits, for other numbers of images than those of the
recorded call, and for test images where they are at hand.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import __version__
from ...data.cache import default_data_dir, find_decoded
from ...errors import DataError, InputError, ModelError
from ...extras import import_extra
from ...messages import one_line
from ...storage.whole_files import write_whole
from . import Agreement, Exported, views_notes
from .places import refuse_existing, run_id_without_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...engine.inference import ImageClassifier
    from ...engine.trained import TrainedNetwork

    Pixels = NDArray[np.uint8]
    Logits = NDArray[np.float32]
    Run = Callable[[Pixels], Logits]

OPSETS = {False: 17, True: 18}
"""Whether torch.export is used -> the version of the operators: 18 is its lowest."""

CHECKED = 500
"""Test images that the file and the network are compared on, evenly spread over all of them."""

TOLERANCE = 1e-3
"""Largest difference of logits, relative to the largest logit, or to 1 if that is smaller: float32
sums in another order differ by about 1e-5, a layer that was exported wrongly by far more."""

MOST_BYTES = (1 << 31) - (1 << 20)
"""Of weights: a protobuf message, which an ONNX file is, holds less than 2 GiB."""


def export_onnx(network: TrainedNetwork, out: Path, data_dir: str | Path | None = None) -> Exported:
    """Write the network as an ONNX file, after comparing it with the network.

    Raises:
        InputError: `out` exists, or a package of the extra ``onnx`` is missing.
        ModelError, WeightsError: the network cannot be built, or not be written as ONNX.
        OSError: `out` cannot be written.
    """
    refuse_existing(out, folder=False)
    for module in ("onnx", "onnxruntime"):  # onnxscript takes seconds, and is seldom needed
        import_extra(module, extra="onnx", needed_by="--to onnx")
    images, notes = None, list[str]()
    try:
        images = spread(_test_images(network, data_dir))
    except InputError as error:
        notes.append(f"not checked on test images: {error}")
    content, agreement = to_onnx(
        network.classifier(), network.spec.model, describe(network), images
    )
    notes += views_notes(network.spec, "the file")
    write_whole(out, lambda file: file.write(content))
    return Exported("onnx", str(out), tuple(notes), agreement)


def describe(network: TrainedNetwork) -> dict[str, str]:
    """The metadata of the file; ONNX knows only text, so that lists are JSON."""
    spec, record = network.spec, network.record
    data = record.data.name if record.data else None
    accuracy = record.metrics.test_accuracy if record.metrics else None
    size = spec.image_size
    return {
        "classes": json.dumps(network.classes, ensure_ascii=False),
        "input": f"uint8 RGB pixels, 0 to 255, of shape (batch, {size}, {size}, 3)",
        "decode": "turned as EXIF says, transparency on white, 16 bits scaled to 8; a large JPEG "
        f"at 1/2, 1/4 or 1/8, not below {2 * size} pixels (Pillow's draft)",
        "resize": f"shorter side to {size} pixels (antialiased), then the central square",
        "interpolation": network.interpolation,
        "normalisation": json.dumps({"inside": True, "mean": network.mean, "std": network.std}),
        "model": spec.model,
        "run_id": run_id_without_path(spec),
        "data": str(data),
        "test_accuracy": str(accuracy),
        "sixteenth_version": __version__,
    }


def to_onnx(
    model: ImageClassifier, name: str, metadata: Mapping[str, str], images: Pixels | None = None
) -> tuple[bytes, Agreement | None]:
    """The bytes of an ONNX file that gives the logits of `model`, and how far on `images`.

    Args:
        name: of the model, for the errors.
        images: uint8 (n, size, size, 3), that it is compared on besides random pixels.

    Raises:
        ModelError: it is too large, or neither of torch's exporters can write it.
    """
    weights = sum(each.numel() * each.element_size() for each in model.state_dict().values())
    if weights > MOST_BYTES:
        raise ModelError(
            f"{name} has {weights / 2**30:.1f} GiB of weights, and an ONNX file holds less than 2"
        )
    reasons = []
    for exporter in (False, True):
        try:
            content = _labelled(_export(model, dynamo=exporter), metadata)
            for found in _on_noise(model, content):
                _require_agreement(found, name)
            if images is None:
                return content, None
            agreement = compare(images, reference(model), onnx_runner(content))
            _require_agreement(agreement, name)
            return content, agreement
        # Both exporters raise nearly anything on a network that they do not understand.
        except Exception as error:
            reasons.append(one_line(error)[:200])
    raise ModelError(f"{name} cannot be written as ONNX: {'; '.join(dict.fromkeys(reasons))}")


def compare(images: Pixels, reference: Run, other: Run) -> Agreement:
    """How two networks agree on uint8 images (n, height, width, 3), n at least 1."""
    a, b = reference(images), other(images)
    return Agreement(
        images=len(images),
        largest_difference=float(np.abs(a - b).max()),
        equal_predictions=float((a.argmax(1) == b.argmax(1)).mean()),
        largest_logit=float(np.abs(a).max()),
    )


def onnx_runner(content: bytes) -> Run:
    """A function from uint8 images to logits, by onnxruntime on the CPU."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> Logits:
        parts = [session.run(["logits"], {"images": part})[0] for part in _batches(images)]
        return np.concatenate(parts)

    return run


def spread(images: Pixels, most: int = CHECKED) -> Pixels:
    """At most so many of the images, from all classes where these are sorted by class."""
    chosen: Pixels = images[np.linspace(0, len(images) - 1, min(most, len(images))).astype(int)]
    return chosen


def reference(model: ImageClassifier) -> Run:
    """A function from uint8 images to logits, by torch in float32."""
    import torch

    def run(images: Pixels) -> Logits:
        with torch.inference_mode():
            parts = [model(torch.from_numpy(part)).numpy() for part in _batches(images)]
        return np.concatenate(parts)

    return run


def _batches(images: Pixels) -> list[Pixels]:
    size = max(1, min(100, 100 * 64 * 64 // (images.shape[1] * images.shape[2])))
    return [np.array(images[at : at + size]) for at in range(0, len(images), size)]


def _export(model: ImageClassifier, *, dynamo: bool) -> Any:
    """The model as an `onnx.ModelProto`."""
    import onnx
    import torch
    from torch import Tensor, nn

    class WithProbabilities(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            logits = self.model(images)
            return logits, logits.softmax(1)

    size = model.image_size
    images = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    names = {"input_names": ["images"], "output_names": ["logits", "probabilities"]}
    options: dict[str, Any] = {**names, "opset_version": OPSETS[dynamo], "dynamo": dynamo}
    with _silent():  # what was exported is compared with the network
        if dynamo:
            shapes = ({0: torch.export.Dim("batch")},)
            program = torch.onnx.export(
                WithProbabilities().eval(),
                (images,),
                dynamic_shapes=shapes,
                verbose=False,
                **options,
            )
            return program.model_proto  # type: ignore[union-attr]
        axes = {name: {0: "batch"} for name in (*names["input_names"], *names["output_names"])}
        buffer = io.BytesIO()
        torch.onnx.export(
            WithProbabilities().eval(),
            (images,),
            buffer,  # type: ignore[arg-type]  # a file object is taken as well
            dynamic_axes=axes,
            **options,
        )
        return onnx.load_from_string(buffer.getvalue())


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing that torch's exporters warn of, log or print.

    When the older one fails, it prints the whole graph to C's standard output: torch's own switch
    against that is never off, since `setup_onnx_logging` does not call what it asks (2.6 to 2.14).
    """
    import torch

    level, printing = logging.root.manager.disable, getattr(torch._C, "_jit_onnx_log", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        if printing is not None:
            torch._C._jit_onnx_log = lambda *_: None
        try:
            yield
        finally:
            logging.disable(level)
            if printing is not None:
                torch._C._jit_onnx_log = printing


def _labelled(proto: Any, metadata: Mapping[str, str]) -> bytes:
    import onnx

    proto.producer_name, proto.producer_version = "sixteenth", __version__
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString()
    return content


def _on_noise(model: ImageClassifier, content: bytes) -> list[Agreement]:
    """On images of random pixels: one, then three, where the exporter saw two."""
    size, random = model.image_size, np.random.default_rng(0)
    expected, other = reference(model), onnx_runner(content)
    return [
        compare(random.integers(0, 256, (n, size, size, 3), dtype=np.uint8), expected, other)
        for n in (1, 3)
    ]


def _require_agreement(found: Agreement, name: str) -> None:
    if not found.largest_difference <= TOLERANCE * max(1.0, found.largest_logit):  # NaN: neither
        raise ModelError(
            f"{name} was not written: as ONNX its logits differ by up to "
            f"{found.largest_difference:.2g}, where the largest is {found.largest_logit:.2g}"
        )


def _test_images(network: TrainedNetwork, data_dir: str | Path | None) -> Pixels:
    """The test images that the run was measured on, if no download and no decoding is needed.

    Raises:
        DataError: why there are none.
    """
    record, spec = network.record, network.spec
    home = Path(data_dir).expanduser() if data_dir is not None else default_data_dir()
    fingerprint = record.data.fingerprint if record.data else None
    if fingerprint is None:
        raise DataError("the run does not say which they were")
    decoded = find_decoded(home, fingerprint)
    if decoded is not None:
        return decoded.test.images
    if spec.data == "digits":  # comes with scikit-learn
        from ...data import load_dataset

        digits = load_dataset("digits", image_size=spec.image_size, data_dir=home)
        if digits.fingerprint == fingerprint:
            return digits.test.images
    raise DataError(
        f"{home} holds no decoded copy of {record.data and record.data.name}: name the folder that "
        "the study was trained with, --data-dir"
    )
