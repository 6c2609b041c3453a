"""Well-known problems are plugins of at most 40 lines, and their rates agree with programs that share no code with us.

Each problem of the package `problems` has a module of the same name in `reference`: plain JAX and optax, with random
numbers of its own. Fisher's exact test compares the two numbers of successes; the seeds on both sides are fixed.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
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

#: The case whose promises are checked: all keep them, and checking one takes up to a minute.
SOUND = ("noisy-gru",)

#: Lines that a plugin may have.
LINES = 40

#: Shows the numbers of successes with `--log-cli-level=INFO`.
LOG = logging.getLogger(__name__)

PLUGINS = Path(__file__).parents[1] / "problems"


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
    Problem("noisy-gru", "noisy_gru", 64),
]


@pytest.fixture(autouse=True)
def _installed(install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plugins, for this process and its children."""
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS.parent), prepend=os.pathsep)
    for module in {problem.module for problem in PROBLEMS}:
        name = module.replace("_", "-")
        install_plugin(f"problem-{name}", f"from problems.{module} import benchsuite_cases")


def test_plugins_are_short() -> None:
    """All are tested here, and none has more lines than that."""
    plugins = [path for path in PLUGINS.glob("*.py") if path.stem != "__init__"]

    assert {path.stem for path in plugins} == {problem.module for problem in PROBLEMS}
    for path in plugins:
        assert len(path.read_text().splitlines()) <= LINES, path.name


@pytest.mark.parametrize("problem", [problem for problem in PROBLEMS if problem.case in SOUND], ids=str)
def test_problem_is_sound(problem: Problem) -> None:
    """One with noise of its own keeps all promises of a case."""
    check_case(load_registry().case(problem.case), TrainingSettings())


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_rate_agrees_with_an_independent_program(problem: Problem, benchsuite: Command) -> None:
    """The number of successes does not differ from that of plain JAX by more than chance."""
    code, _, err = benchsuite("run", problem.case, "--seeds", str(problem.seeds), "--run-dir", "out")
    assert code == 0, err
    summary = RunFolder(Path("out")).summaries[problem.case]
    theirs = importlib.import_module(f"reference.{problem.module}").successes(problem.seeds, *problem.options)

    table = [[n, problem.seeds - n] for n in (summary.converged, theirs)]
    p_value = fisher_exact(table).pvalue
    LOG.info("%s: %d and %d of %d, p = %.3g", problem, summary.converged, theirs, problem.seeds, p_value)
    assert summary.seeds == problem.seeds
    assert p_value > LEVEL
