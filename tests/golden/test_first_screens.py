"""What the first screen says of studies whose right verdict is known, in `screens/`, to the letter.

Written anew like the other golden files: see `test_golden`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from first_screens import SCREENS
from test_golden import same_text

from sixteenth.analysis import Findings
from sixteenth.language.base import Language
from sixteenth.language.en import English
from sixteenth.language.screen import MOST_WORDS, count_words
from sixteenth.language.words import Names
from sixteenth.language.zh_hant import TraditionalChinese
from sixteenth.report.discussion import analyse_study

HERE = Path(__file__).parent / "screens"
LANGUAGES = [English, TraditionalChinese]


@pytest.fixture(scope="module", params=list(SCREENS))
def found(request: pytest.FixtureRequest) -> tuple[str, Findings]:
    study = SCREENS[request.param][1]()
    return request.param, analyse_study(
        study.measurements(), study.predictions, lever_runs=study.tested
    )


def test_the_verdict_is_right(found: tuple[str, Findings]) -> None:
    name, findings = found
    right, seen = SCREENS[name][0], findings.overview
    assert seen.verdict is right.verdict
    assert (seen.card.option.kind if seen.card else None) == right.kind
    assert tuple(type(each).__name__ for each in seen.cautions) == right.cautions


@pytest.mark.parametrize("language", LANGUAGES)
def test_beside_the_verdict_stands_no_other_recommendation(
    found: tuple[str, Findings], language: type[Language]
) -> None:
    _, findings = found
    said = language(Names.of(findings.models, findings.inits, findings.metric))
    verdict, *sentences = said.discuss(findings).answer
    assert verdict == said.screen.title(findings.overview)
    told = {said.say(each) for each in (*findings.answer, *findings.overview.cautions)}
    assert set(sentences) - {said.screen.lead(findings.overview)} == told
    assert len(set(sentences)) == len(sentences)
    assert (verdict, *sentences) == said.opening(findings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_screen_is_told_in_the_same_words(
    found: tuple[str, Findings], language: type[Language]
) -> None:
    name, findings = found
    said = language(Names.of(findings.models, findings.inits, findings.metric)).screen.screen(
        findings.overview, "CIFAR-10"
    )
    lines = [f"# {said.title}", said.lead, ""]
    for card in said.cards:
        parts = (card.gain, card.verdict, card.what, card.around, card.cost)
        lines.append(f"- {card.kind}: {' | '.join(parts)}")
    lines += ["", *(f"! {each.text} $ {each.command}" for each in said.cautions)]
    lines += [f"{fact.name}: {fact.text}" for fact in said.sure]
    lines += ["", said.summary, ""]
    for other in said.others:
        parts = (other.start, other.what, other.gain, other.verdict, other.around)
        lines.append(f"* {' | '.join(parts)}")
    same_text(HERE / language.tag / f"{name}.txt", "\n".join(lines))
    assert count_words(said.summary) <= MOST_WORDS


def test_these_studies_and_no_others_are_kept() -> None:
    assert len(SCREENS) == 16
    for language in LANGUAGES:
        assert {path.stem for path in (HERE / language.tag).iterdir()} == set(SCREENS)
