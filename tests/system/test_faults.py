"""Whatever happens to a run, nothing is lost and nothing is wrong."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import numpy as np
import psutil
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin

from benchsuite.engine import ensemble
from benchsuite.plugins.registry import load_registry
from benchsuite.results.seeds import SeedTable
from benchsuite.store import folder as store
from benchsuite.store.folder import RunFolder
from benchsuite.system import machine, signals
from benchsuite.system import process as child

BENCHSUITE = [sys.executable, "-m", "benchsuite"]

#: Cases of one plugin, each broken in a way of its own, and one that is not.
FAULTS = (
    LINE
    + """
import os, sys, time
import numpy as np

def hang(key, n):
    while True:
        time.sleep(0.01)

def end(key, n):
    os._exit(3)

def hoard(key, n):
    kept = []
    while True:
        kept.append(np.ones(2**22))

def leave(key, n):
    sys.exit("bye")

def meddle(key, n):
    jax.config.update("jax_default_matmul_precision", "bfloat16")
    return noisy_line(key, n)

def garbage(key, n):
    return "garbage", None

def crash(key, n):
    raise RuntimeError("no such luck")

class Outcome(BaseException):
    def __str__(self):
        raise ValueError

def panic(key, n):
    raise Outcome

def fork(key, n):
    if os.fork():
        os._exit(3)
    while True:
        time.sleep(0.01)

def late(prediction, target):
    def fail(_):
        raise RuntimeError("only now")
    rows = jax.lax.stop_gradient(prediction - target)
    return jax.pure_callback(fail, jax.ShapeDtypeStruct((), "float32"), rows, vmap_method="sequential")

def meddling(start):
    if len(start["bias[0]"]) > 1:
        jax.config.update("jax_enable_x64", True)
        os.chdir("..")
    return start["bias[0]"] > 0

@hookimpl
def benchsuite_cases():
    for draw in (hang, end, hoard, leave, meddle, garbage, crash, panic, fork):
        yield line(draw.__name__, dataset=Stream(draw, batch_size=32, evaluation_size=256))
    yield line("late", metrics={"late": late})
    yield line("grouped", groups={"right": meddling})
    yield line("sound")
"""
)


def rows(path: Path, case: str = "line") -> dict[str, np.ndarray]:
    """Everything that a run knows of its seeds."""
    return SeedTable.join([round_result.rows for round_result in RunFolder(path).round_results(case)]).columns


WHOLE: dict[str, np.ndarray] = {}


def whole(benchsuite: Command) -> dict[str, np.ndarray]:
    """The rows of a run that was left alone."""
    if not WHOLE:
        assert benchsuite("run", "line", "--run-dir", "whole")[0] == 0
        WHOLE.update(rows(Path("whole")))
    return WHOLE


def test_run_that_is_killed_twenty_times(benchsuite: Command) -> None:
    """A run that is killed at random moments, again and again, ends with the rows of one that was left alone."""
    options = ["line", "--seeds", "100", "--rounds", "50"]
    assert benchsuite("run", *options, "--run-dir", "whole")[0] == 0

    kill = [sys.executable, str(Path(__file__).parent / "kill_often.py"), "killed", "20", *options]
    killed = subprocess.run(kill, capture_output=True, text=True, check=False)

    assert killed.returncode == 0, killed.stdout + Path("killed.log").read_text()
    np.testing.assert_equal(rows(Path("killed")), rows(Path("whole")))
    assert not list(Path("killed").rglob(".*.unfinished"))


@pytest.mark.parametrize("write", [1, 2, 4, 5])
def test_disk_that_fills_up(write: int, benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file there is no room for any more: it is said, and what was there before is gone on from."""
    numbers = itertools.count(1)
    assert benchsuite("list")[0] == 0  # writes what the plugins declare

    def full(_: int) -> None:
        if next(numbers) >= write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, _, err = benchsuite("run", "line", "--run-dir", "full")

    assert code == 1
    assert "No space left on device" in err
    assert "--resume" in err
    resume = ["--resume"] if write > 1 else []
    assert benchsuite("run", "line", "--run-dir", "full", *resume)[0] == 0
    np.testing.assert_equal(rows(Path("full")), whole(benchsuite))


