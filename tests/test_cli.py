"""The command `benchsuite`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin


def test_list_shows_every_case(benchsuite: Command) -> None:
    """Ours and wrap_errors cases are listed alike."""
    code, out, _ = benchsuite("list")

    assert code == 0
    for name in ("line", "mnist-identity-1L", "mnist-identity-4L", "relu-bias", "relu-to-relu"):
        assert f"\n{name} " in out


def test_plugins_shows_what_is_left_out(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """A broken plugin is listed with its reason, and the exit code says so."""
    assert benchsuite("plugins")[0] == 0
    install_plugin("broken", "import not_installed_anywhere", module="broken_for_cli")

    code, out, err = benchsuite("plugins")

    assert code == 1
    assert "LEFT OUT" in out
    assert "left out: broken (broken_for_cli 1.0): importing broken_for_cli failed" in err


def test_run_then_report(benchsuite: Command) -> None:
    """A run shows its table, and the same table can be shown again from the disk."""
    code, out, _ = benchsuite("run", "line", "--run-dir", "out")
    again = benchsuite("report", "out")

    assert code == again[0] == 0
    assert "100.0 %" in out
    assert out.endswith(again[1])
    assert json.loads(Path("out/run.json").read_text())["summaries"]["line"]["converged"] == 20


def test_resuming_keeps_the_options_of_the_run(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program says after Ctrl-C can be pasted: seeds, rounds and protocol are those the run was begun with."""
    from benchsuite.store.folder import RunFolder

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
    assert json.loads(Path("out/run.json").read_text())["summaries"]["line"]["seeds"] == 30


def test_replay_prints_every_evaluation(benchsuite: Command) -> None:
    """One seed is trained again; its end is that of the run."""
    benchsuite("run", "line", "--run-dir", "out")

    code, out, _ = benchsuite("replay", "line", "--seed", "7")

    assert code == 0
    assert [row.split()[0] for row in out.splitlines()[1:5]] == ["0", "20", "40", "60"]
    assert "kernel[0, 0]" in out
    assert "line, seed 7: converged" in out


