"""The written report: what stands in it, and that nothing a user wrote can act in it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from invented import HOSTILE, HOSTILE_CLASS, Invented, invented_study
from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from sixteenth.errors import SixteenthError
from sixteenth.language import language_for
from sixteenth.language.base import Language
from sixteenth.report.page import build
from sixteenth.report.page.view import fit_rows, make_page
from sixteenth.report.parts import FIGURES, TALK
from sixteenth.report.provenance import augmented
from sixteenth.storage.run_record import RunRecord

DRAWN = [name for name in FIGURES if name != "classes"]
"""Of the invented study: it has no predictions, so no recalls."""
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Reader(HTMLParser):
    """Elements, their attributes, their text, and whether all tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.styles = ""
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles += data
        elif self.open and self.open[-1] == "script":
            self.scripts.append(data)
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(report: Path) -> Reader:
    return Reader((report / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def markdown(report: Path) -> str:
    return (report / "report.md").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_says_its_language(html: Reader) -> None:
    assert html.open == []
    assert html.all("html")[0]["lang"] == "en"
    assert len(html.all("h1")) == 1


def test_no_other_script_can_run_and_no_request_can_leave(html: Reader) -> None:
    assert not [tag for tag, _ in html.elements if tag in ("iframe", "object", "link", "img")]
    assert html.all("script") == [{}]
    for tag, attributes in html.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "srcset", "href", "action", "data"):
            assert attributes.get(name, "#").startswith("#")
    assert "url(" not in html.styles
    assert "@import" not in html.styles


def test_the_content_security_policy_allows_the_one_style_and_the_one_script_only(
    html: Reader,
) -> None:
    policy = next(m["content"] for m in html.all("meta") if m.get("http-equiv"))
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (html.styles, *html.scripts)
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not [1 for _, attributes in html.elements if "style" in attributes]


def test_what_a_user_named_is_shown_as_they_wrote_it(html: Reader) -> None:
    assert HOSTILE_CLASS in html.text
    assert "Demo <b>study</b> | one" in html.text
    assert HOSTILE in html.text  # in the study file, whole
    assert "the loss became NaN at step 40 <b>|" in html.text


def test_the_verdict_comes_first_then_discussion_results_curves_and_making(html: Reader) -> None:
    title = html.text.split(" · Demo")[0].strip()
    headings = [title, "Discussion", "Results", "Training curves", "How this was made"]
    places = [html.text.index(f"\n{heading}\n") for heading in headings]
    assert places == sorted(places)


def test_every_figure_is_embedded_with_a_text_for_those_who_cannot_see_it(html: Reader) -> None:
    figures = [svg for svg in html.all("svg") if "role" in svg]
    assert [svg["role"] for svg in figures] == ["group"] * 2 + ["img"] * 4  # wide and narrow
    assert all(len(svg["aria-label"]) > 40 for svg in figures)
    assert len(html.all("figcaption")) == 2
    names = [attributes["id"] for _, attributes in html.elements if "id" in attributes]
    assert len(names) == len(set(names))


def test_every_colour_of_a_figure_is_another_in_the_dark(report: Path) -> None:
    style, _, page = (report / "report.html").read_text(encoding="utf-8").partition("</style>")
    colour = r'(?:fill|stroke)="(#\w+)"'
    drawn, changed = set(re.findall(colour, page)), set(re.findall(rf"\[{colour}\]", style))
    # Matplotlib's own, the fill of marks that are lines.
    assert len(drawn) > 5
    assert drawn - changed <= {"#1f77b4"}


def test_the_page_of_36_runs_is_small(report: Path) -> None:
    assert (report / "report.html").stat().st_size < 1_000_000


def test_every_claim_points_at_a_row_that_is_there(html: Reader) -> None:
    links = [a["href"] for a in html.all("a")]
    names = {f"#{attributes['id']}" for _, attributes in html.elements if "id" in attributes}
    assert len(links) > 10
    assert set(links) <= names


def test_every_table_header_says_what_it_is_the_header_of(html: Reader) -> None:
    assert html.all("th")
    assert all(header.get("scope") in ("col", "row", "rowgroup") for header in html.all("th"))


def test_failed_and_missing_runs_stand_in_the_table_with_their_reason(html: Reader) -> None:
    assert "failed: DivergedError: the loss became NaN at step 40" in html.text
    assert "not run yet" in html.text


def test_the_making_is_told(html: Reader) -> None:
    for expected in (
        "9f2c" * 16,
        "torch 2.9.0",
        "bfloat16",
        "that of the last epoch",
        "sixteenth run study.yaml",
        "10,000 test images, 2,000 or more",
        "label_smoothing: 0.1",
    ):
        assert expected in html.text


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "as optimised"])
def test_the_caption_says_whether_label_smoothing_is_in_the_training_loss(
    plain: bool, study: Invented, tmp_path: Path, blank_figures: None
) -> None:
    if plain:
        study = replace(study, runs=[run | {"train_loss": "cross-entropy"} for run in study.runs])
    study.report(tmp_path)
    said = "which raises it against the test loss" in (tmp_path / "report.md").read_text("utf-8")
    assert said is not plain


