"""The library in other processes and in notebooks: cases of a script, Ctrl-C, progress, tables and charts."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import optax
import pytest
from conftest import Command
from test_api import _with, slow
from toys import line

import benchsuite as bs
from benchsuite.errors import OptionError
from benchsuite.store import RunFolder, read_results

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("altair")

ROOT = Path(__file__).parents[2]

#: A case as a script or notebook defines it.
CASE = """
import jax, optax, benchsuite as bs
from flax import nnx

def noisy_line(key, n):
    x, noise = jax.random.normal(key, (2, n, 1))
    return x, 3 * x + 1 + 0.01 * noise

mine = bs.Case(
    name="mine",
    summary="A linear unit learns a line.",
    source="https://example.org/line",
    model=lambda rngs: nnx.Linear(1, 1, rngs=rngs),
    dataset=bs.Stream(noisy_line, batch_size=32, evaluation_size=256),
    optimizer=optax.sgd(0.1),
    schedule=bs.Schedule(steps=60, evaluate_every=20, seeds=20),
)
"""


def executed(*cells: str) -> list[list[Any]]:
    """Run cells in a kernel, in the working folder; return the outputs of each."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": "."}}).execute()
    return [cell.outputs for cell in notebook.cells]


def test_notebook_shows_progress_table_and_chart() -> None:
    """A bar while it trains, which is gone at the end; then a table, with the chart of the rates as an image."""
    spy = """
from benchsuite.api import display
shown = []
show = display.NotebookBar._show
def spy(bar):
    show(bar)
    shown.append((bar._label, bar._rate))
display.NotebookBar._show = spy
"""
    *_, trained, seen = executed(CASE, spy, "bs.run(mine, treatments=optax.sgd(0.001), seeds=8)", "shown[-1]")

    bar, result = trained
    assert not bar.data["text/html"]
    assert "100.0 %" in result.data["text/html"]
    assert "<table" in result.data["text/html"]
    assert "data:image/png;base64," in result.data["text/html"]
    assert "mine+optimizer" in result.data["text/plain"]
    assert "\x1b" not in result.data["text/plain"]
    assert seen[0].data["text/plain"] == "('mine+optimizer', '0.0 % converged')"


def test_notebook_without_altair_shows_the_table_alone() -> None:
    """The extra `report` is not needed to see results."""
    *_, trained = executed("import sys; sys.modules['altair'] = None", CASE, "bs.run(mine, seeds=4, progress=False)")

    assert "<table" in trained[0].data["text/html"]
    assert "<img" not in trained[0].data["text/html"]


def test_interrupted_cell_returns_what_is_finished() -> None:
    """Ctrl-C in a notebook ends the training, not the cell."""
    interrupting = """
import os, signal
class Stop(bs.RunObserver):
    def round_finished(self, event):
        if event.number == 2:
            os.kill(os.getpid(), signal.SIGINT)
res = bs.run(mine, rounds=5, observers=[Stop()], progress=False)
"""
    *_, (seeds,) = executed(CASE, interrupting, "res['mine'].seeds")

    assert seeds.data["text/plain"] == "8"


def test_notebook_of_the_documentation_can_be_executed_again() -> None:
    """Every cell of "Why half of all ReLUs never learn" runs, here with fewer seeds; it names no place here."""
    path = ROOT / "docs" / "tutorials" / "half_of_all_relus.ipynb"
    stored = nbformat.read(path, 4)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]

    outputs = executed(*(re.sub(r"seeds=\d00", "seeds=32", cell.source) for cell in cells))

    assert all(cell.outputs for cell in cells)
    kinds = [[set(output.get("data", {})) for output in shown if output.get("data")][-1:] for shown in outputs]
    assert kinds == [[set(o.get("data", {})) for o in cell.outputs if o.get("data")][-1:] for cell in cells]
    here = (str(ROOT), str(Path.home()), tempfile.gettempdir(), sys.prefix)
    assert not [folder for folder in here if f"{folder}/" in path.read_text()]


SCRIPT = (
    CASE
    + """
alone = bs.run(mine, treatments=optax.sgd(0.2), seeds=[3, 7])
other = bs.run(mine, treatments=optax.sgd(0.2), seeds=[3, 7], **OPTIONS)
print((alone.seeds()["final.loss"] == other.seeds()["final.loss"]).all(), len(other), other["mine"].summary.executor)
"""
)


