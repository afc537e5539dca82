"""The bad inputs: what is typed, what lies there, the exit code, and what the line must name."""

from __future__ import annotations

import numpy as np
from bad_case import Case
from makers import (
    Make,
    bomb_png,
    data_beside_the_study,
    drop,
    folder,
    laughs,
    npz,
    npz_that_claims_terabytes,
    parquet,
    pickled,
    pipe,
    png,
    put,
    remove,
    study,
)
from table_of_files import FOLDERS, WEIGHTS


def _line(name: str, words: str, *named: str, more: tuple[str, ...] = ()) -> Case:
    return Case(name, words, named, more=more)


def _setting(name: str, setting: str, *named: str) -> Case:
    return Case(name, "run tiny.yaml", named, more=("--set", setting))


def _study(name: str, text: str | bytes, *named: str) -> Case:
    return Case(name, "run bad.yaml", named, study(text))


def _images(name: str, make: Make, *named: str, words: str = "") -> Case:
    return Case(name, f"run tiny.yaml --data images --data-dir cache {words}", named, make)


def _npz(name: str, make: Make, *named: str) -> Case:
    return Case(name, "run tiny.yaml --data d.npz --data-dir cache", named, make)


COLUMNS = "--size-column n --error-column err"

COMMAND_LINE = [
    _line("no study", "run", "STUDY"),
    _line("unknown command", "rnu tiny.yaml", "rnu"),
    _line("unknown option", "run tiny.yaml --epochs 3", "--epochs"),
    _line("option misspelt", "run tiny.yaml --sed 1", "--seed"),
    _line("option without its value", "run tiny.yaml --seed", "--seed"),
    _line("seed that is no number", "run tiny.yaml --seed one", "--seed", "integer"),
    _line("negative seed", "run tiny.yaml --seed=-1", "seeds", "-1"),
    _line("seed beyond 63 bits", f"run tiny.yaml --seed {2**64}", "seeds"),
    _line("unknown preset", "run cifar1o", "cifar10"),
    _line("unknown preset to show", "presets show cifar", "cifar10"),
    _line("missing study file", "run nowhere.yaml", "nowhere.yaml"),
    _line("folder as a study file", "run .", "a folder and no study file", "cifar10 --data ."),
    Case(
        "folder of a study as its file",
        "plan studies/tiny",
        ("the folder of a study", "studies/tiny/study.yaml --out studies/tiny"),
        trained=True,
    ),
    _line("unknown device", "run tiny.yaml --device abacus", "abacus", "cpu"),
    _line("device without memory", "run tiny.yaml --device meta", "meta", "cpu"),
    _line("device that is not there", "run tiny.yaml --device cuda:77", "cuda:77"),
    _line("setting without a value", "run tiny.yaml --set epochs", "KEY=VALUE"),
    _line("setting without a key", "run tiny.yaml --set =3", "KEY=VALUE"),
    _setting("setting that is no YAML", "train.epochs=[1", "train.epochs", "line 1"),
    _setting("setting with a tag that builds objects", "name=!!python/name:os.system", "tag"),
    _setting("setting inside a number", "image_size.x=3", "image_size"),
    _setting("setting misspelt", "modles=[resnet18]", "models"),
    _setting("setting of train misspelt", "train.epoch=3", "epochs"),
    _setting("setting that is a word", "train.epochs=many", "train.epochs"),
    _setting("setting of a factory that its module lacks", "models=[tiny_models:smal]", "smal"),
    _line("data that are nowhere", "run tiny.yaml --data nowhere", "nowhere"),
    Case(
        "data beside the study file",
        "run mine/bad.yaml",
        ("count from the current folder", "--data 'mine/my images'"),
        data_beside_the_study,
    ),
    _line("a data set of the hub has an owner", "run tiny.yaml --data hf://pets", "OWNER/NAME"),
    _line("an archive that is of CIFAR", "run tiny.yaml --cifar-archive x.gz", "--cifar-archive"),
    _line("columns of data without columns", "run tiny.yaml --label-column y", "--label-column"),
    _line("out is a file", "run tiny.yaml --out tiny.yaml", "tiny.yaml", "--out"),
    _line("two folders", "show a --out b", "two folders"),
    _line("show without a folder", "show", "studies/demo"),
    _line("show what is nowhere", "show nowhere", "nowhere"),
    _line("show what is no study", "show .", "study.yaml"),
    _line("predict without images", "predict nowhere", "IMAGE"),
    _line("predict with what is nowhere", "predict nowhere sound.png", "nowhere"),
    _line("predict with what is no run", "predict . sound.png", "run.json"),
    _line("predict no class at all", "predict . sound.png --top 0", "--top"),
    _line("export without a target", "export . --out x", "--to"),
    _line("export to what is unknown", "export . --to onx --out x", "onx", "onnx"),
    _line("export what is no run", "export . --to onnx --out x", "run.json"),
    _line("export what is no study", "export . --to mlflow --out x", "study.yaml"),
    _line("advise what is no study", "advise .", "study.yaml"),
    _line("advise a target that is no share", "advise . --target-error five", "--target-error"),
    _line("separate a lever", "explain . --separate --only seeds", "--separate", "--only"),
    _line("separate a pair", "explain . --separate --between a b", "--separate", "--between"),
    _line("fit what is nowhere", f"fit x.csv {COLUMNS}", "x.csv"),
    _line("fit what is no table", f"fit sound.png {COLUMNS}", "sound.png"),
    Case(
        "fit words", f"fit x.csv {COLUMNS}", ("x.csv", "many"), put("x.csv", b"n,err\nmany,few\n")
    ),
    Case("fit one size", f"fit x.csv {COLUMNS}", ("sizes",), put("x.csv", b"n,err\n9,0.1\n")),
    Case(
        "fit without the column", f"fit x.csv {COLUMNS}", ("err",), put("x.csv", b"n,er\n9,0.1\n")
    ),
    _line("null byte in a path", "run tiny.yaml", "data", more=("--data", "a\0b")),
    _line("name too long for a path", f"run tiny.yaml --data {'x' * 5000}", "data"),
]

