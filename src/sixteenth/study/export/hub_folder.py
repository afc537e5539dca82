"""A trained network as a folder for the Hugging Face Hub: weights, config.json and a model card.

The card is for strangers, so nothing in the folder names a path, a machine or a user. It has no
licence: that is for the user to choose. The folder is only written; `hf upload` is the user's.
"""

from __future__ import annotations

import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...engine.trained import CONFIG, RECORD, TrainedNetwork
from ...errors import SixteenthError
from ...extras import import_extra
from ...language.text import shown_init
from ...report.figures.style import png
from ...report.page.markdown import escape
from ...spec.fields import NAMED_DATA
from ...storage.run_facts import ModelFacts
from ...storage.run_folder import RunFolder
from ...storage.run_record import RunRecord
from ...storage.study_folder import StudyFolder
from . import Exported, views_notes
from .places import new_folder, run_id_without_path, study_of_run

if TYPE_CHECKING:
    from ..study import Study

FIGURE = "learning-curve.png"
"""The study's accuracies against images, beside the card."""


def export_hub_folder(network: TrainedNetwork, out: Path) -> Exported:
    """Write model.safetensors, config.json, README.md and, of a study, the figure of its curve.

    Raises:
        InputError: `out` holds something, or huggingface_hub is not installed.
        ModelError, WeightsError: the network cannot be built.
        OSError: the folder cannot be written.
    """
    hub = import_extra("huggingface_hub", extra="hub", needed_by="--to hub-folder")
    study, notes = _study(network)
    with new_folder(out) as place:
        weights = {key: value.clone() for key, value in network.build().state_dict().items()}
        RunFolder(place).write_weights(weights)
        config = json.dumps(_config(network), indent=2, ensure_ascii=False, allow_nan=False)
        (place / CONFIG).write_text(config + "\n", encoding="utf-8")
        figure = study.figures().get("accuracy") if study else None
        if figure is not None:
            (place / FIGURE).write_bytes(png(figure))
        text = _card(hub, network, study, figure is not None)
        (place / "README.md").write_text(text, encoding="utf-8")
    notes += views_notes(network.spec, "the model of load_model")
    notes.append(f"add a licence to README.md, then: hf upload OWNER/NAME {shlex.quote(str(out))}")
    return Exported("hub-folder", str(out), tuple(notes))


def _study(network: TrainedNetwork) -> tuple[Study | None, list[str]]:
    """The study that the run lies in, where one does and is readable; else why there is none."""
    from ..study import Study

    folder = study_of_run(network.folder.path)
    if network.complete or not StudyFolder(folder).spec_path.is_file():
        return None, ["the run lies in no study: the card has no learning curve"]
    try:
        study = Study.open(folder, language="en")
        if network.record.run_id in set(study.results()["run_id"]):
            return study, []
        return None, [f"the run is none of {folder}: the card has no learning curve"]
    except SixteenthError as error:
        return None, [f"the card has no learning curve: {error}"]


def _config(network: TrainedNetwork) -> dict[str, Any]:
    """config.json: what other tools look for, then the run's record for `TrainedNetwork.read`."""
    spec = network.spec
    return {
        "architectures": [spec.model],
        "num_labels": len(network.classes),
        "id2label": {str(i): name for i, name in enumerate(network.classes)},
        "label2id": {name: i for i, name in enumerate(network.classes)},
        "image_size": spec.image_size,
        "image_mean": network.mean,
        "image_std": network.std,
        RECORD: _shareable(network).to_dict(),
    }


