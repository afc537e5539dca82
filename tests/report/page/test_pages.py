"""The written report: what stands in it, and that nothing a user wrote can act in it."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from pathlib import Path

from invented import HOSTILE, HOSTILE_CLASS, invented_study
from markdown_it import MarkdownIt
from reader import DRAWN, Reader


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


def test_the_figure_of_size_and_accuracy_comes_before_all_others(
    html: Reader, markdown: str
) -> None:
    alts = [svg["aria-label"] for svg in html.all("svg") if "aria-label" in svg]
    assert alts[0].startswith("Line chart of test accuracy")
    assert markdown.index("figures/accuracy.svg") < markdown.index("figures/options.svg")


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
