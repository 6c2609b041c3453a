"""Test the plugin: its entry point, and the success rate of its case."""

import json
import subprocess


def test_case_is_listed():
    """The installed case appears in `benchsuite list`."""
    listed = subprocess.run(["benchsuite", "list"], capture_output=True, text=True, check=True)

    assert "xor" in listed.stdout


def test_xor_is_learnt_from_some_starts_only(tmp_path):
    """Some random starts of XOR with two hidden units converge, and others do not."""
    run = ["benchsuite", "run", "xor", "--seeds", "200", "--run-dir", str(tmp_path)]

    subprocess.run(run, check=True)

    record = json.loads((tmp_path / "run.json").read_text())["records"]["xor"]
    assert 0 < record["converged"] < record["seeds"] == 200
