"""The language of what commands answer: --lang, else the study file's, the locale's, English."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from chinese import faults
from sixteenth.cli.commands import _left_out
from sixteenth.cli.explain import _heading
from sixteenth.errors import MismatchError
from sixteenth.language import language_for
from sixteenth.spec import load_spec
from sixteenth.study.preflight import check_folder
from tiny_study import Command

BEGUN = "還沒有任何一次訓練完成"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study of which nothing was trained, beside a table for `fit`."""
    monkeypatch.chdir(tmp_path)
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C")
    folder = tmp_path / "begun"
    folder.mkdir()
    (folder / "study.yaml").write_text("data: digits\nmodels: [resnet18]\n", "utf-8")
    Path("table.csv").write_text(
        "train_size,test_accuracy\n500,0.6\n1000,0.7\n2000,0.78\n4000,0.83\n", "utf-8"
    )
    return folder


def test_what_is_asked_for_goes_before_study_file_and_locale(
    study: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No run of this study has finished" in sixteenth("advise", "begun").out
    assert BEGUN in sixteenth("advise", "begun", "--lang", "zh-Hant").out
    monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
    assert BEGUN in sixteenth("advise", "begun").out
    with (study / "study.yaml").open("a") as file:
        file.write("language: en\n")
    assert "No run of this study has finished" in sixteenth("advise", "begun").out
    assert BEGUN in sixteenth("advise", "begun", "--lang", "zh-hant").out


def test_tables_are_in_that_language(study: Path, sixteenth: Command) -> None:
    said = sixteenth("show", "begun", "--lang", "zh-Hant").out
    assert "模型" in said
    assert "未執行" in said


def test_a_report_says_its_language(study: Path, sixteenth: Command) -> None:
    assert sixteenth("report", "begun", "--lang", "zh-Hant").code == 0
    page = (study / "report.html").read_text("utf-8")
    assert '<html lang="zh-Hant">' in page
    assert "<h1>還沒有任何訓練完成</h1>" in page


def test_fitted_curves_are_told_in_that_language(study: Path, sixteenth: Command) -> None:
    ended = sixteenth("fit", "table.csv", "--lang", "zh-Hant", "--target-error", "0.1")
    assert "重新訓練的 90% 區間" in ended.out
    assert "圖：table.svg" in ended.out
    assert "訓練影像張數（對數尺度）" in Path("table.svg").read_text("utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "demo"),
        ("demo",),
        ("report", "begun"),
        ("show", "begun"),
        ("advise", "begun"),
        ("fit", "table.csv"),
    ],
)
def test_an_unknown_language_is_refused_before_anything_is_done(
    words: tuple[str, ...], study: Path, sixteenth: Command
) -> None:
    ended = sixteenth(*words, "--lang", "klingon")
    assert ended.code == 2
    assert ended.err == "sixteenth: no language 'klingon': there are en, zh-Hant\n"
    assert sorted(Path().iterdir()) == [Path("begun"), Path("table.csv")]


def test_the_study_file_names_a_language_that_there_is(study: Path, sixteenth: Command) -> None:
    ended = sixteenth("run", "demo", "--set", "language=klingon")
    assert ended.code == 2
    assert ended.err.startswith("sixteenth: --set language: no language 'klingon': there are")
    Path("french.yaml").write_text("data: digits\nlanguage: fr\n", encoding="utf-8")
    ended = sixteenth("plan", "french.yaml")
    assert (ended.code, ended.err) == (
        2,
        "sixteenth: french.yaml: no language 'fr': there are en, zh-Hant\n",
    )


def test_the_language_of_a_study_changes_none_of_its_runs() -> None:
    plain, chinese = (load_spec("demo", settings) for settings in ((), ("language=zh-Hant",)))
    assert plain.runs() == chinese.runs()


def test_a_study_goes_on_in_another_language(study: Path) -> None:
    begun = study / "study.yaml"
    check_folder(study, load_spec(begun, ["language=zh-Hant"]))
    with pytest.raises(MismatchError):
        check_folder(study, load_spec(begun, ["image_size=16"]))


def test_what_a_budget_left_out_is_told_in_that_language() -> None:
    english, chinese = (language_for(tag=tag) for tag in ("en", "zh-Hant"))
    assert _left_out(2, 0, english) == (
        "Left out by the budget, not failed: 2 runs. The same command goes on."
    )
    said = _left_out(2, 1, chinese)
    assert said == (
        "因時間預算而略過（不是失敗）：2 次訓練。其中 1 次只訓練了部分步數。"
        "再次執行相同的指令就會繼續。"
    )
    assert not faults(said)


def test_which_lever_is_trained_next_is_told_in_that_language() -> None:
    costs, lever = pd.DataFrame({"seconds": [300.0, 451.0]}), "learning-rate-half"
    english, chinese = (
        [_heading(costs, number, lever, language_for(tag=tag)) for number in (0, 2)]
        for tag in ("en", "zh-Hant")
    )
    assert english == [
        "learning-rate-half (1 of 2, 12:31 left as planned)",
        "learning-rate-half (one more seed, as a verdict is open)",
    ]
    assert chinese == [
        "learning-rate-half（第 1 項，共 2 項；依計畫還剩 12:31）",
        "learning-rate-half（因為結論未定，再訓練一個種子）",
    ]
