"""Digits of 8 pixels, a study as another machine is told of it, and a queue of Slurm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from clusters import Queue

from sixteenth.data import ImageDataset, load_dataset
from sixteenth.study.executors import node, slurm_jobs, slurm_queue
from sixteenth.study.executors.node import Origin
from tiny_study import write_tiny_study


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    return load_dataset("digits", image_size=8)


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: ImageDataset) -> Origin:
    """A study in ``study``, as another machine would be told of it."""
    write_tiny_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(node, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.yaml").touch()
    return Origin.of(digits, folder, None)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue of Slurm; what scancel is told when a command ends is in the file ``cancels``."""
    made = Queue()
    scancel = tmp_path / "bin" / "scancel"
    scancel.parent.mkdir()
    scancel.write_text(f'#!/bin/sh\necho "$*" >> "{tmp_path}/cancels"\n')
    scancel.chmod(0o755)
    monkeypatch.setenv("PATH", f"{scancel.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "submitit", made.module())
    monkeypatch.setattr(slurm_jobs, "default_data_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(slurm_jobs, "LOOK_SECONDS", 0.0)
    for module in (slurm_jobs, slurm_queue):
        monkeypatch.setattr(module, "ask", made.ask)
    return made