@pytest.mark.parametrize(("options", "executor"), [({"time_limit": 200}, "local"), ({"executor": "dask"}, "dask")])
def test_case_of_a_script_trains_in_other_processes(options: dict[str, Any], executor: str, tmp_path: Path) -> None:
    """Objects of `__main__` are pickled, and give the same rows; with a time limit the script needs no main guard."""
    pytest.importorskip("cloudpickle")
    script = tmp_path / "script.py"
    code = SCRIPT.replace("OPTIONS", repr(options))
    if executor == "dask":  # as for every script that starts Dask's workers
        code = 'if __name__ == "__main__":\n' + "".join(f"    {text}\n" for text in code.splitlines())
    script.write_text(code)

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["True", "2", executor], done.stderr


def test_case_that_cannot_be_pickled_says_so() -> None:
    """The error names the case, and what to do."""
    lock = __import__("threading").Lock()

    with pytest.raises(bs.CaseError, match="case line cannot be pickled"):
        bs.run(line(model=lambda rngs: lock), time_limit=100, seeds=2)


def test_check_is_a_table_of_promises() -> None:
    """A broken promise is a row with what was found and what to change."""
    found = bs.check(replace(line(), solution={"kernel[0, 0]": 0.0, "bias[0]": 0.0}))

    verdicts = dict(zip(found["promise"], found["verdict"], strict=True))
    assert verdicts["shapes"] == "passed"
    assert verdicts["oracle control"] == "failed"


def test_rows_are_those_of_the_command_line(benchsuite: Command) -> None:
    """The same options give the same rows, to the last bit."""
    code, _, err = benchsuite("run", "line", "--seeds", "3:9", "--optimizer", "optax.adam(1e-2)", "--run-dir", "out")
    assert code == 0, err
    res = bs.run("line", seeds=range(3, 9), optimizer="optax.adam(1e-2)")

    for ours, theirs in zip((res[name].rows for name in res), read_results(RunFolder(Path("out"))), strict=True):
        for name, column in theirs.rows.columns.items():
            assert column.tobytes() == ours.columns[name].tobytes(), name
    assert list(res) == ["line", "line+optax.adam-0.01"]


def test_objects_are_taken_as_they_are() -> None:
    """Case and Treatment objects, optax transformations, partials and functions need no plugin, and may have names."""
    res = bs.run(line(), treatments=[slow, optax.sgd(0.2), functools.partial(optax.adam, 0.1)], seeds=2)

    def faster(case: bs.Case, rate: float = 0.2) -> bs.Case:
        return _with(case, optax.sgd(rate))

    named = bs.run(line(), treatments={"quick": faster, "own": optax.sgd(0.2)}, seeds=2)

    assert list(res) == ["line", "line+slow", "line+optimizer", "line+adam-0.1"]
    assert list(named) == ["line", "line+quick", "line+own"]
    losses = [case.rows.final["loss"].tolist() for case in (res["line+optimizer"], named["line+quick"])]
    assert losses[0] == losses[1]
    with pytest.raises(OptionError, match="a treatment is a int"):
        bs.run(line(), treatments=[3])
    with pytest.raises(OptionError, match="two cases are named line"):
        bs.run(line(), line())


def test_page_and_landscape_of_a_case_in_memory(tmp_path: Path) -> None:
    """Reports and landscapes work for cases of a script, with their loss surfaces."""
    pytest.importorskip("altair")
    res = bs.run(line(), seeds=4)

    page = res.report(tmp_path / "page")
    picture = res.landscape("line", seeds=2, grid=8)
    picture.save(tmp_path / "loss.svg")

    assert "100.0 %" in page.read_text()
    assert RunFolder(res.path).surfaces("line")
    assert len(picture.data.paths) == 2
    assert "data:image/png" in picture._repr_html_()
    assert "data:image/png" in res._repr_html_()
    assert "<table" in res["line"]._repr_html_()


def test_no_module_hides_a_public_name() -> None:
    """After importing every module, each public name is still what it was, and functions can be called."""
    code = """
import importlib, pkgutil, types, benchsuite as bs
for found in pkgutil.walk_packages(bs.__path__, "benchsuite."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in bs.__all__:
    assert not isinstance(getattr(bs, name), types.ModuleType), name
assert "relu-bias" in bs.cases() and "adam" in bs.treatments() and callable(bs.run) and callable(bs.load)
assert callable(bs.check)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert not done.returncode, done.stderr
    children = {found.name for found in pkgutil.iter_modules(importlib.import_module("benchsuite").__path__)}
    assert not children & set(bs.__all__)
