"""What has changed from one run to another, what cannot be compared, and which gate falls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from test_change import run
from test_pytest_plugin import CASES

from benchsuite.system import files

AT_REST = (LINE + SUPPLY).replace("rate=0.1", "rate=0.0")


def under_another_jax(folder: str) -> None:
    """Let a run have been made with another JAX."""
    path = Path(folder) / "run.json"
    content = json.loads(path.read_text())
    content["machine"]["versions"]["jax"] = "0.0.1"
    path.write_bytes(files.sealed(content))


def test_run_is_compared_at_its_end(benchsuite: Command) -> None:
    """With the options of pytest; a gate without a reference is refused."""
    benchsuite("run", "line", "--run-dir=before")
    code, out, _ = benchsuite("run", "line", "--compare=before", "--compare-fail=rate:0.01")

    assert code == 0
    assert "Changes since before" in out
    assert "add --compare RUN" in benchsuite("run", "line", "--compare-fail=rate:0.01")[2]


def test_gate_of_pytest(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """A dropped rate under another JAX fails the session, and says so."""
    pytester.makepyfile(test_cases=CASES)
    args = ("--benchmark-only", "-k", "[line]", "-p", "no:randomly")
    site = install_plugin("line", LINE + SUPPLY)
    assert pytester.runpytest_inprocess(*args, "--benchsuite-run-dir=before").ret == 0
    compare = ("--benchsuite-compare=before", "--benchsuite-compare-fail=rate:0.01")
    (site / "plugin_at_rest.py").write_text(AT_REST)
    (site / "plugin_line-1.0.dist-info" / "entry_points.txt").write_text("[benchsuite]\nline = plugin_at_rest\n")
    refused = pytester.runpytest_inprocess(*args, *compare)
    assert refused.ret == 1
    refused.stdout.fnmatch_lines(["gate: line: not comparable: different case version*"])

    under_another_jax("before")
    dropped = pytester.runpytest_inprocess(*args, *compare)
    assert dropped.ret == 1
    dropped.stdout.fnmatch_lines(
        [
            "*= convergence compared =*",
            "line *100.0 %*0.0 %*−100.0*",
            "gate: line: its rate has dropped by 100.0 points (McNemar's p = 1.9e-06, level 0.01)",
        ]
    )
    assert pytester.runpytest_inprocess(*args, "--benchsuite-compare=nowhere").ret == pytest.ExitCode.USAGE_ERROR
