"""Histories of many runs are parsed at once, and are what each file by itself holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sixteenth import InputError
from sixteenth.storage import run_results
from sixteenth.storage.run_results import read_histories, read_history

HEAD = "epoch,step,train_loss,train_accuracy,test_loss,test_accuracy\n"
WHOLE = HEAD + "1,10,0.1,0.30000000000000004,2.5,0.1\n2,20,0.05,0.6,1e-3,0.2\n"
OTHER = {
    "not begun": None,
    "nothing in it": "",
    "no epoch with a line": "\n",
    "without a test": HEAD + "1,10,0.1,0.3,,\n",
    "lines of Windows": WHOLE.replace("\n", "\r\n"),
    "no end of line": WHOLE.rstrip(),
    "a blank line": WHOLE.replace("\n2,", "\n\n2,"),
    "another column": HEAD.strip() + ",seconds\n1,10,0.1,0.3,2.5,0.1,7.5\n",
    "a note": HEAD.strip() + ",note\n1,10,0.1,0.3,2.5,0.1,mine\n",
    "a longer row": HEAD + "1,10,0.1,0.3,2.5,0.1\n2,20,0.1,0.3,2.5,0.1\n3,30,inf,0.3,2.5,0.1\n",
}


def files(folder: Path, *texts: str | None) -> dict[str, Path]:
    paths = {f"run-{i}": folder / f"{i}.csv" for i in range(len(texts))}
    for path, text in zip(paths.values(), texts, strict=True):
        if text is not None:
            path.write_bytes(text.encode())
    return paths


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER)
def test_histories_are_what_each_file_holds(tmp_path: Path, other: str | None) -> None:
    paths = files(tmp_path, WHOLE, other, WHOLE)
    parts = [read_history(path).assign(run_id=run_id) for run_id, path in paths.items()]
    one_by_one = pd.concat([part for part in parts if len(part)], ignore_index=True)
    read = read_histories(paths)
    assert read["run_id"].dtype == one_by_one["run_id"].dtype
    pd.testing.assert_frame_equal(read[one_by_one.columns], one_by_one)


def test_a_thousand_histories_are_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed, parse = [], run_results._parse
    monkeypatch.setattr(run_results, "_parse", lambda *given: parsed.append(0) or parse(*given))
    assert len(read_histories(files(tmp_path, *[WHOLE, None] * 500))) == 1000
    assert len(parsed) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        HEAD + "2,10,0.1,0.3,2.5,0.1\n1,20,0.1,0.3,2.5,0.1\n",
        HEAD + "1,10,low,0.3,2.5,0.1\n",
        HEAD + "1,10,0.1,0.3,2.5,0.1,0.1,0.1\n",
        HEAD + ",10,0.1,0.3,2.5,0.1\n",
        HEAD + '1,10,0.1,0.3,2.5,"0.1\n',
        "a,b\n1,2\n",
    ],
    ids=["order", "a word", "cells", "no epoch", "a quotation mark", "columns"],
)
def test_a_damaged_history_among_others_is_named(tmp_path: Path, damaged: str) -> None:
    with pytest.raises(InputError, match=r"1\.csv cannot be read"):
        read_histories(files(tmp_path, WHOLE, damaged, WHOLE))


def test_no_run_has_a_history(tmp_path: Path) -> None:
    assert list(read_histories(files(tmp_path, None, ""))["run_id"]) == []
    assert list(read_histories({})["run_id"]) == []
