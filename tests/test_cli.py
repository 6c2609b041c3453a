"""The command `benchsuite`."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from stored import GOOD, STUCK, a_case, store_run

from benchsuite.store.folder import RunFolder


def test_list_shows_every_case(benchsuite: Command) -> None:
    """Ours and wrap_errors cases are listed alike."""
    code, out, _ = benchsuite("list")

    assert code == 0
    for name in ("line", "mnist-identity-1L", "mnist-identity-4L", "relu-bias", "relu-to-relu"):
        assert f"\n{name} " in out


def test_list_selects_by_tag_and_family(benchsuite: Command) -> None:
    """A line for each case that is selected; a name that no case has is an error with near matches."""
    names = {line.split()[0] for line in benchsuite("list", "--tag", "small", "--family", "relu")[1].splitlines()}

    assert {"relu-bias", "relu-output", "relu-to-relu"} < names
    assert not {"line", "euclidean-distance", "mnist-identity-1L"} & names
    code, _, err = benchsuite("list", "--family", "rel")
    assert code == 2
    assert "no case has the family 'rel'" in err
    assert "did you mean relu" in err


def test_show_describes_a_case(benchsuite: Command) -> None:
    """Source, protocol, criterion, claims, treatments that apply or why not, and earlier runs."""
    benchsuite("run", "line", "--seeds", "4")

    code, out, _ = benchsuite("show", "line")
    text = " ".join(out.split())

    assert code == 0
    assert "source: https://example.org/line" in text
    assert "source protocol: 60 steps, evaluated every 20 steps, 20 seeds" in text
    assert "criterion: " in text
    assert "treatments that apply: " in text
    assert "Earlier runs in .benchsuite" in text
    assert "source 4 100.0 %" in text
    assert "claims of the source, 3: - " in " ".join(benchsuite("show", "relu-bias")[1].split())


def test_clean_removes_runs_by_age_and_size(benchsuite: Command) -> None:
    """The newest runs are kept; nothing is removed without an option, or by a dry run, or while it is written."""
    root = Path(".benchsuite")
    for day in (1, 2, 3):
        store_run(root / f"2026010{day}-000000", a_case("line", GOOD, GOOD))
        written = datetime.now(UTC).timestamp() - (3 - day) * 86400
        os.utime(root / f"2026010{day}-000000" / "run.json", (written, written))
    names = ["20260101-000000", "20260102-000000", "20260103-000000"]

    def left() -> list[str]:
        return sorted(path.name for path in root.iterdir() if path.is_dir())

    assert benchsuite("clean")[1].startswith("3 runs in .benchsuite take")
    assert "would be removed: .benchsuite/20260101" in benchsuite("clean", "--older-than", "36h", "--dry-run")[1]
    assert left() == names
    with RunFolder(root / names[0]).locked():
        code, _, err = benchsuite("clean", "--older-than", "36h")
    assert code == 1
    assert "kept: another run is writing into" in err
    assert benchsuite("clean", "--older-than", "36h")[0] == 0
    assert left() == names[1:]
    benchsuite("clean", "--keep-size", "1k")
    assert left() == []
    assert "give an age such as 30d" in benchsuite("clean", "--older-than", "soon")[2]
    assert "give a size such as 500M" in benchsuite("clean", "--keep-size", "2 days")[2]


def test_report_shows_one_section(benchsuite: Command) -> None:
    """And names all sections where it does not exist."""
    store_run(Path("out"), a_case("line", *[GOOD] * 12, *[STUCK] * 12))

    code, out, _ = benchsuite("report", "out", "--terminal", "claims", "--terminal", "sweeps")

    assert code == 0
    assert "Claims of the sources" in out
    assert "rows of every seed" not in out
    assert "sweeps: this run has none" in out
    code, _, err = benchsuite("report", "out", "--terminal", "claim")
    assert code == 2
    assert "one of: rates, cost" in err


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
    assert RunFolder(Path("out")).summaries["line"].converged == 20


def test_replay_prints_every_evaluation(benchsuite: Command) -> None:
    """One seed is trained again; its end is that of the run."""
    benchsuite("run", "line", "--run-dir", "out")

    code, out, _ = benchsuite("replay", "line", "--seed", "7")

    assert code == 0
    assert [row.split()[0] for row in out.splitlines()[1:5]] == ["0", "20", "40", "60"]
    assert "kernel[0, 0]" in out
    assert "line, seed 7: converged" in out


def test_replay_of_a_start(benchsuite: Command) -> None:
    """A start that the case names, or one in so many words, is trained on the data of any seed."""
    named = benchsuite("replay", "relu-bias", "--start", "red")
    said = benchsuite("replay", "relu-bias", "--start", "w=-2.5, b=1.5", "--seed", "1")

    assert named[0] == said[0] == 0
    assert "relu-bias, start red: stuck" in named[1]
    assert "relu-bias, start w=-2.5, b=1.5 on the data of seed 1: stuck" in said[1]
    assert named[1].splitlines()[1].split()[-2:] == said[1].splitlines()[1].split()[-2:] == ["1.5", "-2.5"]


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
        (("report", "nowhere", "-o", "thresholds.gif"), 2, "has the ending '.gif'"),
        (("run", "lime"), 2, "there is no case 'lime'\n  try: did you mean line"),
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
    from benchsuite_library.mnist.images import TEST, TRAIN

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


def test_list_imports_no_tables_of_results() -> None:
    """A list of cases comes soon: what compares and stores results is not loaded."""
    code = "import sys, benchsuite.cli.main as c; c.cli.main(['list'], standalone_mode=False); print(*sys.modules)"

    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = listed.splitlines()[-1].split()

    assert "relu-to-relu" in listed
    assert "benchsuite.report.terminal" in modules
    assert not {"benchsuite.comparison", "benchsuite.execution", "benchsuite.store"} & set(modules)


def test_path_that_no_system_bears_is_told(benchsuite: Command) -> None:
    """Where the system refuses a name, it is a sentence."""
    code, _, err = benchsuite("run", "line", "--run-dir", "x" * 300)

    assert code == 1
    assert "File name too long" in err
