"""Bad weights, and what is broken in the folder of a trained study."""

from __future__ import annotations

import numpy as np
import torch
from bad_case import Case
from makers import (
    Make,
    bomb_png,
    cut,
    drop,
    edited_study,
    in_run,
    moved_predictions,
    pickled,
    predictions,
    put,
    record,
    run_dir,
    weights,
)


def _weights(name: str, make: Make, *named: str, init: str = "w.safetensors") -> Case:
    more = ("--set", "models=[tiny_models:small]", "--set", f"init=[{init}]")
    return Case(name, "run tiny.yaml", named, make, more=more)


def _folder(name: str, words: str, make: Make, *named: str) -> Case:
    return Case(name, words, named, make, trained=True)


NOTHING = put("sound.txt", b"")
SHOW, REPORT = "show studies/tiny", "report studies/tiny"
UNTRUSTED = f"predict {run_dir()} sound.png"
PREDICT = f"{UNTRUSTED} --trust-code"
TRAINED = run_dir() / "model.safetensors"
EXPORT = f"export {run_dir()} --out x --to"
PREDICT_X = f"predict {run_dir()} x.png --trust-code"
PREDICT_FOLDER = f"predict {run_dir()} {run_dir()} --trust-code"

WEIGHTS = [
    _weights("missing file", lambda: None, "w.safetensors"),
    _weights("empty file", put("w.safetensors", b""), "w.safetensors"),
    _weights(
        "header beyond the file",
        put("w.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
        "w.safetensors",
    ),
    _weights("missing tensor", weights(**{"0__weight": None}), "0.weight"),
    _weights("unexpected tensor", weights(extra__weight=torch.zeros(1)), "extra.weight"),
    _weights(
        "tensor of another shape", weights(**{"0__weight": torch.zeros(8, 3, 5, 5)}), "0.weight"
    ),
    _weights("NaN", weights(**{"0__bias": torch.full((8,), torch.nan)}), "0.bias", "NaN"),
    _weights("infinity", weights(**{"0__bias": torch.full((8,), torch.inf)}), "0.bias"),
    _weights(
        "whole numbers",
        weights(**{"0__bias": torch.zeros(8, dtype=torch.int64)}),
        "0.bias",
        "int64",
    ),
    _weights(
        "classifier of other classes",
        weights(**{"8__weight": torch.zeros(5, 32), "8__bias": torch.zeros(5)}),
        "--allow-partial",
        "(5, 32)",
    ),
    _weights(
        "classifier absent", weights(**{"8__weight": None, "8__bias": None}), "--allow-partial"
    ),
    _weights("a pickle of torch's", pickled("w.pth", True), "w.pth", "refused", init="w.pth"),
    _weights("a bare pickle", pickled("w.pt", False), "w.pt", "refused", init="w.pt"),
    _weights("a pickle named safetensors", pickled("w.safetensors", True), "w.safetensors"),
    _weights("weights of another kind", put("w.bin", b"x"), "w.bin", ".safetensors", init="w.bin"),
]

FOLDERS = [
    _folder("another spec", "run tiny.yaml --set train.epochs=9", lambda: None, "3 there, 9"),
    _folder("another image size", "run tiny.yaml --set image_size=9", lambda: None, "--fresh"),
    _folder(
        "other data",
        "run tiny.yaml",
        record(data__fingerprint="0" * 64),
        "fingerprint",
        "--fresh",
    ),
    _folder(
        "another version of torch",
        "run tiny.yaml --set seeds=[0,1]",
        record(environment__torch="1.0.0"),
        "torch: 1.0.0 there",
        "--fresh",
    ),
    _folder(
        "another version of sixteenth",
        "plan tiny.yaml --set seeds=[0,1]",
        record(environment__sixteenth="0.0.1"),
        "sixteenth: 0.0.1 there",
    ),
    _folder("another run's record", SHOW, record(run_id="x"), "run.json", "'x'"),
    _folder("record is no JSON", SHOW, in_run("run.json", b"{"), "run.json"),
    _folder("record is a list", SHOW, in_run("run.json", b"[1]"), "run.json"),
    _folder("record is deep", SHOW, in_run("run.json", b"[" * 100_000), "run.json"),
    _folder("record is not UTF-8", REPORT, in_run("run.json", b"\xff\xfe{}"), "run.json"),
    _folder("record of tomorrow", SHOW, record(format=99), "later version"),
    _folder("unknown status", SHOW, record(status="done"), "status"),
    _folder("accuracy of seven", SHOW, record(metrics__test_accuracy=7), "test_accuracy"),
    _folder("accuracy is a word", REPORT, record(metrics__test_accuracy="0.9"), "test_accuracy"),
    _folder("accuracy is NaN", SHOW, record(metrics__test_accuracy=float("nan")), "NaN"),
    _folder("finished without metrics", REPORT, record(metrics=None), "metrics"),
    _folder("no model in its spec", SHOW, record(spec={}), "spec.model"),
    _folder("fraction that is none", SHOW, record(spec__fraction="5/0"), "fraction"),
    _folder("metrics is a list", SHOW, record(metrics=[1]), "metrics"),
    _folder("classes is a number", REPORT, record(data__classes=3), "classes"),
    _folder("parameters is a word", SHOW, record(model__parameters="many"), "parameters"),
    _folder("export untrusted code", f"{EXPORT} onnx", NOTHING, "--trust-code"),
    _folder("export a study as a run", "export studies/tiny --to onnx --out x", NOTHING, "runs/"),
    _folder("export a run as a study", f"{EXPORT} mlflow", NOTHING, "studies/tiny"),
    _folder("export onto a file", f"{EXPORT} onnx --trust-code --out q.onnx", put("q.onnx", b"")),
    _folder("export what is not finished", f"{EXPORT} onnx", record(status="failed"), "failed"),
    _folder("export without weights", f"{EXPORT} onnx", drop(TRAINED), "removed"),
    _folder("a better accuracy", REPORT, record(metrics__test_accuracy=0.99), "predictions.npz"),
    _folder("another run's predictions", REPORT, moved_predictions, "predictions.npz"),
    _folder("predictions cut short", REPORT, cut("predictions.npz"), "predictions.npz"),
    _folder("predictions empty", REPORT, in_run("predictions.npz", b""), "predictions.npz"),
    _folder("predictions pickled", REPORT, predictions([{}], [[1.0]]), "predictions.npz"),
    _folder("predictions of no class", REPORT, predictions([7], [[1.0]]), "predictions.npz"),
    _folder("predictions of NaN", REPORT, predictions([0], [[np.nan]]), "predictions.npz"),
    _folder("predictions fewer than labels", REPORT, predictions([0, 0], [[1.0]]), "2 labels"),
    _folder("history is no table", REPORT, in_run("history.csv", b"\0\xff"), "history.csv"),
    _folder("history of words", REPORT, in_run("history.csv", b"epoch\nx"), "history.csv"),
    _folder("history of other columns", REPORT, in_run("history.csv", b"a,b\n1,2"), "epoch"),
    _folder("study.yaml empty", SHOW, put("studies/tiny/study.yaml", b""), "FILE --out"),
    _folder("study.yaml changed", REPORT, edited_study("epochs: 3", "epochs: 9"), "train.epochs"),
    _folder("study.yaml damaged", SHOW, edited_study("data:", "dta:"), "study.yaml"),
    _folder("predict: weights gone", PREDICT, drop(run_dir() / "model.safetensors"), "model"),
    _folder("predict: weights cut short", PREDICT, cut("model.safetensors"), "model.safetensors"),
    _folder("predict: other weights", PREDICT, in_run("model.safetensors", b"x" * 99), "model"),
    _folder("predict: not trusted", UNTRUSTED, lambda: None, "--trust-code"),
    _folder("predict: classes missing", PREDICT, record(data__classes=[]), "classes"),
    _folder("predict: other classes", PREDICT, record(data__classes=["a", "b"]), "shape"),
    _folder("predict: no deviation", PREDICT, record(model__normalisation=None), "run.json"),
    _folder("predict: precision of nowhere", PREDICT, record(execution__precision="int3"), "int3"),
    _folder("predict: not finished", PREDICT, record(status="running"), "running"),
    _folder("predict: a bomb", PREDICT_X, put("x.png", bomb_png()), "x.png", "pixels"),
    _folder("predict: no image", PREDICT_X, put("x.png", b"x"), "x.png"),
    _folder("predict: no images", PREDICT_FOLDER, lambda: None, "no images in studies"),
]  # fmt: skip