STUDY_FILES = [
    _study("empty", "", "holds no study"),
    _study("a list", "- data: digits", "holds no study"),
    _study("not UTF-8", b"data: \xff\xfe", "bad.yaml", "as UTF-8"),
    _study("not YAML", "data: [digits", "line 1"),
    _study("a tab", "data: digits\ntrain:\n\tepochs: 1", "line 3"),
    _study("runs a command", "data: !!python/object/apply:os.system ['mkdir executed']", "tag"),
    _study("a key twice", "data: digits\nseeds: [0]\nseeds: [1]", "seeds", "twice"),
    _study("an alias", "data: &d digits\nname: *d", "alias", "*d"),
    *(
        _study(f"the pattern {pattern} without quotes", f"data: x\nexclude: [{pattern}]", "quotes")
        for pattern in ("*_mask.png", "*masks", "*")
    ),
    Case("a billion laughs", "run bad.yaml", ("alias",), laughs),
    _study("nested deeply", "data: " + "[" * 5000, "nested"),
    _study("endless", "data: " + "x" * 200_000, "too many"),
    _study("a date that is none", "data: 2026-13-45", "month"),
    _study("unknown key", "data: digits\nmodles: [resnet18]", "modles", "models"),
    _study("a key of train at the top", "data: digits\nepochs: 3", "train.epochs"),
    _study("data missing", "models: [resnet18]", "data"),
    _study("data is a number", "data: 5", "data", "5"),
    _study("models is a word", "data: digits\nmodels: resnet18", "models", "[resnet18]"),
    _study("models is empty", "data: digits\nmodels: []", "models"),
    _study("unknown model", "data: digits\nmodels: [resnet81]", "resnet81", "resnet18"),
    _study("a factory that is nowhere", "data: digits\nmodels: ['no_such:net']", "no_such"),
    _study("a factory that is no name", "data: digits\nmodels: ['a b:c']", "package.module"),
    _study("a model twice", "data: digits\nmodels: [resnet18, resnet18]", "twice"),
    *(
        _study(
            f"{init} weights of {model}",
            f"data: digits\nmodels: [{model}]\ninit: ['{init}']",
            f"no ImageNet weights of {model}",
        )
        for model in ("seed-cnn", "speedrun", "speedrun-large")
        for init in ("imagenet", "imagenet:X")
    ),
    _study("unknown init", "data: digits\ninit: [imagnet]", "imagenet"),
    _study("fraction above one", "data: digits\nfractions: [3]", "3 images"),
    _study("fraction zero", "data: digits\nfractions: [0]", "fraction"),
    _study("fraction by zero", "data: digits\nfractions: ['1/0']", "1/0"),
    _study("fraction of too many digits", f"data: digits\nfractions: ['{'9' * 99}']", "fraction"),
    _study("more images than there are", "data: digits\nfractions: [9999 images]", "9999"),
    _study("fewer images than classes", "data: digits\nfractions: [5 images]", "class"),
    _study("seed is true", "data: digits\nseeds: [true]", "seeds", "True"),
    _study("seed is a word", "data: digits\nseeds: [one]", "seeds", "one"),
    _study("infinite rate", "data: digits\ntrain: {learning_rate: .inf}", "learning_rate", "inf"),
    _study("rate is no number", "data: digits\ntrain: {learning_rate: .nan}", "learning_rate"),
    _study("negative decay", "data: digits\ntrain: {weight_decay: -1}", "weight_decay", "-1"),
    _study("flip perhaps", "data: digits\ntrain: {flip: perhaps}", "train.flip:", "true or false"),
    _study("octal epochs", "data: digits\ntrain: {epochs: 010}", "line 2", "010", "8", "leading"),
    _study("image size of a clock", "data: digits\nimage_size: 1:04", "line 2", "1:04", "64"),
    _study("rate of a clock", "data: digits\ntrain: {learning_rate: 1:0.5}", "1:0.5", "60.5"),
    _setting("an octal setting", "train.epochs=010", "train.epochs=010", "8"),
    _study("no epochs", "data: digits\ntrain: {epochs: 0}", "train.epochs"),
    _study("half an epoch", "data: digits\ntrain: {epochs: 0.5}", "train.epochs", "0.5"),
    _study("batch of one", "data: digits\ntrain: {batch_size: 1}", "batch_size"),
    _study("optimiser misspelt", "data: digits\ntrain: {optimizer: adamm}", "optimizer", "adamw"),
    _study("train is a list", "data: digits\ntrain: [1]", "train", "[1]"),
    _study("images too small", "data: digits\nimage_size: 2", "image_size", "4"),
    _study("images too large", "data: digits\nimage_size: 100000", "image_size", "1024"),
    _study("crop larger than images", "data: digits\nimage_size: 8\ntrain: {crop: 9}", "crop"),
    _study("all held out", "data: digits\ntrain: {validation: 1.0}", "validation"),
    _study("name climbs out", "data: digits\nname: ../../x", "name", "../../x"),
    _study("name is absolute", "data: digits\nname: /tmp/x", "name", "/tmp/x"),
    _study("name is two dots", "data: digits\nname: '..'", "name"),
    _study("name of two lines", 'data: digits\nname: "a\\nb"', "name"),
    _study("stem of another network", "data: digits\nmodels: [vgg11]\nstem: cifar", "stem"),
    _study("half precision on a CPU", "data: digits\ntrain: {precision: float16}", "float16"),
]