def _shareable(network: TrainedNetwork) -> RunRecord:
    """Its record without what tells of files and machines: paths become names."""
    record = network.record
    spec, data = record.spec.to_dict(), record.data
    spec["data"] = data.name if data and spec.get("data") not in NAMED_DATA else spec.get("data")
    spec |= {"init": shown_init(record.spec.init), "train_folder": [], "test_folder": []}
    spec["exclude"] = []
    kept = {
        "format": record.format,
        "run_id": run_id_without_path(network.spec),
        "spec": spec,
        "status": record.status,
        "train_size": record.train_size,
        "seconds": record.seconds,
        "train_flops": record.train_flops,
    }
    parts: dict[str, tuple[Any, tuple[str, ...]]] = {
        "data": (
            data,
            ("name", "fingerprint", "interpolation", "classes", "train_images", "test_images"),
        ),
        "augmentation": (record.augmentation, ("crop", "flip", "cutout")),
        "model": (_without_path(record.model), ("parameters", "normalisation", "weights_sha256")),
        "environment": (
            record.environment,
            ("sixteenth", "python", "torch", "torchvision", "timm", "sklearn"),
        ),
        "execution": (record.execution, ("precision",)),
    }
    for name, (part, fields) in parts.items():
        if part is not None:
            kept[name] = {key: v for key, v in part.to_dict().items() if key in fields}
    kept["metrics"] = record.metrics and record.metrics.to_dict()
    kept["lengths"] = [each.to_dict() for each in record.lengths]
    return RunRecord.from_dict(kept)


def _without_path(model: ModelFacts | None) -> ModelFacts | None:
    """The facts with a normalisation that does not name the path of a weights file."""
    if model is None or model.normalisation is None:
        return model
    source = shown_init(model.normalisation.source or "")
    normalisation = model.normalisation.model_copy(update={"source": source})
    return model.model_copy(update={"normalisation": normalisation})


def _card(hub: Any, network: TrainedNetwork, study: Study | None, has_figure: bool) -> str:
    """README.md: huggingface_hub's card, from `card.md`."""
    record = _shareable(network)
    spec, data = record.run_spec(network.folder.path), record.data
    name = str(data and data.name)
    metrics = _metrics(network.record, study)
    results = [
        hub.EvalResult(
            task_type="image-classification",
            dataset_type=name.lower().replace(" ", "-"),
            dataset_name=name,
            dataset_split="test",
            metric_type="accuracy" if key == "test_accuracy" else key,
            metric_name=title,
            metric_value=value,
        )
        for key, title, value, _ in metrics
    ]
    card_data = hub.ModelCardData(
        library_name="sixteenth",
        pipeline_tag="image-classification",
        tags=["image-classification", "sixteenth", "pytorch"],
        model_name=record.run_id,
        eval_results=results,
    )
    card = hub.ModelCard.from_template(
        card_data,
        template_str=files(__package__).joinpath("card.md").read_text(encoding="utf-8"),
        record=record,
        spec=spec,
        data=data,
        classes=network.classes,
        metrics=metrics,
        curve=_curve(study) if study else [],
        decides=_metric(study) if study else "",
        answer=study.opening() if study else (),
        figure=FIGURE if has_figure else None,
        foreign=":" in spec.model,
        version=__version__,
        escape=escape,
    )
    return str(card)


def _metrics(
    record: RunRecord, study: Study | None
) -> list[tuple[str, str, float, tuple[float, float] | None]]:
    """Column, title, value and 95% interval of all that results.csv has an interval of; of a run
    without a study the test accuracy alone."""
    if study is None:
        accuracy = record.metrics.test_accuracy if record.metrics else None
        return [("test_accuracy", "test accuracy", accuracy, None)] if accuracy is not None else []
    results = study.results()
    (row,) = results[results["run_id"] == record.run_id].to_dict("records")
    return [
        (str(key), str(key).replace("_", " "), float(value), (low, row[f"{key}_high"]))
        for key, value in row.items()
        if isinstance(low := row.get(f"{key}_low"), float) and value == value
    ]


def _metric(study: Study) -> str:
    """What the study decides by, as a column of the card is headed."""
    from ...language import language_for

    return language_for(study.findings(), study.language).words.term.test_accuracy


def _curve(study: Study) -> list[dict[str, Any]]:
    """The cells of the study, see `analysis.cells`, with names fit for a card."""
    from ...analysis import cells

    table = cells(study.findings().grid)
    table["init"] = table["init"].map(shown_init)
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
