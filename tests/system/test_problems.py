"""Well-known problems are plugins of at most 40 lines, and their rates agree with programs that share no code with us.

Each problem of the package `problems` has a module of the same name in `reference`: plain JAX and optax, with random
numbers of its own. Fisher's exact test compares the two numbers of successes; the seeds on both sides are fixed.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Command, InstallPlugin
from scipy.stats import fisher_exact

from benchsuite.plugins import load_registry
from benchsuite.settings import TrainingSettings
from benchsuite.store import RunFolder
from benchsuite.testing import check_case

#: A disagreement less likely than this is no chance.
LEVEL = 0.001

#: The cases whose promises are checked: all keep them, and checking one takes up to a minute.
SOUND = ("rosenbrock", "modular-addition", "gan", "batchnorm-rings")

#: Lines that a plugin may have.
LINES = 40

#: Shows the numbers of successes with `--log-cli-level=INFO`.
LOG = logging.getLogger(__name__)

PLUGINS = Path(__file__).parents[1] / "problems"

#: The folder with the files of MNIST, where there is one.
DATA = os.environ.get("BENCHSUITE_DATA", "")


@dataclass(frozen=True)
class Problem:
    """A case, the module of its plugin and reference, and the number of seeds on either side.

    Args:
        case: name of the case.
        module: name of the module in both packages.
        seeds: number of seeds.
        options: of the reference, besides the number of seeds.
    """

    case: str
    module: str
    seeds: int = 100
    options: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.case


PROBLEMS = [
    Problem("adding", "adding", 64),
    Problem("modular-addition", "modular_addition"),
    Problem("pinn", "pinn"),
    Problem("gan", "gan", 64),
    Problem("rosenbrock", "rosenbrock", 500),
    Problem("batchnorm-rings", "batchnorm"),
    Problem("dropout-signs", "dropout"),
    Problem("mnist-classifier", "mnist_classifier", 24),
    Problem("noisy-gru", "noisy_gru", 64),
]


@pytest.fixture(autouse=True)
def _installed(install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plugins, for this process and its children."""
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS.parent), prepend=os.pathsep)
    for module in {problem.module for problem in PROBLEMS}:
        name = module.replace("_", "-")
        install_plugin(f"problem-{name}", f"from problems.{module} import benchsuite_cases")


def dataset(problem: Problem) -> str:
    """Name the data: the real files of MNIST where they are, and otherwise the synthetic ones."""
    if problem.module != "mnist_classifier":
        return "auto"
    return "mnist" if DATA else "stand-in"


def test_plugins_are_short() -> None:
    """All are tested here, and none has more lines than that."""
    plugins = [path for path in PLUGINS.glob("*.py") if path.stem != "__init__"]

    assert {path.stem for path in plugins} == {problem.module for problem in PROBLEMS}
    for path in plugins:
        assert len(path.read_text().splitlines()) <= LINES, path.name


@pytest.mark.parametrize("problem", [problem for problem in PROBLEMS if problem.case in SOUND], ids=str)
def test_problem_is_sound(problem: Problem) -> None:
    """One of each kind (no data, labels, players, running means) keeps all promises of a case."""
    check_case(load_registry().case(problem.case), TrainingSettings(dataset=dataset(problem)))


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_rate_agrees_with_an_independent_program(problem: Problem, benchsuite: Command) -> None:
    """The number of successes does not differ from that of plain JAX by more than chance."""
    options = ("--seeds", str(problem.seeds), "--dataset", dataset(problem), "--run-dir", "out")
    code, _, err = benchsuite("run", problem.case, *options)
    assert code == 0, err
    summary = RunFolder(Path("out")).summaries[problem.case]
    theirs = successes(problem)()

    table = [[n, problem.seeds - n] for n in (summary.converged, theirs)]
    p_value = fisher_exact(table).pvalue
    LOG.info("%s: %d and %d of %d, p = %.3g", problem, summary.converged, theirs, problem.seeds, p_value)
    assert summary.seeds == problem.seeds
    assert p_value > LEVEL


def successes(problem: Problem) -> Any:
    """Return the reference program, ready to be called."""
    module = importlib.import_module(f"reference.{problem.module}")
    if problem.module != "mnist_classifier":
        return partial(module.successes, problem.seeds, *problem.options)
    data = (module.images(DATA, "train"), module.images(DATA, "t10k")) if DATA else module.patterns()
    return partial(module.successes, problem.seeds, *data)
