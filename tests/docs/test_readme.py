"""What the README and the other pages name exists; and what the README shows, runs."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from pages import PAGES, ROOT

from sixteenth.analysis import analyse
from sixteenth.analysis.findings.expectation import SizeVerdict
from sixteenth.language import language_for
from sixteenth.spec import StudySpec, TrainSpec, preset_names

README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = [path.parent.name for path in (ROOT / "src/sixteenth").glob("*/__init__.py")]
ROOMS = [".ci", "benchmarks", "docs", "examples", "src", "tests", *PACKAGES]
EXAMPLES = {
    "data/layouts/webdataset.py",
    "spec/presets/NAME.yaml",
    "study/executors/kubernetes.py",
    "tests/understood/test_webdataset.py",
}
"""Files that the worked examples of CONTRIBUTING.md would add."""


def named_files(text: str) -> set[str]:
    """The files and folders of this repository that a page names in backticks or runs."""
    inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    words = {word.rstrip("/,;") for span in inline for word in span.split()}
    rooms = "|".join(re.escape(room) for room in ROOMS)
    paths = {word for word in words if re.fullmatch(rf"(?:{rooms})/[\w./-]+|\w+\.py", word)}
    return paths | {f"benchmarks/{name}.py" for name in re.findall(r"benchmarks\.(\w+)", text)}


def between(text: str, start: str, end: str) -> str:
    """What stands between two markers, both of which must be there."""
    assert text.count(start) == 1, f"{start!r} stands {text.count(start)} times in the page"
    rest = text.partition(start)[2]
    assert end in rest, f"no {end!r} after {start!r}"
    return rest.partition(end)[0]


def test_every_preset_is_named() -> None:
    named = between(README, "`sixteenth presets` lists", "\n\n")
    assert set(re.findall(r"`([a-z0-9-]+)`", named)) == set(preset_names())


def test_every_file_that_a_page_names_is_there() -> None:
    named = {path: named_files(path.read_text(encoding="utf-8")) for path in PAGES}
    for page in ("CONTRIBUTING.md", "docs/performance.md", "docs/reliability.md"):
        assert len(named[ROOT / page]) > 10, f"{page} names hardly any file"
    absent = {
        (page.name, name)
        for page, names in named.items()
        for name in names
        if not any((base / name).exists() for base in (ROOT, ROOT / "src/sixteenth"))
    }
    assert absent == {("CONTRIBUTING.md", name) for name in EXAMPLES}


def test_names_of_files_are_found_in_backticks_and_in_commands() -> None:
    text = "`tests/x.py`, (`pytest engine/cpu/ -q`; `y.py`)\n\n    python -m benchmarks.z --all\n"
    assert named_files(text) == {"tests/x.py", "engine/cpu", "y.py", "benchmarks/z.py"}
    assert named_files("tests/x.py, `tests` and `photo.jpg`") == set()


def test_the_quoted_answer_is_that_of_the_study_it_is_said_to_be_of() -> None:
    quoted = between(README, "by `sixteenth.analysis.analyse`):\n\n", "\n\nTwice the images")
    lines = [re.sub(r"^>", "", line).strip() for line in quoted.splitlines()]
    quote = [part.strip("* ") for part in " ".join(line or "\n" for line in lines).split("\n")]
    assert len(quote) > 5
    findings = analyse(pd.read_csv(ROOT / "docs/results/lite-240-steps/results.csv"))
    said = language_for(findings).discuss(findings).answer
    assert tuple(quote) == said


def test_the_fine_tuned_difference_beside_quick_is_that_of_its_study() -> None:
    row = between((ROOT / "docs/quick.md").read_text("utf-8"), "87.5 and 88.5%: ", " |")
    findings = analyse(pd.read_csv(ROOT / "docs/results/lite-jpeg/results.csv"))
    section = next(each for each in findings.sections if each.key == "expectation")
    (found,) = (
        each.found for each in section.findings
        if isinstance(each, SizeVerdict) and each.init == "imagenet"
        and each.big.train_size == 50_000
    )  # fmt: skip
    ends = f"{100 * found.low:.1f} to {100 * found.high:.1f}".replace("-", "−")
    assert row == f"{100 * found.value:+.1f} ({ends})"


def test_every_key_of_a_study_file_is_in_its_table() -> None:
    page = (ROOT / "docs/study-file.md").read_text(encoding="utf-8")
    study, marker, recipe = page.partition("## The recipe")
    assert marker
    for part, spec in ((study, StudySpec), (recipe, TrainSpec)):
        keys = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
        assert set(re.findall(r"`(\w+)`", " ".join(keys))) == set(spec.model_fields)


@pytest.mark.slow
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = between(README, "```python\n", "```")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "my-study" / "report.html").exists()


def test_a_marker_that_is_gone_is_no_empty_quotation() -> None:
    with pytest.raises(AssertionError, match="stands 0 times"):
        between("a page without it", "marker", "\n\n")
    with pytest.raises(AssertionError, match="no '- '"):
        between("a marker and no end", "marker", "- ")
