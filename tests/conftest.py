"""Fixtures of all tests: CPU devices, a cache of compiled programs, and plugins installed for one test."""

from __future__ import annotations

import gc
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import hypothesis
import jax
import numpy.fft
import pytest
import scipy.stats

import benchsuite.execution.runner
import benchsuite.report.terminal.summary
import benchsuite.system.progress
from benchsuite.cli import main as cli
from benchsuite.system import cache, machine

# A pytest inside a test unloads the modules that it was the first to import; some of them cannot be imported twice.
PRELOADED = (
    numpy.fft,
    scipy.stats,
    benchsuite.system.progress,
    benchsuite.report.terminal.summary,
    benchsuite.execution.runner,
)

pytest_plugins = ["pytester"]

# No time decides a test, and a busy machine is no failure.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")

# Tests compile the same few programs many times: a cache of compiled programs saves more than half of their time. It is
# kept beside pytest's own cache for the next session. The environment variables are for child processes and the workers
# of -n. JAX locks the cache only if its size is limited.
PROGRAMS = Path(__file__).parent.parent / ".pytest_cache" / "programs" / cache.processor()
PROGRAMS.mkdir(parents=True, exist_ok=True)
CACHE = {
    "jax_compilation_cache_dir": str(PROGRAMS),
    "jax_compilation_cache_max_size": 2**30,
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}
for name, value in CACHE.items():
    jax.config.update(name, value)
    os.environ[name.upper()] = str(value)

# Two devices for tests with the fixture `two_devices`; one for all others and for child processes, because programs for
# one device compile in half the time.
jax.config.update("jax_num_cpu_devices", 2)
os.environ["JAX_NUM_CPU_DEVICES"] = "1"
machine.configure("cpu")
DEVICES = machine.devices("cpu")

# Tracing in JAX creates many long-lived objects; frequent garbage collection takes a fifth of the time.
gc.set_threshold(100_000, 20, 100)

_ask = machine.devices

#: A linear unit that learns a line quickly: from any start if `rate` is 0.1, from none if it is 0.
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
    """Turn warnings into errors in the tests, but not in `cases/`."""
    config.addinivalue_line("filterwarnings", "error")


InstallPlugin = Callable[..., Path]


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallPlugin:
    """Install a distribution with one plugin for one test: (name, code) → its folder."""

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
    """Run a command in this process; return its exit code, standard output and standard error."""
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
    """Run a command in this process, with the case `line` installed."""
    install_plugin("line", LINE + SUPPLY)
    return lambda *args: run(*args, capsys=capsys, monkeypatch=monkeypatch)


@pytest.fixture(autouse=True)
def _one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on one device, except in tests with `two_devices`."""
    monkeypatch.setattr(machine, "devices", lambda kind="auto": DEVICES[:1] if kind in ("auto", "cpu") else _ask(kind))


@pytest.fixture
def two_devices(_one_device: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on two devices."""
    monkeypatch.setattr(machine, "devices", lambda kind="auto": DEVICES)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in an empty working directory."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    # A pytest inside a test is not a worker of -n, even if a worker runs the test.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
