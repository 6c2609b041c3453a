"""What the tests share: one or two CPU devices, and wrap_errors plugins that are made on the spot."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import jax
import numpy.fft
import pytest
import scipy.stats

import benchsuite.execution.runner
import benchsuite.report.terminal.summary
import benchsuite.system.progress
from benchsuite.cli import main as cli
from benchsuite.system import machine

# A pytest inside of a test forgets every module that it was the first to import, and some bear no second import.
PRELOADED = (
    numpy.fft,
    scipy.stats,
    benchsuite.system.progress,
    benchsuite.report.terminal.summary,
    benchsuite.execution.runner,
)

pytest_plugins = ["pytester"]

# The tests compile the same few programs again and again: a cache of their own saves more than half of their time.
# JAX, which is imported by now, reads the environment no more; the processes that tests start do, and so do the workers
# of -n, which share the cache. JAX locks it only if it is limited.
if "PYTEST_XDIST_WORKER" in os.environ:
    cache = os.environ["JAX_COMPILATION_CACHE_DIR"]
else:
    cache = tempfile.mkdtemp(prefix="benchsuite-tests-")
    atexit.register(shutil.rmtree, cache, ignore_errors=True)
CACHE = {
    "jax_compilation_cache_dir": cache,
    "jax_compilation_cache_max_size": 2**30,
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}
for name, value in CACHE.items():
    jax.config.update(name, value)
    os.environ[name.upper()] = str(value)

# Two devices for the tests that ask for both; all others, and the processes that tests start, make do with one, whose
# programs are compiled in half the time.
jax.config.update("jax_num_cpu_devices", 2)
os.environ["JAX_NUM_CPU_DEVICES"] = "1"
machine.configure("cpu")
DEVICES = machine.devices("cpu")

# What JAX traces are many objects that live as long as they are needed: looking for rings among them all the time takes
# a fifth of the time.
gc.set_threshold(100_000, 20, 100)

_ask = machine.devices

#: A linear unit that learns a line in no time: from any start when `rate` is 0.1, from none when it is 0.
LINE = """
import jax, optax
from flax import nnx
from benchsuite import Case, Claim, FailureRate, Schedule, Stream, hookimpl

def noisy_line(key, n):
    x, noise = jax.random.normal(key, (2, n, 1))
    return x, 3 * x + 1 + 0.01 * noise

def line(name="line", rate=0.1, **fields):
    standard = dict(
        name=name,
        summary="A linear unit learns a line.",
        source="https://example.org/line",
        model=lambda rngs: nnx.Linear(1, 1, rngs=rngs),
        dataset=Stream(noisy_line, batch_size=32, evaluation_size=256),
        optimizer=optax.sgd(rate),
        schedule=Schedule(steps=60, evaluate_every=20, seeds=20),
    )
    return Case(**(standard | fields))
"""

SUPPLY = """
@hookimpl
def benchsuite_cases():
    yield line()
"""


def pytest_configure(config: pytest.Config) -> None:
    """Lets every warning be an error, here but not in `cases/`, where what users run is run."""
    config.addinivalue_line("filterwarnings", "error")


InstallPlugin = Callable[..., Path]


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallPlugin:
    """Installs a distribution with one plugin for the time of a test: (name, code) → the folder it lies in."""

    def install(name: str = "line", code: str = LINE + SUPPLY, module: str = "") -> Path:
        module = module or f"plugin_{name.replace('-', '_')}"
        folder = tmp_path / f"site-{name}"
        about = folder / f"{module}-1.0.dist-info"
        about.mkdir(parents=True)
        (folder / f"{module}.py").write_text(textwrap.dedent(code))
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[benchsuite]\n{name} = {module}\n")
        sys.modules.pop(module, None)  # of an earlier test
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        return folder

    return install


Command = Callable[..., tuple[int, str, str]]


def run(*args: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Run a command in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["benchsuite", *args])
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as exited:
        cli.main()
    captured = capsys.readouterr()
    return int(str(exited.value.code)), captured.out, captured.err


@pytest.fixture
def benchsuite(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, install_plugin: InstallPlugin
) -> Command:
    """Runs a command, with the wrap_errors case `line` installed."""
    install_plugin("line", LINE + SUPPLY)
    return lambda *args: run(*args, capsys=capsys, monkeypatch=monkeypatch)


@pytest.fixture(autouse=True)
def _one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test train on one device, unless it asks for `two_devices`."""
    monkeypatch.setattr(machine, "devices", lambda kind="auto": DEVICES[:1] if kind in ("auto", "cpu") else _ask(kind))


@pytest.fixture
def two_devices(_one_device: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test train on two devices."""
    monkeypatch.setattr(machine, "devices", lambda kind="auto": DEVICES)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every test work in a folder of its own, so that none leaves runs in the repository."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    # A pytest inside of a test is no worker of -n, even if the test is run by one.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