def test_what_a_killed_report_left_is_gone_after_the_next(
    study: Invented, tmp_path: Path, blank_figures: None
) -> None:
    left = [tmp_path / ".report.html.0123abcd.tmp", tmp_path / "figures" / ".a.svg.0123abcd.tmp"]
    (tmp_path / "figures").mkdir()
    for path in left:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    study.report(tmp_path)
    assert not [path for path in left if path.exists()]
    assert not list(tmp_path.rglob(".*"))


def test_markdown_rows_have_the_columns_of_their_header_whatever_the_names_hold(
    markdown: str,
) -> None:
    tables: list[list[str]] = [[]]
    for line in markdown.splitlines():
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    tables = [rows for rows in tables if rows]
    for rows in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, rows[0]
    results, fits = tables[-2:]
    assert len(results) == 2 + 36 + 12  # header, runs, means of seeds
    assert len(fits) == 2 + 4
    for rows, columns in ((results, 12), (fits, 8)):
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {columns}


def test_markdown_holds_no_live_html_link_or_code_of_a_user(markdown: str) -> None:
    prose = markdown[: markdown.index("```yaml")]
    assert "<" not in prose
    assert not re.search(r"(?<!\\)`x", prose)
    assert "http:" not in prose
    assert set(re.findall(r"\]\(([^)]*)\)", prose)) == {f"figures/{name}.svg" for name in DRAWN}


def test_a_study_with_one_seed_has_no_column_for_it(tmp_path: Path, blank_figures: None) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert "\nSeed\n" not in page.text
    assert "| Seed |" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_figure_of_size_and_accuracy_comes_before_all_others(
    html: Reader, markdown: str
) -> None:
    alts = [svg["aria-label"] for svg in html.all("svg") if "aria-label" in svg]
    assert alts[0].startswith("Line chart of test accuracy")
    assert markdown.index("figures/accuracy.svg") < markdown.index("figures/options.svg")


def test_the_fitted_curves_stand_in_a_table_with_their_warnings(html: Reader) -> None:
    assert "Fitted learning curves" in html.text
    assert "3 sizes do not determine a power law" in html.text


def test_an_exponent_near_zero_is_a_zero_and_no_power_of_ten(study: Invented) -> None:
    findings = replace(study).findings()
    fits = findings.curves.fits
    for arm, fit in fits.items():
        fits[arm] = replace(fit, eta=0.1234, gamma=-0.0012, gamma_interval=(-2.57, -0.0028))
    rows = fit_rows(findings, language_for(findings))
    assert {(row.gamma, row.gamma_interval, row.eta) for row in rows} == {
        ("0.00", "−2.57 to 0.00", "0.123")
    }


def test_the_interval_of_a_small_error_has_a_digit_and_that_of_a_large_one_has_none(
    study: Invented,
) -> None:
    findings = replace(study).findings()
    fits = findings.curves.fits
    for arm, fit in fits.items():
        fits[arm] = replace(fit, alpha_interval=(0.0, 0.004))
    assert {row.alpha_interval for row in fit_rows(findings, language_for(findings))} == {
        "0.0 to 0.4%"
    }
    for arm, fit in fits.items():
        fits[arm] = replace(fit, alpha_interval=(0.02, 0.34))
    assert {row.alpha_interval for row in fit_rows(findings, language_for(findings))} == {
        "2 to 34%"
    }


def test_the_discussion_ends_with_advice(html: Reader) -> None:
    ends = [
        html.text.index(title)
        for title in ("cannot say", "Options from the best network", "was made")
    ]
    assert ends == sorted(ends)


