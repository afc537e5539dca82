"""Traditional Chinese as in Taiwan: script, terms, spaces and numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sixteenth.language.zh_hant as zh_hant
from chinese import english, faults
from sixteenth.analysis.stats.intervals import Interval
from sixteenth.language import language_for
from sixteenth.language.screen import count_words
from sixteenth.language.text import fill, pieces
from sixteenth.language.zh_hant.numbers import NUMBERS, SENTENCE, tidy
from sixteenth.report.figures import text

MODULES = sorted(Path(zh_hant.__path__[0]).glob("*.py"))


def parts(module: Path) -> Iterator[str]:
    """The parts of sentences in a module, without its docstrings and the keys of its tables."""
    tree = ast.parse(module.read_text("utf-8"))
    unsaid = {
        id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys
    } | {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in unsaid:
            yield from [node.value] if isinstance(node.value, str) else []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_all_that_is_said_is_traditional_chinese_of_taiwan(module: Path) -> None:
    if module.stem == "numbers":
        return  # ranges of characters, which no reader sees
    wrong = {part: faults(part.strip()) for part in parts(module)}
    assert {part: found for part, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("数据很多", "simplified 据"),
        ("訓練數據", "term 數據"),
        ("準確率,很高", "half-width 率,"),
        ("用8張影像", "no space 用8"),
        ("準確 率", "space '確 率'"),
        ("模型 ，影像", "space ' ，'"),
        ("模型 was left out of it 了", "was left out of it"),
    ],
)
def test_what_is_wrong_is_found(said: str, fault: str) -> None:
    assert fault in faults(said)


def test_names_and_commands_are_no_english_sentence() -> None:
    assert english("執行 sixteenth explain DIR 來檢驗 resnet18（Hoiem et al. 2021）") == []


def test_parts_of_a_sentence_meet_with_a_space_only_between_han_and_latin() -> None:
    assert tidy("用 隨機初始化 的 resnet18 ，共 8 張") == "用隨機初始化的 resnet18，共 8 張"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (NUMBERS.day("2026-03-03"), "2026 年 3 月 3 日"),
        (NUMBERS.join(["3,125", "25,000", "50,000"]), "3,125、25,000 和 50,000"),
        (NUMBERS.join(["隨機", "預訓練"], "or"), "隨機或預訓練"),
        (NUMBERS.duration(200), "3 分鐘 20 秒"),
        (NUMBERS.interval(0.815, 0.83), "81.5 至 83.0%"),
        (SENTENCE.points(0.01), "1.0 個百分點"),
        (SENTENCE.signed_points(-0.041), "−4.1 個百分點"),
        (SENTENCE.interval(Interval(0.032, 0.05, 0.95)), "95% 信賴區間 3.2 至 5.0"),
        (SENTENCE.ends(0.9, "1,200", "3,400"), "90% 區間 1,200 至 3,400"),
        (SENTENCE.large(23_528_522), "2,353 萬"),
        (SENTENCE.percent(0.99999), "超過 99.99%"),
        (SENTENCE.probability(0.001, 0.98), "不到 2%"),
    ],
)
def test_numbers_are_written_as_in_taiwan(written: str, expected: str) -> None:
    assert written == expected


def test_no_line_begins_with_a_closing_mark() -> None:
    written = "「隨機初始化」的模型，準確率（測試集）是 85.2%。" * 4
    for width in range(20, 60):
        lines = fill(written, width).splitlines()
        assert "".join(lines).replace(" ", "") == written.replace(" ", "")
        assert not any(line[0] in "，。；：）」、" or line[-1] in "（「" for line in lines)
    assert pieces("（測試集），好。") == ["（測", "試", "集），", "好。"]


def test_two_han_characters_count_as_a_word() -> None:
    assert count_words("Use ImageNet weights: +15.8 points") == 5
    assert count_words("使用 ImageNet 預訓練權重") == 5


def test_figures_are_english_where_no_font_has_the_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    text.can_draw.cache_clear()
    monkeypatch.setattr(text, "fonts", lambda: (text.FONT,))
    assert text.can_draw(language_for(tag="en").sample)
    assert not text.can_draw(language_for(tag="zh-Hant").sample)
    text.can_draw.cache_clear()
