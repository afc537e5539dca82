"""Tables for ``sixteenth fit`` as people export them: the right numbers, or what is not clear."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from read_tables import pairs, read

from sixteenth.cli.fit_table import Request
from sixteenth.errors import InputError

ERR = Request(size="n", error="err")
ACC = Request(size="n", accuracy="acc")
RIGHT = [(1000, 0.25), (2000, 0.2), (16000, 0.125)]
TWO_METHODS = "n,method,params,err\n9,A,5,0.3\n9,B,6,0.4\n20,A,5,0.2\n20,B,6,0.3\n"
PLAIN = "n,err\n1000,0.25\n2000,0.2\n16000,0.125\n"


def given(**more: Any) -> Request:
    return Request(**{"size": "n", "error": "err", **more})


SAME = {
    "plain": (PLAIN, ERR),
    "semicolons": (PLAIN.replace(",", ";"), ERR),
    "tabs": (PLAIN.replace(",", "\t"), ERR),
    "bars": (PLAIN.replace(",", "|"), ERR),
    "semicolons and decimal commas": ("n;err\n1000;0,25\n2000;0,2\n16000;0,125\n", ERR),
    "tabs and decimal commas": ("n\terr\n1000\t0,25\n2000\t0,2\n16000\t0,125\n", ERR),
    "commas in quotes": ('n,err\n1000,"0,25"\n2000,"0,2"\n16000,"0,125"\n', ERR),
    "English thousands": ('n,err\n"1,000",0.25\n"2,000",0.2\n"16,000",0.125\n', ERR),
    "German thousands": ("n;err\n1.000;0,25\n2.000;0,2\n16.000;0,125\n", ERR),
    "Swiss thousands": ("n;err\n1'000;0.25\n2'000;0.2\n16’000;0.125\n", ERR),
    "thousands with thin spaces": ("n;err\n1 000;0,25\n2\u202f000;0,2\n16\xa0000;0,125\n", ERR),
    "thousands and whole percent": (
        'n,err\n"1,000",25\n"2,000",20\n"16,000","12.5"\n',
        given(percent=True),
    ),
    "percent of three decimals": (
        'n;err\n"1,000";25,000\n"2,000";20,000\n"16,000";12,500\n',
        given(percent=True),
    ),
    "sizes as pandas writes them": ("n,err\n1000.0,0.25\n2000.0,0.2\n16000.0,0.125\n", ERR),
    "exponents": ("n,err\n1E+03,2.5e-1\n2e3,2e-1\n1.6e4,1.25e-1\n", ERR),
    "decimal commas and exponents": ("n;err\n1,0E+03;2,5e-1\n2000;2e-1\n1,6e4;1,25e-1\n", ERR),
    "a byte-order mark": ("\ufeff" + PLAIN, ERR),
    "UTF-16 of a spreadsheet": (PLAIN.replace(",", "\t").encode("utf-16"), ERR),
    "cp1252": (PLAIN.replace("n,", "größe,", 1).encode("cp1252"), given(size="größe")),
    "a spreadsheet's first line": ("sep=;\r\n" + PLAIN.replace(",", ";"), ERR),
    "compressed": (gzip.compress(PLAIN.encode()), ERR),
    "spaces in the header": (" n , test  error\n1000, 0.25\n2000, 0.2\n16000, 0.125\n",
                             given(error="test error")),
    "quotes in the header": ('"n", "err"\n1000, "0.25"\n2000, "0.2"\n16000, "0.125"\n', ERR),
    "trailing delimiters": ("n,err,,\n1000,0.25,,\n2000,0.2,,\n16000,0.125,,\n", ERR),
    "an index before": (",n,err\n0,1000,0.25\n1,2000,0.2\n2,16000,0.125\n", ERR),
    "blank lines": ("\nn,err\n\n1000,0.25\n2000,0.2\n,\n16000,0.125\n\n", ERR),
    "percent": ("n,err\n1000,25\n2000,20\n16000,12.5\n", given(percent=True)),
    "percent signs": ("n,err\n1000,25%\n2000,20 %\n16000,12.5%\n", ERR),
    "accuracies": ("n,acc\n1000,0.75\n2000,0.8\n16000,0.875\n", ACC),
    "accuracies in percent": (
        "n,acc\n1000,75\n2000,80\n16000,87.5\n", Request(size="n", accuracy="acc", percent=True)
    ),
    "shares of a total": ("n,err\n0.0625,0.25\n0.125,0.2\n1.000,0.125\n", given(total=16000)),
    "fractions of a total": ("n,err\n1/16,0.25\n1/8,0.2\n1,0.125\n", given(total=16000)),
    "percent of a total": ("n,err\n6.25%,0.25\n12.5%,0.2\n100%,0.125\n", given(total=16000)),
    "a comment with a comma": (
        'n,err,note\n1000,0.25,"a, b"\n2000,0.2,\n16000,0.125,"c;d;e;f"\n', ERR
    ),
    "usual names": ("train_size,test_accuracy\n1000,0.75\n2000,0.8\n16000,0.875\n", Request()),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_one_table_written_in_many_ways_is_read_as_the_same(name: str, tmp_path: Path) -> None:
    content, request = SAME[name]
    found = read(content, request, tmp_path)
    assert pairs(found) == RIGHT
    assert not found.left_out
    assert not found.notes


REFUSED = {
    "a header twice": ("n,err,err\n1,0.2,0.3\n", ERR, "has the column err twice"),
    "a header twice but for spaces": ("n,err, err\n1,0.2,0.3\n", ERR, "has the column err twice"),
    "sizes that are shares": (
        "n,err\n0.1,0.3\n1,0.2\n", ERR,
        "the sizes in column n are at most 1: if they are shares of a training set, say with "
        "--total N how many images it has",
    ),
    "sizes in percent with a total": ("n,err\n10,0.3\n90,0.2\n", given(total=9), "90 in column"),
    "some sizes below 1": ("n,err\n0.5,0.3\n100,0.2\n", ERR, "0.5 in column n is no number of"),
    "two decimal marks": (
        "n;err\n1000;0,25\n2000;0.2\n", ERR, "0.2 has a decimal point and 0,25 a decimal comma"
    ),
    "a thousand or one": (
        'n,err\n"1,000","0,25"\n"2,000","0,2"\n', ERR, "line 2: 1,000 in column n may be a thousand"
    ),
    "a thousand or one, with points": (
        "n,err\n1.000,0.25\n2.000,0.2\n", ERR, "line 2: 1.000 in column n may be a thousand or one"
    ),
    "decimal commas between commas": (
        "n,err\n1000,0,25\n2000,0,2\n", ERR, "line 2 has 3 cells and the header 2: numbers that"
    ),
    "percent without the flag": (
        "n,err\n1000,25.5\n2000,20\n", ERR,
        "line 2: 25.5 in column err is not within 0 and 1, as errors are; with --percent they",
    ),
    "shares beside percent": (
        "n,acc\n1000,0.71\n2000,0.79\n4000,88\n8000,91\n", Request(size="n", accuracy="acc"),
        "line 4: 88 in column acc is not within 0 and 1, as accuracies are, and line 2 has 0.71: "
        "write all as percent, or all as shares",
    ),
    "accuracies beyond percent": (
        "n,acc\n1000,250\n", Request(size="n", accuracy="acc", percent=True),
        "250 in column acc is not within 0 and 100, as accuracies are",
    ),
    "a percent sign here and there": ("n,err\n1,25%\n2,20\n", ERR, "only some numbers in col"),
    "a size of 0": ("n,err\n0,0.9\n9,0.2\n", ERR, "line 2: 0 in column n is no size of a training"),
    "beyond all numbers": ("n,err\n1e999,0.9\n", ERR, "1e999 in column n is not a number"),
    "words": ("n,err\n1000,0.2\nmany,0.1\n", ERR, "line 3: many in column n is not a number"),
    "no such column": ("n,er\n1000,0.2\n", ERR, "no column err; did you mean er? (it has n, er)"),
    "no column named": ("n,acc\n1,0.2\n", Request(size="n"), "name it with --error-column or"),
    "epochs": (
        "n,epoch,err\n1000,0,0.5\n1000,1,0.4\n2000,0,0.4\n2000,1,0.3\n", ERR,
        "column epoch differs among the rows of one size: take the last of each training with "
        "--last-by epoch",
    ),
    "steps": ("n,trainer/global_step,err\n9,0,0.5\n9,5,0.4\n", ERR, "trainer/global_step differs"),
    "folds": ("n,Fold,err\n9,1,0.5\n9,2,0.4\n", ERR, "--run-column Fold if each row is a training"),
    "epochs of two seeds": (
        "n,seed,epoch,err\n9,0,0,0.5\n9,0,1,0.4\n9,1,0,0.4\n9,1,1,0.3\n", ERR, "--last-by epoch"
    ),
    "epochs of trainings that nothing tells apart": (
        "n,epoch,err\n9,0,0.5\n9,0,0.5\n9,1,0.3\n9,1,0.4\n", given(last_by="epoch"),
        "line 3 repeats its size and its epoch: name the column that tells trainings apart",
    ),
    "nothing": ("", ERR, "is empty"),
    "no rows": ("n,err\n", ERR, "no row with both n and err"),
    "a workbook": (b"PK\x03\x04workbook", ERR, "no CSV table but an archive or a workbook"),
    "Parquet": (b"PAR1\0\0", ERR, "no CSV table but a Parquet file"),
    "JSON": ('[{"n": 1}]', ERR, "no CSV table but JSON"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\n", ERR, "is a Git LFS pointer"),
    "null bytes": (b"n,err\n1\0,2\n", ERR, "is not a CSV table: it holds null bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused_with_the_way_out(name: str, tmp_path: Path) -> None:
    content, request, said = REFUSED[name]
    with pytest.raises(InputError) as refused:
        read(content, request, tmp_path)
    message = str(refused.value)
    assert message.startswith(str(tmp_path / "t.csv"))
    assert said in message
    assert "\n" not in message


def test_scores_below_zero_are_not_offered_to_be_read_as_percent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not within 0 and 1, as errors are$"):
        read("n,err\n1000,-0.3\n2000,-0.2\n", ERR, tmp_path)


EPOCHS = """\
n,seed,epoch,err
1000,0,0,0.5
1000,0,1,0.4
1000,0,2,0.3
1000,1,1,0.35
1000,1,0,0.6
2000,0,0,0.4
2000,0,1,0.25
2000,0,2,
"""


def test_the_last_row_of_each_training_is_taken(tmp_path: Path) -> None:
    found = read(EPOCHS, given(last_by="epoch"), tmp_path)
    assert pairs(found) == [(1000, 0.3), (1000, 0.35), (2000, 0.25)]
    assert found.left_out == {"without err": [9], "before the last epoch": [2, 3, 6, 7]}
    named = EPOCHS.replace("seed", "machine")
    found = read(named, given(last_by="epoch", run_columns=["machine"]), tmp_path)
    assert pairs(found) == [(1000, 0.3), (1000, 0.35), (2000, 0.25)]


def test_folds_are_trainings_where_that_is_said(tmp_path: Path) -> None:
    table = "n,fold,err\n1000,1,0.5\n1000,2,0.4\n2000,1,0.3\n2000,2,0.2\n"
    assert len(read(table, given(run_columns=["fold"]), tmp_path).rows) == 4
    assert len(read(table, given(last_by="fold"), tmp_path).rows) == 2


def test_the_epoch_in_which_a_training_ended_is_no_reason_to_refuse_it(tmp_path: Path) -> None:
    table = "Name,n,epoch,err\nsun-1,1000,12,0.3\nsea-2,1000,15,0.31\nice-3,2000,9,0.2\n"
    assert len(read(table, ERR, tmp_path).rows) == 3


def test_rows_without_numbers_are_counted_and_their_lines_named(tmp_path: Path) -> None:
    table = "n,err,who\n1000,0.3,a\n2000,,b\n,0.2,c\nn,err,who\n4000,NaN,d\n8000,0.1,e\n16000\n"
    found = read(table, ERR, tmp_path)
    assert pairs(found) == [(1000, 0.3), (8000, 0.1)]
    assert found.left_out == {
        "that repeats the header": [5], "without n": [4], "without err": [3, 6, 8],
    }  # fmt: skip
    assert found.summary() == (
        f"{tmp_path / 't.csv'}: 2 of 7 rows read, err as errors in shares, 2 sizes in n from 1,000 "
        "to 8,000; left out: 1 row that repeats the header (line 5), 1 row without n (line 4), 3 "
        "rows without err (lines 3, 6, 8)"
    )


LOSSES = (
    *(
        "loss",
        "val_loss",
        "valLoss",
        "eval/loss",
        "Validation Loss",
        "losses",
        "log_loss",
        "logloss",
    ),
    *("mse", "test RMSE", "val_mae", "nll", "perplexity", "cross_entropy", "crossEntropy"),
)
NO_LOSSES = (
    "err",
    "acc_at_best_val_loss",
    "mae_acc",
    "top1_loss",
    "01_loss",
    "lossless_err",
    "zero_one_loss",
    "0-1 loss",
    "hamming_loss",
    "loses",
    "maen",
)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_refused_whatever_its_values_and_percent_is_no_way_out(name: str, tmp_path: Path):
    content = f"n,{name}\n500,2.0\n1000,0.75\n"
    for request in (given(error=name), given(error=name, percent=True)):
        with pytest.raises(InputError) as refused:
            read(content, request, tmp_path)
        assert f"column {name} is a loss by its name: name a column of error rates" in str(
            refused.value
        )
    with pytest.raises(InputError, match="is a loss by its name"):
        read(f"n,{name}\n500,0.9\n", Request(size="n", accuracy=name), tmp_path)


@pytest.mark.parametrize("name", NO_LOSSES)
def test_an_error_rate_is_read_also_where_its_name_has_a_loss_in_it(name: str, tmp_path: Path):
    assert read(f"n,{name}\n500,0.9\n", given(error=name), tmp_path).rows is not None


@pytest.mark.parametrize(
    ("content", "request_", "said"),
    [
        ("n,err\n10,0.3\n20,0.2\n", given(percent=True), "no value in err is above 1%"),
        ("n,acc\n10,0.3\n20,0.2\n", given(error="acc"), "acc was read as errors"),
        ("n,err\n9,0.3\n", Request(size="n", accuracy="err"), "err was read as accuracies"),
        ("n,err\n25,0.3\n50,0.2\n100,0.1\n", ERR, "the largest size in n is 100: if sizes"),
        ("n,err,State\n9,0.3,crashed\n8,0.2,finished\n", ERR, "State is not finished: crashed 1"),
        ("n,err,seed\n9,0.3,0\n8,0.2,0\n9,0.3,0\n", ERR, "line 4: the same as a line above in"),
        ("n,err\n9,42\n8,0.31\n7,19\n", given(percent=True), "line 3: 0.31 in err was read as 0"),
        (
            "n,acc\n1,0.71\n2,0.79\n4,88\n8,91\n", Request(size="n", accuracy="acc", percent=True),
            "line 2: 0.71 in acc was read as 0.71%, beside 91%: write all as percent, or all as s",
        ),
        (TWO_METHODS, ERR, "rows of one size differ in method (A or B) and were fitted as one"),
    ],
)  # fmt: skip
def test_what_may_be_misunderstood_is_noted(
    content: str, request_: Request, said: str, tmp_path: Path
) -> None:
    (note,) = read(content, request_, tmp_path).notes
    assert said in note


@pytest.mark.parametrize(
    ("content", "request_"),
    [
        (TWO_METHODS, given(group_by=["method"])),
        ("n,err\n9,5\n8,0.8\n", given(percent=True)),
        ("n,err\n1,30\n2,12\n4,4\n8,0.9\n", given(percent=True)),
        ("n,err,who\n9,0.3,ann\n9,0.3,bob\n20,0.2,ann\n", ERR),
        ("n,err,seconds\n9,0.3,5\n9,0.31,7\n20,0.2,5\n20,0.2,7\n", ERR),
    ],
)
def test_what_is_as_it_should_be_is_not_noted(
    content: str, request_: Request, tmp_path: Path
) -> None:
    assert read(content, request_, tmp_path).notes == []


def test_shorter_trainings_of_a_studys_own_table_are_not_taken_for_repeats(tmp_path: Path) -> None:
    table = (
        "run_id,length,train_size,epochs,test_accuracy,status\n"
        "a,1,1000,30,0.7,finished\na@1/4,0.25,1000,7,0.6,finished\nb,1,2000,30,0.8,finished\n"
        "c,1,4000,,,failed\n"
    )
    found = read(table, Request(), tmp_path)
    assert pairs(found) == [(1000, 0.3), (2000, 0.2)]
    assert found.left_out == {"of another training length": [3], "without test_accuracy": [5]}
    grouped = read(table, Request(group_by=["length"]), tmp_path)
    assert len(grouped.rows) == 3