def test_test_images_of_doubtful_label_are_listed(tmp_path: Path, blank_figures: None) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 1000)
    for i, row in study.results.iterrows():
        probabilities = np.full((1000, 3), 0.02)
        right = rng.random(1000) < row["test_accuracy"]
        probabilities[np.arange(1000), np.where(right, labels, (labels + 1) % 3)] = 0.96
        probabilities[17] = 0.0
        probabilities[17, (labels[17] + 1) % 3] = 1.0
        study.predictions[row["run_id"]] = (labels, probabilities)
        found = float((probabilities.argmax(axis=1) == labels).mean())
        study.results.loc[i, ["test_accuracy", "test_size"]] = found, 1000
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert "Predicted label" in page.text
    assert "\n17" in page.text
    assert page.open == []


def test_what_a_recipe_leaves_open_is_not_shown_as_null(
    tmp_path: Path, blank_figures: None
) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    study.spec["train"]["steps"] = None
    study.spec["image_column"] = None
    study.report(tmp_path)
    assert "null" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_data_are_called_what_the_study_calls_them_now(study: Invented, tmp_path: Path) -> None:
    for name, said in (("Pets, cleaned", "Pets, cleaned"), (None, "CIFAR-10")):
        renamed = replace(study, spec=study.spec | {"data_name": name})
        findings = renamed.findings()
        page = make_page(renamed.measurements(), findings, language_for(findings))
        assert f" on {said}" in page.screen.summary
        assert page.dateline[0] == said
        assert page.facts[0].text == f"{said}, from cifar10"


def test_a_cut_out_square_is_an_augmentation() -> None:
    plain: dict[str, Any] = {"crop": 0, "flip": False}
    assert not augmented({"train": plain}, [])
    assert augmented({"train": plain | {"cutout": 8}}, [])


def test_the_augmentation_is_the_one_that_was_recorded(study: Invented) -> None:
    digits = {"data": "digits", "train": {}}
    assert not augmented(digits, []), "of records that do not say it, by the rule of the engine"
    for recorded, said in (
        ({"crop": 4, "flip": False, "cutout": 0}, True),
        ({"crop": 0, "flip": False, "cutout": 0}, False),
    ):
        record = RunRecord.from_dict(study.runs[0] | {"augmentation": recorded})
        assert augmented(digits, [record]) is said
        assert augmented({"data": "cifar10"}, [record]) is said


def test_a_fence_in_the_spec_does_not_end_the_code_block(
    tmp_path: Path, blank_figures: None
) -> None:
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    study.spec["name"] = "x\n```\n<script>alert(1)</script>\n````\n"
    study.report(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    fence = re.search(r"^(`{3,})yaml$", text, re.MULTILINE)
    assert fence
    body = text.split(fence[0])[1].split(f"\n{fence[1]}\n")[0]
    assert "<script>" in body


def test_commands_can_be_copied_whatever_the_study_s_folder_is_called(
    tmp_path: Path, blank_figures: None
) -> None:
    folder = tmp_path / "a`b``c"
    folder.mkdir()
    invented_study(models=("a",), seeds=(0,), failed=(), inits=("random",), missing=(
        ("a", "random", "1", 0),)).report(folder)  # fmt: skip
    tokens = MarkdownIt().parse((folder / "report.md").read_text(encoding="utf-8"))
    code = [
        each.content for token in tokens for each in token.children or ()
        if each.type == "code_inline" and "--out" in each.content
    ]  # fmt: skip
    assert code
    assert all(shlex.split(each)[-1] == str(folder) for each in code)


def test_a_report_made_again_from_its_csv_table_is_the_same_to_the_byte_figures_too(
    report: Path, study: Invented, tmp_path: Path
) -> None:
    study.results.to_csv(tmp_path / "results.csv", index=False)
    again = tmp_path / "again"
    again.mkdir()
    replace(study, results=pd.read_csv(tmp_path / "results.csv")).report(again)
    names = sorted(path.name for path in (report / "figures").iterdir())
    drawn = [f"{name}.{kind}" for name in DRAWN for kind in ("png", "svg")]
    assert names == sorted([*drawn, f"{TALK}.png"])
    for path in report.rglob("*.*"):
        made = (again / path.relative_to(report)).read_bytes()
        # Commands name the folder of their study.
        assert made.replace(bytes(again), bytes(report)) == path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"failed": (), "epochs": 1}, "Nothing to compare yet"),
        ({"failed": (("resnet18", "random", "1", 0),)}, "All runs failed"),
        (
            {"missing": (("resnet18", "random", "1", 0),), "failed": ()},
            "No run has finished yet",
        ),
    ],
    ids=["one run", "one that failed", "one that was not run"],
)
def test_a_study_of_one_run_still_makes_a_report(
    tmp_path: Path, changes: dict[str, Any], title: str
) -> None:
    settings: dict[str, Any] = {
        "models": ("resnet18",),
        "inits": ("random",),
        "seeds": (0,),
        "fractions": {"1": 50_000},
        "missing": (),
    }
    study = invented_study(**(settings | changes))
    page = Reader(study.report(tmp_path).read_text(encoding="utf-8"))
    assert page.open == []
    assert title in page.text


