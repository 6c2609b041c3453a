"""Undocumented parts of JAX and XLA that the suite uses: each test names what a new version has changed."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import jax
from benchsuite.plugins import load_registry
from benchsuite.engine import Problem
from benchsuite.settings import TrainingSettings
print(Problem.load(load_registry().case("relu-bias"), TrainingSettings()).program)
"""


def test_digest_is_the_same_in_every_process() -> None:
    """Neither addresses in memory nor the order of sets have a part in it."""

    def found(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.strip()

    first = found("1")

    assert first.startswith("blocks:")
    assert first == found("2")
