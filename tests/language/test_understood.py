"""What data were taken for is a line that shows the first few classes and the last."""

from __future__ import annotations

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
