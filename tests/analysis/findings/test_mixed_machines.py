"""A difference between trainings on machines of several kinds carries a mark, and no other does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulated_study import Study
from sixteenth.analysis import Findings, analyse
from sixteenth.language import language_for

Make = Callable[..., Study]
GAINS = {
    ("resnet18", "random"): (0.50, 0.60, 0.68),
    ("resnet50", "random"): (0.55, 0.66, 0.75),
}


def trained_on(make: Make, machine: Callable[[str], str]) -> Findings:
    """The findings of a study whose runs, by their id, were trained on these kinds of machine."""
    study = make(GAINS, test_size=500)
    study.results["machine"] = [machine(run_id) for run_id in study.results["run_id"]]
    return analyse(study.results, study.histories, predictions=study.predictions)


def marked(findings: Findings) -> dict[str, bool]:
    return {option.kind.value: option.across_machines for option in findings.options}


@pytest.mark.parametrize("machine", ["", "A processor, AVX2, float32"])
def test_nothing_is_marked_where_all_machines_are_of_one_kind(study: Make, machine: str) -> None:
    found = trained_on(study, lambda _: machine)
    assert not any(marked(found).values())
    assert not any(each.compares_machines for part in found.sections for each in part.findings)
    assert "machines of several kinds" not in str(language_for(found).discuss(found).answer)


def test_a_run_of_an_unknown_machine_is_no_other_kind(study: Make) -> None:
    found = trained_on(study, lambda run_id: "" if "resnet18" in run_id else "A GPU, bfloat16")
    assert not any(each.compares_machines for part in found.sections for each in part.findings)


def test_the_bigger_model_on_another_machine_is_marked_in_json_cards_and_tables(
    study: Make,
) -> None:
    found = trained_on(study, lambda run_id: "a GPU" if "resnet50" in run_id else "a processor")
    assert [each.to_dict()["kind"] for each in found.overview.cautions].count("MixedMachines") == 1
    card = next(card for card in found.overview.cards if card.in_hand)
    assert card.to_dict()["option"]["across_machines"] is True  # type: ignore[index]
    # Each model's own curve was trained on one machine.
    assert marked(found)["data"] is False
    for tag, mark in (("en", "across kinds of machine"), ("zh-Hant", "跨不同種類的機器")):
        language = language_for(found, tag)
        said = {each.card.option.kind.value: each.around for each in _cards(language, found)}
        assert mark in said["model"]
        assert mark not in said["data"]
        tables = [t for section in language.discuss(found).sections for t in section.tables]
        sizes = next(t for t in tables if type(t.rows[0][1]).__name__ == "SizeVerdict")
        assert all(mark in " ".join(cells) for cells, _ in sizes.rows)
        curves = next(t for t in tables if type(t.rows[0][1]).__name__ == "AccuracyCurve")
        assert not any(mark in " ".join(cells) for cells, _ in curves.rows)


def test_one_size_on_another_machine_marks_the_forecast_that_rests_on_it(study: Make) -> None:
    found = trained_on(study, lambda run_id: "a GPU" if "1of16" in run_id else "a processor")
    assert marked(found)["data"] is True
    assert marked(found).get("model", False) is False


def _cards(language, found):  # type: ignore[no-untyped-def]
    return language.screen.screen(found.overview, "").cards
