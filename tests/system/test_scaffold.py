"""The tests of a new plugin pass unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchsuite.plugins import KINDS, write_plugin


@pytest.mark.parametrize("kind", KINDS)
def test_tests_of_a_new_plugin_pass(tmp_path: Path, kind: str) -> None:
    """In a folder that is installed, in a process of its own."""
    folder = tmp_path / "new"
    write_plugin("fresh-one", folder, kind=kind)
    about = folder / "benchsuite_fresh_one-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: benchsuite-fresh-one\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text("[benchsuite]\nfresh-one = benchsuite_fresh_one\n")

    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        tests, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