def test_a_run_that_was_never_begun_is_listed_with_the_size_of_its_cell(html: Reader) -> None:
    rows = re.sub(r"\s+", " ", html.text)
    assert "50,000 (all) 2 not run yet" in rows


def test_when_the_making_fails_the_old_report_stays(
    study: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("report.html", "report.md", "results.csv"):
        (tmp_path / name).write_text("old")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no figure")

    monkeypatch.setattr(build, "draw_figures", broken)
    with pytest.raises(RuntimeError, match="no figure"):
        study.report(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("report.html", "report.md", "results.csv"), "old"
    )


def test_when_the_writing_fails_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_figures: None
) -> None:
    (tmp_path / "report.html").write_text("old")
    real = build.os.fsync
    calls: list[int] = []

    def full_disk(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(build.os, "fsync", full_disk)
    study = invented_study(models=("a", "b"), seeds=(0,), failed=(), missing=(), inits=("random",))
    with pytest.raises(SixteenthError, match="No space left on device"):
        study.report(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_without_a_font_for_its_language_a_report_has_english_pngs_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = invented_study(
        models=("resnet18",), inits=("random",), seeds=(0,), failed=(), missing=(), epochs=1
    )

    def draw(*_: Any, narrow: bool = False, **__: Any) -> dict[str, Figure]:
        language = next(one for one in _ if isinstance(one, Language))
        figures = {name: Figure((1, 1)) for name in DRAWN}
        for figure in figures.values():
            figure.add_axes((0, 0, 1, 1)).set_title(language.tag)
        return figures

    printed: list[str] = []
    monkeypatch.setattr(build, "draw_figures", draw)
    monkeypatch.setattr(build, "can_draw", lambda _: False)
    monkeypatch.setattr(build, "png", lambda one, **_: printed.append(_words_in(one)) or b"")
    found = study.findings()
    chinese = language_for(found, "zh-Hant")
    page = build.report_files(study.measurements(), found, chinese)["report.html"].decode()
    assert printed[:-1] == ["en"] * len(DRAWN)
    assert "More images" in printed[-1]
    assert chinese.page.latin_figures in page
    assert "zh-Hant</text>" in page


def _words_in(figure: Figure) -> str:
    axes = figure.axes[0]
    return " ".join([axes.get_title(), *(text.get_text() for text in axes.texts)]).strip()


def test_the_discussion_leaves_out_what_the_rest_of_the_page_tells() -> None:
    one = invented_study(models=("a",), seeds=(0,), failed=(), missing=(), inits=("random",))
    findings = one.findings()
    page = make_page(one.measurements(), findings, language_for(findings))
    told = {card.kind: card for card in page.screen.cards}
    assert {told[kind].gain for kind in ("Bigger model", "Pretrained weights")} == {"–"}
    whole = {each.text for part in language_for(findings).discuss(findings).sections
             for each in part.statements}  # fmt: skip
    shown = {claim.text for part in page.sections for claim in part.statements}
    left_out = whole - shown
    assert any("This study has one model" in text for text in left_out)
    assert any("All runs start from random weights" in text for text in left_out)
    assert any(text.startswith("Best network") for text in left_out)
    assert page.screen.lead.startswith("Best network")
    assert not any("Accuracies are those of the last epoch" in text for text in shown)
    assert any(fact.text.startswith("that of the last epoch") for fact in page.facts)
    assert any("One recipe served all runs" in text for text in shown)
