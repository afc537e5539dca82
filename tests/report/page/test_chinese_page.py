"""A page in Traditional Chinese: the parts that a template or a figure puts together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from invented import Invented, invented_study

from chinese import faults
from sixteenth.analysis import Cell, Findings, Option, OptionKind
from sixteenth.language import language_for
from sixteenth.language.base import Language
from sixteenth.report.figures.gains import _numbers
from sixteenth.report.page.rendering import render
from sixteenth.report.page.view import make_page, result_groups


@pytest.fixture(scope="module")
def plain() -> tuple[Invented, Findings]:
    """A study whose names are those of models, and what is found in it."""
    made = invented_study(models=("resnet18", "resnet50"), failed=(), missing=(), seeds=(0,))
    return made, made.findings()


def shown(template: str, plain: tuple[Invented, Findings], language: Language) -> str:
    """A report without its figures."""
    study, findings = plain
    values: dict[str, Any] = {
        "page": make_page(study.measurements(), findings, language),
        "words": language.page,
        "numbers": language.numbers,
        "lang": language.tag,
        "version": "1",
        "figures": {},
        "typed": str,
        "step_command": lambda finding: "",
        "scale": (0.0, 1.0),
    }
    values |= dict.fromkeys(("style", "script", "style_hash", "script_hash"), "")
    return render(template, values).decode()


def test_the_number_of_parameters_stands_behind_the_weights_without_a_needless_space(
    plain: tuple[Invented, Findings],
) -> None:
    page = shown("report.html.j2", plain, language_for(plain[1], "zh-Hant"))
    said = re.findall(r'<tr class="group".*?<span>(.*?)</span>', page)
    assert said[0] == "隨機初始化，1,118 萬個參數"
    assert [faults(each) for each in said] == [[]] * 4
    english, _ = result_groups(plain[1].grid, language_for(plain[1]))
    assert english[0].parameters_of == ", 11.2 M parameters"


def test_values_in_brackets_have_those_of_the_language(plain: tuple[Invented, Findings]) -> None:
    pages = [shown(f"report.{kind}.j2", plain, language_for(plain[1], "zh-Hant"))
             for kind in ("md", "html")]  # fmt: skip
    assert "| 3,125（1/16） |" in pages[0]
    assert "3,125<span>（1/16）</span>" in pages[1]
    rows = [line for page in pages for line in page.splitlines() if re.match(r"\| |<t[dh]", line)]
    assert len(rows) > 50
    assert [row for row in rows if "(" in row] == []
    weak = [line for line in pages[0].splitlines() if line.endswith("*")]
    assert any(line.endswith("*（無法判斷）*") for line in weak)
    assert not any(line.endswith(")*") for line in weak)
    english = shown("report.md.j2", plain, language_for(plain[1]))
    assert "| 3,125 (1/16) |" in english
    assert " *(cannot tell)*\n" in english


def test_fractions_that_are_counts_are_said_in_chinese_and_once(
    plain: tuple[Invented, Findings],
) -> None:
    study, _ = plain
    counts = {"1/16": "3125 images", "1/2": "2500 per class"}
    study = replace(study, results=study.results.replace({"fraction": counts}))
    found = study.findings()
    language = language_for(found, "zh-Hant")
    pages = [shown(f"report.{kind}.j2", (study, found), language) for kind in ("md", "html")]
    assert "| 3,125 |" in pages[0]
    assert "| 25,000（每類 2,500 張） |" in pages[0]
    assert "3,125</th>" in pages[1]
    assert all("3,125 張影像；每類 2,500 張 = 25,000" in each for each in pages)


def test_a_gain_in_the_figure_has_the_brackets_of_the_language() -> None:
    option = Option(OptionKind.DATA, Cell("resnet18", "random", "1", 50_000, (), 1), measured=True,
                    gain=0.031, low=0.02, high=0.043)  # fmt: skip
    assert _numbers(option, language_for(tag="en")) == "+3.1 (+2.0 to +4.3)"
    assert _numbers(option, language_for(tag="zh-Hant")) == "+3.1（+2.0 至 +4.3）"


def test_the_file_of_weights_is_named_as_everywhere_else(plain: tuple[Invented, Findings]) -> None:
    for tag, arm in (("en", "resnet18 from ImageNet weights: "),
                     ("zh-Hant", "resnet18（ImageNet 預訓練權重）：")):  # fmt: skip
        page = make_page(plain[0].measurements(), plain[1], language_for(plain[1], tag))
        (weights,) = [fact.text for fact in page.facts if "SHA-256" in fact.text]
        assert weights.startswith(f"{arm}SHA-256 abab")