def test_system_that_refuses_to_write(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the system itself, in the middle of a file, as of a quota: that too is said and gone on from."""
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")  # whose files would be cut too
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (6000, 6000)); from benchsuite.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "run", "line", "--run-dir", "full"]

    limited = subprocess.run(command, capture_output=True, text=True, check=False)

    assert limited.returncode == 1
    assert "cannot be written: File too large" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert benchsuite("run", "line", "--run-dir", "full", "--resume")[0] == 0
    np.testing.assert_equal(rows(Path("full")), whole(benchsuite))


def edited(path: Path) -> None:
    """One seed more has converged, in a file that is otherwise sound."""
    with np.load(path) as stored:
        columns = {name: stored[name] for name in stored.files}
    columns["outcomes"][0] = "stuck"
    np.savez(path, **columns)


def of_another_version(path: Path) -> None:
    """As a later version would write it."""
    with np.load(path) as stored:
        columns = {name: stored[name] for name in stored.files}
    columns["facts"] = np.array(str(columns["facts"]).replace(f'"schema": {store.SCHEMA}', '"schema": 99'))
    np.savez(path, **columns)


def compressed(path: Path) -> None:
    """As somebody would write it who wants a small file to fill the memory."""
    with np.load(path) as stored:
        columns = {name: stored[name] for name in stored.files}
    np.savez_compressed(path, **columns, **{"start.bomb": np.zeros(2**24 + 1, np.float32)})


DAMAGES = {
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-40]), "is damaged"),
    "edited": (edited, "changed after it was written"),
    "version": (of_another_version, "schema 99"),
    "compressed": (compressed, "a compressed member has 67,1"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_shard_that_was_touched(damage: Any, said: str, benchsuite: Command) -> None:
    """No figure is made of it; without it the run is gone on with, to the same rows."""
    assert benchsuite("run", "line", "--run-dir", "out")[0] == 0
    before = rows(Path("out"))
    round_result = min(Path("out/line").glob("seeds-*.npz"))
    damage(round_result)

    for command in (
        ["report", "out"],
        ["run", "line", "--resume", "--run-dir", "out"],
        ["export", "out", "--format", "bencher"],
    ):
        code, out, err = benchsuite(*command)
        assert code == 1
        assert said in err
        assert round_result.name in err
        assert "converged" not in out

    round_result.unlink()
    assert benchsuite("run", "line", "--resume", "--run-dir", "out")[0] == 0
    np.testing.assert_equal(rows(Path("out")), before)


@pytest.mark.parametrize("name", ["run.json", "line/case.json"])
def test_json_that_was_edited(name: str, benchsuite: Command) -> None:
    """A file that was changed after it was written is refused."""
    assert benchsuite("run", "line", "--run-dir", "out")[0] == 0
    path = Path("out") / name
    path.write_text(path.read_text().replace('"highest"', '"default"', 1))

    code, _, err = benchsuite("report", "out")

    assert code == 1
    assert "was changed after it was written" in err


def run_out_of_memory(monkeypatch: pytest.MonkeyPatch, above: int) -> list[int]:
    """Make larger blocks run out of memory; gives the sizes that did."""
    run_chunk = ensemble.Ensemble._run
    failed: list[int] = []

    def scarce(self: ensemble.Ensemble, *args: Any) -> Any:
        if self.lanes > above:
            failed.append(self.lanes)
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte")
        return run_chunk(self, *args)

    monkeypatch.setattr(ensemble.Ensemble, "_run", scarce)
    return failed


def test_device_that_runs_out_of_memory(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeds are trained in ever smaller blocks, to the same rows but for rounding."""
    expected = whole(benchsuite)
    failed = run_out_of_memory(monkeypatch, above=8)

    assert benchsuite("run", "line", "--rounds", "1", "--run-dir", "scarce")[0] == 0

    assert failed == [128, 64, 32, 16]
    for name, values in rows(Path("scarce")).items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, expected[name], rtol=1e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_two_runs_in_one_folder(benchsuite: Command) -> None:
    """The second is told of the first, touches nothing, and may go on when that has ended."""
    assert benchsuite("run", "line", "--run-dir", "out")[0] == 0

    with RunFolder(Path("out")).locked():
        code, _, err = benchsuite("run", "line", "--resume", "--run-dir", "out", "--seeds", "30")
        assert benchsuite("report", "out")[0] == 0, "whoever only reads may do so"

    assert code == 1
    assert "another run is writing into out" in err
    assert len(rows(Path("out"))["seeds"]) == 20
    assert benchsuite("run", "line", "--resume", "--run-dir", "out", "--seeds", "30")[0] == 0
    assert len(rows(Path("out"))["seeds"]) == 30


def test_clock_that_jumps(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back or forth in a run changes no duration, and the latest run stays the latest."""
    times = iter([datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # noqa: ARG003
            return next(times)

    jumps = itertools.cycle([0.0, 1e9, -1e9])
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(store, "datetime", Clock)
        patch.setattr(time, "time", lambda: now + next(jumps))
        for seeds in ("8", "6"):
            assert benchsuite("run", "line", "--seeds", seeds)[0] == 0

    latest = RunFolder.latest()
    assert latest.path.name == "20261123-000000-2"
    summary = latest.summaries["line"]
    assert summary.seeds == 6
    assert 0 < summary.device_seconds < 1e6
    assert all(0 < seconds < 1e6 for seconds in summary.round_seconds)


@pytest.mark.parametrize("interface", ["benchsuite", "pytest"])
def test_run_that_is_asked_to_end(interface: str, install_plugin: InstallPlugin) -> None:
    """SIGTERM ends a run as Ctrl-C does: with its tables, and its rounds on disk."""
    install_plugin()
    many = ["--seeds", "6000", "--rounds", "2000", "--run-dir", "out"]
    if interface == "pytest":
        many = [option.replace("--", "--benchsuite-") for option in many]
        Path("test_line.py").write_text("def test_training(registered_case, bench):\n    bench(registered_case)\n")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_line.py::test_training[line]", *many]
    else:
        command = [*BENCHSUITE, "run", "line", *many]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not list(Path("out").glob("line/seeds-*.npz")) and run.poll() is None:
        time.sleep(0.05)

    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=60)

    assert run.returncode == (143 if interface == "benchsuite" else pytest.ExitCode.INTERRUPTED), out
    assert "95 % interval" in out
    assert 0 < len(rows(Path("out"))["seeds"]) < 6000


def faults(install_plugin: InstallPlugin) -> None:
    """Install the plugin whose cases are broken."""
    install_plugin("faults", FAULTS)


def test_case_that_breaks_costs_no_other(install_plugin: InstallPlugin, benchsuite: Command) -> None:
    """Cases that raise, leave, give garbage or change JAX's settings fail by name; the next one is trained."""
    faults(install_plugin)
    before, folder = dict(jax.config.values), Path.cwd()

    code, out, err = benchsuite(
        "run", "leave", "meddle", "garbage", "crash", "panic", "late", "grouped", "sound", "--run-dir", "out"
    )

    assert code == 1
    assert "case leave: its data failed: SystemExit: bye (plugin_faults.py, line" in err
    assert "case meddle sets jax_default_matmul_precision = bfloat16 globally" in err
    assert "case garbage: its data contain a str" in err
    assert "case crash: its data failed: RuntimeError: no such luck (plugin_faults.py, line" in err
    assert "case panic: its data failed: Outcome (plugin_faults.py, line" in err
    assert re.search("case late: its training failed at run time: .*RuntimeError: only now\n", err)
    assert "case grouped sets jax_enable_x64 = True, the working folder = " in err
    assert "sound" in out
    assert jax.config.values == before
    assert Path.cwd() == folder
    assert len(rows(Path("out"), "sound")["seeds"]) == 20


def test_case_that_hangs_is_stopped(install_plugin: InstallPlugin, benchsuite: Command) -> None:
    """With a time limit, a case that never ends is ended."""
    faults(install_plugin)

    code, _, err = benchsuite("run", "hang", "--time-limit", "1")

    assert code == 1
    assert "case hang was stopped: it exceeded the time limit of 1 s" in err


def test_case_that_ends_or_hoards_costs_no_other(
    install_plugin: InstallPlugin, benchsuite: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, a case can neither end the run nor take all the memory; the next one is trained.

    Nor does such a process wait again for a plugin that was left out.
    """
    faults(install_plugin)
    assert benchsuite("run", "sound", "--run-dir", "whole")[0] == 0
    monkeypatch.setattr(signals, "PLUGIN_TIMEOUT", 0.5)
    imported = Path("imported").absolute()
    slow = f"with open({str(imported)!r}, 'a') as file:\n    file.write('.')\nwhile True:\n    pass"
    install_plugin("slow", slow, module="plugin_that_hangs")
    monkeypatch.setattr(machine, "free_memory", lambda: 2**30 / child.MEMORY_SHARE)

    code, out, err = benchsuite("run", "fork", "hoard", "sound", "--time-limit", "300", "--run-dir", "out")

    assert code == 1
    assert "case fork: its process exited with code 3" in err
    assert "case hoard was stopped: it used 1." in err
    assert "left out: slow" in err
    assert imported.read_text() == "."
    assert "sound" in out
    np.testing.assert_equal(rows(Path("out"), "sound"), rows(Path("whole"), "sound"))


def test_process_of_a_case_ends_with_its_parent(install_plugin: InstallPlugin, tmp_path: Path) -> None:
    """Who kills what has started it leaves no process behind that hangs or takes memory for ever."""
    mark = tmp_path / "mark"
    told = f"def hang(key, n):\n    open({str(mark)!r}, 'w').write(str(os.getpid()))"
    install_plugin("faults", FAULTS.replace("def hang(key, n):", told))
    run = subprocess.Popen([*BENCHSUITE, "check", "hang"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (mark.exists() and mark.read_text()):
        assert run.poll() is None
        time.sleep(0.05)

    run.kill()
    run.wait()

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(mark.read_text())).wait(60)


def test_run_whose_folder_is_taken_away(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and does not pretend that its rows are kept."""
    keep = RunFolder.write_round

    def keep_and_lose(self: RunFolder, *args: Any) -> None:
        keep(self, *args)
        shutil.rmtree(self.path)

    monkeypatch.setattr(RunFolder, "write_round", keep_and_lose)
    code, _, err = benchsuite("run", "line", "--run-dir", "out")

    assert code == 1
    assert "out is gone" in err
    assert not Path("out").exists()


def test_two_runs_that_begin_in_one_folder(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them is told of the other, whichever looks first."""
    begun: list[int] = []

    def begin_between() -> str:
        monkeypatch.setattr(store.machine, "commit", lambda: "")
        begun.append(benchsuite("run", "line", "--run-dir", "out")[0])
        return ""

    monkeypatch.setattr(store.machine, "commit", begin_between)
    code, _, err = benchsuite("run", "line", "--run-dir", "out")

    assert (begun, code) == ([0], 1)
    assert "holds a run already" in err
    assert len(rows(Path("out"))["seeds"]) == 20


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("while True:\n    pass", "timed out after"),
        (
            LINE + SUPPLY.replace("yield line()", "time = __import__('time')\n    time.sleep(60)\n    yield line()"),
            "timed out after",
        ),
        (LINE + "jax.config.update('jax_enable_x64', True)" + SUPPLY, "sets jax_enable_x64 = True globally"),
    ],
    ids=["hangs", "hook hangs", "meddles"],
)
def test_plugin_that_spoils_it_for_all_is_left_out(
    code: str, said: str, install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is never there, or changes what all others have to live with, is left out with its reason."""
    monkeypatch.setattr(signals, "PLUGIN_TIMEOUT", 0.5)
    install_plugin("spoiler", code, module=f"spoiler_{abs(hash(code))}")

    registry = load_registry()

    (left_out,) = registry.left_out
    assert said in str(left_out.error)
    assert "relu-to-relu" in registry.cases
    assert not jax.config.jax_enable_x64
