"""What data were taken for is a line that shows the first few classes and the last."""

from __future__ import annotations

import ast
from pathlib import Path

import sixteenth.data.layouts as data_layouts
from sixteenth.data.layouts.named import CIFARS
from sixteenth.language import language_for
from sixteenth.storage.run_facts import DataFacts, Understood, WeightsFacts

MANY = {f"bird {number:02}": 40 for number in range(200)} | {"bird 07": 3, "bird 10": 800}


def test_many_classes_are_shown_by_the_first_few_and_the_last() -> None:
    data = Understood(
        layout="class folders",
        classes=tuple(MANY),
        train_images=8000,
        test_images=723,
        per_class=MANY,
        left_out=tuple(f"notes{number}.txt is no image" for number in range(9)),
        notes=("masks were read",),
    )
    assert language_for(tag="zh-Hant").understood(data) == [
        "資料：每個類別一個資料夾；200 個類別（bird 00、bird 01、bird 02、bird 03、bird 04、...、"
        "bird 199）；訓練影像 8,000 張，測試影像 723 張；"
        "每個類別 3 張（bird 07）至 800 張（bird 10）影像",
        "未讀取：notes0.txt is no image；notes1.txt is no image；notes2.txt is no image；"
        "notes3.txt is no image；notes4.txt is no image；另外還有 4 項",
        "注意：masks were read",
    ]
    assert language_for().understood(data) == [
        "data: class folders; 200 classes (bird 00, bird 01, bird 02, bird 03, bird 04, ..., bird "
        "199); 8,000 training + 723 test images; 3 (bird 07) to 800 (bird 10) images a class",
        "left out: notes0.txt is no image; notes1.txt is no image; notes2.txt is no image; "
        "notes3.txt is no image; notes4.txt is no image; and 4 more",
        "note: masks were read",
    ]


def test_a_record_of_an_earlier_version_says_nothing() -> None:
    assert language_for().understood(DataFacts(classes=("a", "b"), train_images=3)) == []


def test_names_from_elsewhere_stay_in_their_line() -> None:
    data = Understood(layout="class folders", classes=("a\nb", "\x1b[31mred"), per_class={})
    assert len(language_for().understood(data)[0].splitlines()) == 1
    assert "\x1b" not in language_for().understood(data)[0]


def test_how_weights_were_read_is_said_in_chinese() -> None:
    facts = WeightsFacts(file="w.pth", key="ema", prefix="module.")
    line = language_for(tag="zh-Hant").understood_weights("resnet18", "w.pth", facts)
    assert line == "resnet18 的初始權重來自 w.pth：張量在鍵 ema 之下，移除了名稱開頭的 module."


def layouts() -> set[str]:
    """What `data/layouts` calls what it finds, from its source: a layout has no list of names."""
    found = {cifar.title for cifar in CIFARS.values()}
    for module in Path(data_layouts.__path__[0]).glob("*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="Parts"), args=[named, *_]):
                    found |= texts(named)
                case ast.keyword(arg="layout", value=named):
                    found |= texts(named)
                case ast.Assign(targets=[ast.Name(id="LAYOUT") | ast.Attribute(attr="layout")]):
                    found |= texts(node.value)
    return found


def texts(named: ast.expr) -> set[str]:
    match named:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return texts(one) | texts(other)
    return set()


def test_every_layout_has_a_name_in_chinese() -> None:
    names = {"CIFAR-10", "CIFAR-100", "digits", "npz", "Parquet"}  # of data and of files
    found = layouts()
    assert found > names | {"class folders", "saved data set"}
    chinese = language_for(tag="zh-Hant")
    said = {
        layout: chinese.understood(Understood(layout=layout, classes=("1",)))[0] for layout in found
    }
    assert {layout for layout, line in said.items() if layout in line} == names
    assert said["train and test folders"].startswith("資料：訓練與測試資料夾；")
