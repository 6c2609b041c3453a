"""The plugin as its author tests it: found through its entry point, and trained."""

import json
import subprocess


def test_case_is_listed():
    """An installed plugin appears in the list of cases with no other change."""
    listed = subprocess.run(["benchsuite", "list"], capture_output=True, text=True, check=True)

    assert "xor" in listed.stdout


def test_xor_is_learnt_from_some_starts_only(tmp_path):
    """XOR with two hidden units has starts that work and starts that get stuck, and the summary says how many."""
    run = ["benchsuite", "run", "xor", "--seeds", "200", "--run-dir", str(tmp_path)]

    subprocess.run(run, check=True)

    (summary,) = json.loads((tmp_path / "xor" / "case.json").read_text())["summaries"]
    assert 0 < summary["converged"] < summary["seeds"] == 200
