"""`finetune: [all, last-stage, head]` from the study file to the report, and who is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import save_file

from sixteenth import InputError, Study
from sixteenth.analysis.findings.advice import Separate
from sixteenth.models import build_model
from sixteenth.study.epochs import epochs_study
from sixteenth.study.explain import control_study, find_pair
from tiny_study import Command, read_results

STUDY = """\
data: digits
image_size: 8
models: ["tiny_models:small"]
init: [w.safetensors]
finetune: [all, last-stage, head]
fractions: ["100 images"]
train: {epochs: 2, batch_size: 32}
"""
KINDS = {"w.safetensors", "w.safetensors, last stage", "w.safetensors, frozen"}


@pytest.fixture(autouse=True)
def study_file(tiny_folder: Path) -> None:
    model = build_model("tiny_models:small", 10, image_size=8, seed=3)
    save_file(model.state_dict(), "w.safetensors")
    Path("tune.yaml").write_text(STUDY, encoding="utf-8")


def test_a_study_compares_all_weights_the_last_stage_and_the_head(sixteenth: Command) -> None:
    run = ("run", "tune.yaml", "--out", "t", "--data-dir", "cache", "--threads", "1")
    said = sixteenth(*run)
    assert said.code == 0, said.err
    rows = {row["init"]: row for row in read_results(Path("t"))}
    assert rows.keys() == KINDS
    tuned, stage = rows["w.safetensors"], rows["w.safetensors, last stage"]
    assert (tuned["epochs"], tuned["steps"]) == (stage["epochs"], stage["steps"])
    assert tuned["parameters"] == stage["parameters"]
    assert float(stage["train_flops"]) < float(tuned["train_flops"])
    report = Path("t/report.md").read_text(encoding="utf-8")
    assert "weights from w.safetensors (last stage trained)" in report
    assert "\n# Training all weights does not help (" in report, "so few steps spoil the weights"
    assert sixteenth("report", "t", "--lang", "zh-Hant").code == 0
    assert "只訓練最後階段的 w.safetensors" in Path("t/report.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="in these cells some are frozen"):
        find_pair(Study.open("t"), (tuned["run_id"], stage["run_id"]))
    again = sixteenth(*run)
    assert again.code == 0, "finished runs are not trained anew"


def test_epochs_are_checked_by_a_run_of_what_the_study_trains(tiny_folder: Path) -> None:
    text = STUDY.replace("[all, last-stage, head]", "[head, last-stage]")
    Path("tune.yaml").write_text(text, encoding="utf-8")
    checked = epochs_study(Study.load("tune.yaml"))
    assert checked.spec.finetune == ["last-stage"]


def test_a_network_without_a_last_stage_is_refused_by_plan_in_one_line(
    tiny_folder: Path, sixteenth: Command
) -> None:
    Path("flat.py").write_text(
        "from torch import nn\n"
        "def net(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Linear(8, num_classes))\n",
        encoding="utf-8",
    )
    save_file(build_model("flat:net", 10, image_size=8).state_dict(), "w.safetensors")
    text = STUDY.replace("tiny_models:small", "flat:net")
    Path("tune.yaml").write_text(text, encoding="utf-8")
    said = sixteenth("plan", "tune.yaml", "--data-dir", "cache")
    assert said.code == 2
    (line,) = (each for each in said.err.splitlines() if "finetune" in each)
    assert line.startswith("sixteenth: finetune: last-stage needs")
    assert line.endswith("flat:net is neither: use finetune: all, or head")


def test_the_control_run_of_a_last_stage_begins_with_its_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = STUDY.replace("[all, last-stage, head]", "[head, last-stage]")
    Path("tune.yaml").write_text(text.replace('["100 images"]', '["1/2", 1]'), encoding="utf-8")
    study = Study.load("tune.yaml")
    run = next(run for run in study.runs() if (run.finetune, run.fraction) == ("last-stage", "1/2"))
    cell = SimpleNamespace(
        model=run.model, fraction="1/2", key=(*run.cell, 1.0), without_length=run.cell, seeds=(0,)
    )
    control = SimpleNamespace(cell=cell, steps=8)
    step = Separate(control, 100)  # type: ignore[arg-type]
    found = SimpleNamespace(advice=SimpleNamespace(steps=[step]))
    monkeypatch.setattr(study, "findings", lambda: found)
    made = control_study(study)
    assert made.spec.init == ["w.safetensors"]
    assert [each.run_id for each in made.runs()] == [run.run_id]
    assert made.runs()[0].train.schedule == run.train.schedule