DATA = [
    _images("no images", lambda: put("images/readme.txt", b"")(), "images", "readme.txt"),
    _images(
        "train without test, and none to be cut",
        folder(remove("images/test")),
        "test",
        words="--set test_fraction=0",
    ),
    _images("test without train", folder(remove("images/train")), "train"),
    _images("class only in train", folder(remove("images/test/dog")), "dog"),
    _images("class only in test", folder(remove("images/train/dog")), "dog"),
    _images("one class", folder(classes=("cat",)), "cat"),
    _images("empty class", folder(lambda: put("images/train/emu/.x", b"")()), "emu"),
    _images("an image that is none", folder(put("images/train/cat/x.png", b"no")), "cat/x.png"),
    _images("an image cut short", folder(put("images/test/dog/x.png", png()[:60])), "dog/x.png"),
    _images("an empty image", folder(put("images/test/dog/x.jpg", b"")), "dog/x.jpg"),
    _images("a bomb", folder(put("images/train/cat/x.png", bomb_png())), "x.png", "pixels"),
    _images("HEIC", folder(put("images/train/cat/x.heic", b"\0" * 50)), "x.heic", "PNG"),
    _images(
        "PostScript, which starts a program",
        folder(put("images/train/cat/x.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")),
        "x.eps",
    ),
    _images("a pipe", folder(pipe("images/train/cat/x.png")), "x.png", "not a file"),
    _images("two training folders", folder(put("images/Train/cat/x.png", png())), "Train"),
    _images(
        "nothing left of a class",
        folder(lambda: [put(f"images/train/cat/{k}.png", b"no")() for k in range(4)] and None),
        "cat",
        words="--skip-broken",
    ),
    _images(
        "Parquet: only train, and a class of one image",
        parquet(labels=[0, 0, 0, 0, 0, 1], change=drop("images/test.parquet")),
        "only 1 image",
        "testing",
    ),
    _images("Parquet: not Parquet", parquet(change=put("images/train.parquet", b"no")), "train"),
    _images("Parquet: a broken image", parquet([b"no"] + [png(seed=i) for i in range(5)]), "row 0"),
    _images("Parquet: a bomb", parquet([bomb_png()] + [png()] * 5), "row 0", "pixels"),
    _images("Parquet: no bytes", parquet([None] + [png()] * 5), "row 0", "no bytes"),
    _images("Parquet: no label", parquet(labels=[None, 1, 0, 1, 0, 1]), "label", "row 0"),
    _images("Parquet: a negative label", parquet(labels=[-1, 1, 0, 1, 0, 1]), "-1"),
    _images("Parquet: a huge label", parquet(labels=[2**40, 1, 0, 1, 0, 1]), str(2**40)),
    _images(
        "Parquet: a label beyond its names", parquet(labels=[5, 1] * 3, names=["a", "b"]), "label 5"
    ),
    _images(
        "Parquet: names in another order",
        parquet(names=["cat", "dog"], test_names=["dog", "cat"]),
        "test.parquet",
        "dog, cat",
    ),
    _images("Parquet: a class of no character", parquet(names=["a\ud800", "b"]), r"'a\ud800'"),
    _npz("npz: a class of no character", npz(classes=np.array(["a\ud800", "b"])), r"'a\ud800'"),
    _images("Parquet: an unknown column", parquet(), "'lable'", words="--label-column lable"),
    _npz("npz: no archive", put("d.npz", b"no"), "d.npz"),
    _npz("npz: an array is missing", npz(y_test=None), "y_test"),
    _npz("npz: pickled objects", npz(y_train=np.array([{}] * 8, dtype=object)), "pickled"),
    _npz("npz: a pickle", pickled("d.npz", by_torch=False), "d.npz"),
    _npz("npz: fewer labels", npz(y_train=np.zeros(3, np.int64)), "x_train", "3 labels"),
    _npz("npz: labels are floats", npz(y_train=np.zeros(8)), "y_train", "float64"),
    _npz("npz: a negative label", npz(y_train=np.arange(8) - 1), "-1"),
    _npz("npz: not images", npz(x_train=np.zeros((8, 3), np.uint8)), "x_train", "(8, 3)"),
    _npz("npz: images of NaN", npz(x_train=np.full((8, 8, 8), np.nan)), "x_train", "nan"),
    _npz("npz: values above 255", npz(x_test=np.full((4, 8, 8), 999)), "x_test", "999"),
    _npz("npz: no test images", npz(x_test=np.zeros((0, 8, 8), np.uint8), y_test=[]), "y_test"),
    _npz("npz: claims terabytes", npz_that_claims_terabytes, "d.npz"),
    _line("a file of another kind", "run tiny.yaml --data tiny.yaml", "tiny.yaml", ".npz"),
]

CASES = [*COMMAND_LINE, *STUDY_FILES, *DATA, *WEIGHTS, *FOLDERS]
