"""Measure whole runs of the suite in child processes: time, its parts, and memory.

As a script, `python whole.py ARGUMENT...` does what `benchsuite ARGUMENT...` does, and ends with what it took.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run.

    Args:
        wall: seconds from start to end of the process.
        steady: seconds a seed of the steady rounds, or of the only one, of its first case.
        training: seconds of the timed rounds of all cases.
        trace: seconds that JAX took to trace their programs.
        compile: seconds that XLA took to compile them, or to read them from the cache.
        libraries: seconds to import JAX, flax, optax and SciPy.
        plugins: seconds to find and load the plugins.
        summaries: seconds to sum up rows, and to write them and their figures.
        tables: seconds to read them again, and to show them.
        peak: resident memory in MiB.
    """

    wall: float
    steady: float
    training: float
    trace: float
    compile: float
    libraries: float
    plugins: float
    summaries: float
    tables: float
    peak: float

    @property
    def rest(self) -> float:
        """Seconds without training and compilation."""
        return self.wall - self.training - self.trace - self.compile


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run `benchsuite run` with these arguments and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "run", *arguments, "--run-dir", f"{folder}/run"]
        begin = time.perf_counter()
        output = _output(command, {**os.environ, **(environment or {})})
        wall = time.perf_counter() - begin
        cases = [json.loads(path.read_text()) for path in (Path(folder) / "run").glob("*/case.json")]
    summaries = [summary for case in cases for summary in case["summaries"]]
    return Run(
        wall,
        1 / summaries[0]["seeds_per_second"],
        sum((summary["first_run_seconds"] or 0) + sum(summary["round_seconds"]) for summary in summaries),
        sum(summary["trace_seconds"] for summary in summaries),
        sum(summary["compile_seconds"] for summary in summaries),
        **json.loads(output.splitlines()[-1]),
    )


def command_seconds(command: Sequence[str]) -> float:
    """Time a command from start to end, in seconds."""
    begin = time.perf_counter()
    _output(command, os.environ)
    return time.perf_counter() - begin


def _output(command: Sequence[str], environment: Mapping[str, str]) -> str:
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=root)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _main() -> None:
    took = dict.fromkeys(("libraries", "plugins", "summaries", "tables"), 0.0)
    begin = time.perf_counter()
    for library in ("jax", "flax.nnx", "optax", "scipy.stats"):
        import_module(library)
    took["libraries"] = time.perf_counter() - begin

    from benchsuite.cli import main as cli
    from benchsuite.cli import run as command
    from benchsuite.execution import session
    from benchsuite.execution.runner import CaseRun

    for place, name, kind in (
        (session, "load_registry", "plugins"),
        (CaseRun, "_keep", "summaries"),
        (command, "show_run", "tables"),
    ):
        setattr(place, name, _timed(getattr(place, name), took, kind))
    try:
        cli.main()
    finally:
        # getrusage would include the peak of the parent process.
        status = Path("/proc/self/status").read_text()
        print(json.dumps({**took, "peak": int(status.split("VmHWM:")[1].split()[0]) / 1024}))


def _timed(function: Callable[..., Any], took: dict[str, float], kind: str) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        begin = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            took[kind] += time.perf_counter() - begin

    return call


if __name__ == "__main__":
    _main()
