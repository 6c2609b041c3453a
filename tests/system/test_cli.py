"""The command line, through its own door."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin

from benchsuite.store.folder import RunFolder


def test_resuming_keeps_the_options_of_the_run(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program says after Ctrl-C can be pasted: seeds, rounds and protocol are those the run was begun with."""
    keep = RunFolder.write_round

    def interrupt(self: RunFolder, *args: Any) -> None:
        keep(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_round", interrupt)
        code, _, err = benchsuite("run", "line", "--seeds", "30", "--rounds", "3", "--run-dir", "out")
    assert code == 130
    assert "continue with --resume --run-dir out" in err

    code, _, _ = benchsuite("run", "line", "--resume", "--run-dir", "out")

    assert code == 0
    assert RunFolder(Path("out")).summaries["line"].seeds == 30


def test_replay_draws_the_two_panels(benchsuite: Command) -> None:
    """The ending of the file chooses the format; the picture has loss over weight, with a title."""
    code, out, _ = benchsuite("replay", "relu-to-relu", "--seed", "3", "-o", "seed.svg")

    assert code == 0
    assert "drawn into seed.svg" in out
    assert ET.parse("seed.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    text = Path("seed.svg").read_text()
    for label in ("relu-to-relu, seed 3: ", "loss<", "parameters<", "optimiser steps<", "evaluation<", "training<"):
        assert f">{label}" in text


def test_replay_of_a_start_of_a_matrix(benchsuite: Command) -> None:
    """Parameters are named as the table names them, indices and all."""
    code, out, _ = benchsuite("replay", "line", "--start", "kernel[0, 0]=-1, bias[0]=2")

    assert code == 0
    assert out.splitlines()[1].split()[-2:] == ["2", "-1"]


def test_replay_shows_diagnostics_and_how_to_read_them(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """Each figure of a case stands beside its sentence."""
    fields = "diagnostics=[Diagnostic('slope', 'of the line', of_model=lambda model, x, y: model.kernel[0, 0])]"
    code = LINE + "from benchsuite import Diagnostic\n" + SUPPLY.replace("line()", f"line('told', {fields})")
    install_plugin("told", code, module="told_for_cli")

    _, out, _ = benchsuite("replay", "told", "--seed", "0")

    assert re.search(r"slope +(3|2\.9\d+|3\.0\d+) +of the line", out)


def test_report_draws_the_distributions(benchsuite: Command) -> None:
    """How small an error is reached how often, and how soon, in one picture of a run."""
    benchsuite("run", "line", "--run-dir", "out")

    code, out, _ = benchsuite("report", "out", "-o", "thresholds.svg")

    assert code == 0
    assert "drawn into thresholds.svg" in out
    text = Path("thresholds.svg").read_text()
    for label in ("1 − R² ≤", "largest absolute error ε ≤", "share of the seeds that succeeded", "line", "20 seeds"):
        assert f">{label}</text>" in text or f">{label}</tspan>" in text
    assert "10⁻" in text
