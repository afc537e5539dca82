"""Every language says everything, and names models and weights so that they can be told apart."""

from __future__ import annotations

import dataclasses

import pytest

from sixteenth.errors import InputError
from sixteenth.language import find_tag, language_for, language_tags, locale_tag
from sixteenth.language.base import Language
from sixteenth.language.en import English
from sixteenth.language.labels import (
    FigureLabels,
    PageLabels,
    ProgressLabels,
    TerminalLabels,
    WatchLabels,
)
from sixteenth.language.words import Names
from sixteenth.language.zh_hant import TraditionalChinese
from sixteenth.spec.work import Work
from sixteenth.study import Study

LANGUAGES = [type(language_for(tag=tag)) for tag in language_tags()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_that_a_report_asks_it_for(language: type[Language]) -> None:
    said = language(Names())
    for name in Language.__annotations__:
        assert getattr(said, name), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_is_left_empty(language: type[Language]) -> None:
    said = language(Names())
    groups: list[PageLabels | FigureLabels | TerminalLabels | ProgressLabels | WatchLabels]
    groups = [said.page, said.figures, said.terminal, said.progress, said.watch]
    for group in groups:
        for field in dataclasses.fields(group):
            assert getattr(group, field.name), field.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_work_has_its_own_label(language: type[Language]) -> None:
    labels = language(Names()).progress.work
    assert set(labels) == set(Work)
    assert len(set(labels.values())) == len(Work)
    assert language is English or not set(labels.values()) & set(Work)


def test_a_folder_is_a_language_whose_class_has_its_tag() -> None:
    assert language_tags() == ["en", "zh-Hant"]
    for tag in language_tags():
        assert language_for(tag=tag).tag == tag


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("en", "en"),
        ("EN-gb", "en"),
        ("en_US.UTF-8", "en"),
        ("zh-Hant", "zh-Hant"),
        ("zh-hant", "zh-Hant"),
        ("zh_TW", "zh-Hant"),
        ("zh_HK.UTF-8", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
    ],
)
def test_a_tag_or_a_locale_names_its_language(wanted: str, tag: str) -> None:
    assert find_tag(wanted) == tag


@pytest.mark.parametrize("wanted", ["de", "zh-CN", "zh-Hans", "zh", "klingon", "", "../en", "e n"])
def test_an_unknown_language_is_refused_with_those_that_there_are(wanted: str) -> None:
    with pytest.raises(InputError, match=r"there are en, zh-Hant") as refused:
        find_tag(wanted)
    assert repr(wanted) in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "tag"),
    [
        ({"LANG": "zh_TW.UTF-8"}, "zh-Hant"),
        ({"LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "fr_FR"}, "en"),
        ({"LANG": "zh_TW", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_TW", "LC_MESSAGES": "zh_TW", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR", "LANGUAGE": "fr:zh_TW:en"}, "zh-Hant"),
        ({"LANG": "C", "LANGUAGE": "zh_TW"}, "en"),
        ({"LANG": "nonsense_$%&"}, "en"),
        ({}, "en"),
    ],
)
def test_without_a_wish_the_language_is_the_locales_if_it_is_one_of_ours(
    variables: dict[str, str], tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, variables.get(name, ""))
    assert locale_tag() == tag


def test_the_study_file_chooses_before_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    assert Study({"data": "digits"}).language == "zh-Hant"
    assert Study({"data": "digits", "language": "en"}).language == "en"
    with pytest.raises(InputError, match="no language 'xx'"):
        Study({"data": "digits", "language": "xx"})


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("resnet18", "resnet18"),
        ("package.module:factory", "factory"),
        ("/home/me/<b>/net.py:make", "make"),
        ("", ""),
    ],
)
def test_models_are_shown_by_their_last_part(model: str, shown: str) -> None:
    assert English(Names.of([model, "other"], [])).model(model) == shown


def test_models_that_share_their_last_part_are_shown_whole() -> None:
    language = English(Names.of(["a.nets:small", "b.nets:small"], []))
    assert language.model("a.nets:small") == "a.nets:small"


@pytest.mark.parametrize(
    ("init", "shown"),
    [
        ("random", "random weights"),
        ("imagenet", "ImageNet weights"),
        ("imagenet:IMAGENET1K_V2", "ImageNet weights (IMAGENET1K_V2)"),
        ("weights/mine.pth", "weights from mine.pth"),
        ("weights/a\nb.pth", "weights from a b.pth"),
    ],
)
def test_initial_weights_are_named_in_words(init: str, shown: str) -> None:
    assert English(Names.of([], [init])).init(init) == shown


@pytest.mark.parametrize(
    ("init", "shown"),
    [
        ("random", "隨機初始化"),
        ("imagenet", "ImageNet 預訓練權重"),
        ("imagenet:IMAGENET1K_V2", "ImageNet IMAGENET1K_V2 預訓練權重"),
        ("weights/mine.pth", "mine.pth 的權重"),
        ("imagenet, frozen", "凍結的 ImageNet 預訓練權重"),
        ("weights/mine.pth, frozen", "凍結的 mine.pth 權重"),
    ],
)
def test_initial_weights_are_named_in_chinese(init: str, shown: str) -> None:
    assert TraditionalChinese(Names.of([], [init])).init(init) == shown