def test_replay_draws_the_two_panels(benchsuite: Command) -> None:
    """The ending of the file chooses the format; the picture has loss over weight, with a title."""
    code, out, _ = benchsuite("replay", "relu-to-relu", "--seed", "3", "-o", "seed.svg")

    assert code == 0
    assert "drawn into seed.svg" in out
    assert ET.parse("seed.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    text = Path("seed.svg").read_text()
    for label in ("relu-to-relu, seed 3: ", "loss", "parameters", "optimiser steps"):
        assert f"<!-- {label}" in text


def test_replay_of_a_start(benchsuite: Command) -> None:
    """A start that the case names, or one in so many words, is trained on the data of any seed."""
    named = benchsuite("replay", "relu-bias", "--start", "red")
    said = benchsuite("replay", "relu-bias", "--start", "w=-2.5, b=1.5", "--seed", "1")

    assert named[0] == said[0] == 0
    assert "relu-bias, start red: stuck" in named[1]
    assert "relu-bias, start w=-2.5, b=1.5 on the data of seed 1: stuck" in said[1]
    assert named[1].splitlines()[1].split()[-2:] == said[1].splitlines()[1].split()[-2:] == ["1.5", "-2.5"]


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

    code, out, _ = benchsuite("report", "out", "-o", "ladder.svg")

    assert code == 0
    assert "drawn into ladder.svg" in out
    text = Path("ladder.svg").read_text()
    for label in ("1 - R² ≤", "largest absolute error ε ≤", "share that has succeeded", "line, 20 seeds"):
        assert f"<!-- {label} -->" in text


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("replay", "line"), 2, "add --seed N, or --start NAME"),
        (("replay", "relu-bias", "--start", "rod"), 2, "did you mean red?, or parameters such as b=1,w=2"),
        (("replay", "relu-bias", "--start", "w=1,w=2"), 2, "sets w twice"),
        (("replay", "relu-bias", "--start", "w=1e39,b=0"), 2, "sets w to 1e+39"),
        (("replay", "relu-bias", "--start", "w=-10"), 2, "lacks b"),
        (("replay", "relu-bias", "--start", "w=1,b=0,v=1"), 2, "sets 'v', which is not a parameter"),
        (("replay", "relu-bias", "--start", "w=nan,b=0"), 2, "sets w to nan"),
        (("replay", "mnist-identity-1L", "--start", "w=1", "--dataset", "stand-in"), 2, "too many parameters"),
        (("report", "nowhere", "-o", "ladder.gif"), 2, "has the ending '.gif'"),
        (("run", "lime"), 2, "there is no case 'lime'\n  try: did you mean line?"),
        (("run", "line", "--seeds", "0"), 2, "--seeds is 0"),
        (("run", "line", "--protocol", "sauce"), 2, "did you mean source?"),
        (("run", "line", "--dataset", "mnits"), 2, "did you mean mnist?"),
        (("run", "line", "--platform", "gpu"), 1, "there is no gpu device"),
        (("run", "line", "--resume"), 1, "there is no run"),
        (("run", "line", "--resume", "--run-dir", "nowhere"), 1, "nowhere holds no run"),
        (("replay", "line", "--seed", "-1"), 2, "-1 is not in the range"),
        (("replay", "line", "--seed", "1", "-o", "seed.gif"), 2, "has the ending '.gif'"),
        (("replay", "line", "--seed", "1", "-o", "nowhere/seed.png"), 2, "nowhere/seed.png does not exist"),
        (("report", "nowhere"), 1, "nowhere holds no run"),
        (("data", "mnits"), 2, "did you mean mnist?"),
        (("data", "auto"), 2, "there is no dataset 'auto' to download"),
        (("data", "--data-dir", "nowhere"), 1, "nowhere does not exist"),
    ],
)
def test_wrong_argument_gets_a_sentence(benchsuite: Command, args: tuple[str, ...], code: int, said: str) -> None:
    """Every mistake is answered with what is wrong and what to try, and the exit code tells whose it is."""
    exit_code, _, err = benchsuite(*args)

    assert exit_code == code
    assert said in err
    assert "Traceback" not in err


def test_failing_case_lets_the_others_run(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """A case that cannot run is told on the way, and the run ends with exit code 1."""
    supply = SUPPLY.replace("line()", "line('bad-loss', loss=lambda p, y: p - y)")
    install_plugin("bad-loss", LINE + supply, module="bad_loss_for_cli")

    code, out, err = benchsuite("run", "bad-loss", "line")

    assert code == 1
    assert "error: case bad-loss: its loss has shape" in err
    assert "\nline " in out


def test_data_verifies_what_is_there(benchsuite: Command, tmp_path: Path) -> None:
    """A damaged file in the user's folder is found ahead of a run."""
    from benchsuite_mnist.images import TEST, TRAIN

    (tmp_path / "mnist").mkdir()
    for name in (TRAIN, TEST):
        (tmp_path / "mnist" / name).write_bytes(b"no gzip")

    code, _, err = benchsuite("data", "--verify", "--data-dir", str(tmp_path))

    assert code == 1
    assert f"{TRAIN} is not a valid gzip file" in err


def test_help_imports_nothing_heavy() -> None:
    """Help comes at once: neither JAX nor anything of its weight is loaded."""
    code = "import sys, benchsuite.cli.main as c; c.cli.main(['--help'], standalone_mode=False); print(*sys.modules)"

    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"jax", "flax", "optax", "scipy", "numpy", "matplotlib", "pooch", "rich", "pytest"} & set(modules)


def test_path_that_no_system_bears_is_told(benchsuite: Command) -> None:
    """Where the system refuses a name, it is a sentence."""
    code, _, err = benchsuite("run", "line", "--run-dir", "x" * 300)

    assert code == 1
    assert "File name too long" in err
