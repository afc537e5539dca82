"""The door to `engine.cpu`: where it is open, what it leaves alone, and that one can do without."""

from __future__ import annotations

import ast
import copy
import io
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

import sixteenth
from forked import Forked, python_program
from sixteenth.engine.acceleration import accelerate
from sixteenth.engine.execution import Execution
from sixteenth.spec import TrainSpec
from tiny_study import environment

SOURCE = Path(sixteenth.__file__).parent
CPU = Execution("cpu", "float32", "channels-last", 1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, 2, padding=1, groups=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, 5),
    ).to(memory_format=torch.channels_last)  # fmt: skip


@pytest.mark.parametrize(
    ("execution", "image_size", "train"),
    [
        (Execution("cuda", "float32", "channels-last", 1), 8, TrainSpec()),
        (Execution("cuda:1", "bfloat16", "channels-last", 1), 8, TrainSpec()),
        (Execution("mps", "float32", "channels-first", 1), 8, TrainSpec()),
        (CPU, 224, TrainSpec()),
        (CPU, 8, TrainSpec(lower_convolutions=False)),
    ],
    ids=["cuda", "second gpu", "mps", "large images", "switched off"],
)
def test_a_model_that_is_not_accelerated_stays_torch_s_own(
    execution: Execution, image_size: int, train: TrainSpec
) -> None:
    model, untouched = network(), network()
    images = torch.randn(2, 3, 8, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    acceleration = accelerate(model, image_size, train, execution)
    acceleration.attach([optimizer])
    assert acceleration.removed_weights == 0
    assert [type(m) for m in model.modules()] == [type(m) for m in untouched.modules()]
    for module, own in zip(model.modules(), untouched.modules(), strict=True):
        assert vars(module).keys() == vars(own).keys()
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
    assert len(optimizer.param_groups) == 1
    expected = untouched(images)
    pickled = io.BytesIO()
    torch.save(model, pickled)
    pickled.seek(0)
    copies = [
        model,
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        torch.load(pickled, weights_only=False),
    ]
    assert all(torch.equal(each(images), expected) for each in copies)
    exported = torch.export.export(model.eval(), (images,))
    torch.testing.assert_close(exported.module()(images), untouched.eval()(images))


def test_a_model_is_accelerated_on_a_cpu() -> None:
    model = network()
    accelerate(model, 8, TrainSpec(), CPU)
    assert type(model[0]) is not nn.Conv2d  # type: ignore[index]
    assert isinstance(model[0], nn.Conv2d)  # type: ignore[index]


def imported(path: Path) -> set[str]:
    """Absolute names of all modules that a file of the package imports."""
    package = ["sixteenth", *path.relative_to(SOURCE).parent.parts]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def test_the_door_alone_imports_what_is_behind_it() -> None:
    behind = "sixteenth.engine.cpu"
    importing = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(name == behind or name.startswith(behind + ".") for name in imported(path))
    }
    assert {each for each in importing if not each.startswith("engine/cpu/")} == {
        "engine/acceleration.py"
    }


TWO_STEPS = """
import sys
from pathlib import Path

for name in [each for each in sys.modules if each.partition(".")[0] == "sixteenth"]:
    del sys.modules[name]  # the process that was forked has imported the package as it is
sys.path.insert(0, sys.argv[1])
import sixteenth
from sixteenth import parse_spec
from sixteenth.data import load_dataset
from sixteenth.engine.acceleration import keep_freed_memory
from sixteenth.engine.train import train_run
from sixteenth.storage.run_folder import RunFolder

assert sixteenth.__file__.startswith(sys.argv[1])
assert not keep_freed_memory()
digits = load_dataset("digits", image_size=8, data_dir=Path(sys.argv[1], "cache"))
study = {
    "data": "digits", "image_size": 8, "models": ["tiny_models:small"],
    "fractions": ["50 images"], "train": {"steps": 2, "batch_size": 25},
}
record = train_run(parse_spec(study).runs()[0], digits, RunFolder(Path(sys.argv[1], "run")))
print(record.status, record.metrics.steps)
"""


def test_without_what_is_behind_the_door_the_package_trains(tiny_folder: Path) -> None:
    # Not in the current folder: the process that is forked may start here, and would import it.
    place = tiny_folder / "without"
    shutil.copytree(SOURCE, place / "sixteenth")
    shutil.rmtree(place / "sixteenth" / "engine" / "cpu")
    with Forked(
        python_program, TWO_STEPS, [str(place)], folder=tiny_folder, env=environment()
    ) as done:
        out, err = done.communicate(60)
    assert out.split() == ["finished", "2"], err
