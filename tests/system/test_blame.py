"""Failures caused by settings of the environment and by other plugins of pytest, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import InstallPlugin
from test_pytest_plugin import CASES


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("JAX_DEBUG_NANS", "1", "JAX_DEBUG_NANS is set, but NaN stands for"),
        ("JAX_DISABLE_JIT", "1", "JAX_DISABLE_JIT is set, but training is compiled\n  try: unset JAX_DISABLE_JIT"),
        ("JAX_PLATFORMS", "cuda", "JAX_PLATFORMS is 'cuda', but there is no such device"),
    ],
)
def test_setting_of_the_environment_is_named(
    variable: str, value: str, said: str, install_plugin: InstallPlugin
) -> None:
    """And not the case."""
    install_plugin()

    command = [sys.executable, "-m", "benchsuite", "run", "line", "--seeds=2"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {variable: value, "COLUMNS": "200"}, check=False
    )

    assert done.returncode != 0
    assert said in done.stderr
    assert "case line" not in done.stderr


@pytest.mark.parametrize(
    ("plugin", "options", "said"),
    [
        (
            "pytest_timeout",
            ["--timeout=6", "--benchsuite-seeds=10000000"],
            "pytest-timeout stopped the training: Timeout",
        ),
        ("pytest_repeat", ["--count=2"], "line was tried 2 times in this session; the last try counts"),
        (
            "pytest_rerunfailures",
            ["--reruns=2", "--benchsuite-time-limit=1", "--benchsuite-seeds=100000"],
            "line was tried 3 times in this session; the last try counts",
        ),
        ("pytest_codspeed", ["--codspeed"], "the fixture benchmark is that of pytest-codspeed, but"),
    ],
)
def test_other_plugin_of_pytest_is_named(
    plugin: str, options: list[str], said: str, install_plugin: InstallPlugin
) -> None:
    """Where it stops a training, repeats it, or takes the place of pytest-benchmark."""
    pytest.importorskip(plugin)
    install_plugin()
    Path("test_cases.py").write_text(CASES)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-k", "[line]", *options],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
    )

    assert said in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
