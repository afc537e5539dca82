"""Tables for ``sixteenth fit`` as scikit-learn and trackers of experiments export them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from read_tables import pairs, read

from sixteenth.cli.fit_table import ERROR, SIZE, Request, read_trainings
from sixteenth.errors import InputError


def arrays(folder: Path, **content: Any) -> Path:
    np.savez(folder / "curve.npz", **content)
    return folder / "curve.npz"


def test_scores_of_scikit_learns_learning_curve_are_a_training_each(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import learning_curve

    x, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=20, tol=1.0)
    sizes, train, test = learning_curve(
        model, x, y, cv=4, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    named = arrays(tmp_path, train_sizes=sizes, train_scores=train, test_scores=test)
    found = read_trainings(named, Request())
    assert found.rows[SIZE].tolist() == sizes.repeat(4).tolist()
    assert np.allclose(found.rows[ERROR], 1 - test.ravel())
    np.savez(tmp_path / "plain.npz", sizes, train, test)
    again = read_trainings(tmp_path / "plain.npz", Request(size="arr_0", accuracy="arr_2"))
    assert again.rows[ERROR].tolist() == found.rows[ERROR].tolist()


def test_failed_folds_are_left_out_and_pickled_arrays_refused(tmp_path: Path) -> None:
    scores = np.array([[0.5, np.nan], [0.75, 0.8]])
    found = read_trainings(arrays(tmp_path, train_sizes=[10, 20], test_scores=scores), Request())
    assert pairs(found) == [(10, 0.5), (20, 0.25), (20, 0.2)]
    assert found.left_out == {"without test_scores": [2]}
    pickled = arrays(tmp_path, train_sizes=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"save the arrays alone with numpy\.savez"):
        read_trainings(pickled, Request())


WANDB = """\
"Name","State","Notes","User","Tags","Created","Runtime","Sweep","train_size","seed","val_acc","_step"
"dainty-sun-3","finished","-","me","","2026-01-01T00:00:00.000Z","61","","1000","0","0.7","390"
"misty-sea-2","finished","-","me","","2026-01-01T00:00:00.000Z","60","","1000","1","0.68","390"
"warm-ice-1","crashed","-","me","","2026-01-01T00:00:00.000Z","12","","2000","0","",""
"cold-day-0","finished","-","me","","2026-01-01T00:00:00.000Z","99","","2000","1","0.8","780"
"""
MLFLOW = """\
run_id,experiment_id,status,artifact_uri,start_time,end_time,metrics.val_acc,metrics.epoch,params.train_size,tags.mlflow.runName
a1,0,FINISHED,file:///a,2026-01-01 00:00:00+00:00,2026-01-01 00:01:00+00:00,0.7,9.0,1000,sun
b2,0,FINISHED,file:///b,2026-01-01 00:00:00+00:00,2026-01-01 00:01:00+00:00,0.68,7.0,1000,sea
c3,0,FAILED,file:///c,2026-01-01 00:00:00+00:00,2026-01-01 00:01:00+00:00,,,2000,ice
d4,0,FINISHED,file:///d,2026-01-01 00:00:00+00:00,2026-01-01 00:01:00+00:00,0.8,9.0,2000,day
"""
LIGHTNING = """\
epoch,step,train_loss,val_acc,train_size,version
0,49,2.1,,1000,0
0,49,,0.5,1000,0
1,99,1.4,,1000,0
1,99,,0.7,1000,0
0,49,2.0,,1000,1
0,49,,0.68,1000,1
0,99,1.9,,2000,2
0,99,,0.8,2000,2
"""


@pytest.mark.parametrize(
    ("content", "request_", "left_out"),
    [
        (WANDB, Request(accuracy="val_acc"), {"without val_acc": [4]}),
        (
            MLFLOW,
            Request(size="params.train_size", accuracy="metrics.val_acc"),
            {"without metrics.val_acc": [4]},
        ),
        (
            LIGHTNING,
            Request(accuracy="val_acc", last_by="epoch"),
            {"without val_acc": [2, 4, 6, 8], "before the last epoch": [3]},
        ),
    ],
)
def test_exports_of_other_tools_are_read(
    content: str, request_: Request, left_out: dict[str, list[int]], tmp_path: Path
) -> None:
    found = read(content, request_, tmp_path)
    assert pairs(found) == [(1000, 0.3), (1000, 0.32), (2000, 0.2)]
    assert found.left_out == left_out
