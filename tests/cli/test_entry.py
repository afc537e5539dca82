"""What is set before any command is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sixteenth.cli.entry import SPINS, _let_others_run

MAIN = """
import atexit, os, sys
from sixteenth.cli.entry import main
sys.argv = ["sixteenth", "--version"]
atexit.register(lambda: print(os.environ.get("GOMP_SPINCOUNT"), "torch" in sys.modules))
main()
"""


@pytest.mark.parametrize(
    ("given", "set_to"),
    [({}, SPINS), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_threads_that_wait_sleep_soon_unless_the_user_said_how(
    given: dict[str, str], set_to: str | None
) -> None:
    environment = dict(given)
    _let_others_run(environment)
    assert environment.get("GOMP_SPINCOUNT") == set_to


def test_it_is_set_before_torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    ended = subprocess.run([sys.executable, "-c", MAIN], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == f"{SPINS} False"
