"""Test the plugin: its entry point, and the success rate of its case."""

import json
import subprocess


def test_case_is_listed():
    """The installed case appears in `benchsuite list`."""
    listed = subprocess.run(["benchsuite", "list"], capture_output=True, text=True, check=True)

    assert "xor" in listed.stdout


def test_xor_is_learnt_from_some_starts_only(tmp_path):
    """Some random starts of XOR with two hidden units converge, and others do not."""
    subprocess.run(["benchsuite", "run", "xor", "--seeds", "200", "--run-dir", str(tmp_path)], check=True)

    export = ["benchsuite", "export", str(tmp_path), "--format", "bencher"]
    figures = json.loads(subprocess.run(export, capture_output=True, check=True).stdout)
    assert 0 < figures["xor"]["convergence-rate"]["value"] < 1
