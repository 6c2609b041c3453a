"""The rates of more cases of the library agree with programs that share no code with us.

Each program in `reference` follows the protocol of the case with random numbers of its own. Fisher's exact test
compares the two numbers of successes; the seeds on both sides are fixed. More seeds: docs/explanation/library.md.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from scipy.stats import fisher_exact

from benchsuite.store import RunFolder

#: A disagreement less likely than this is no chance.
LEVEL = 0.001

#: Shows the numbers of successes with `--log-cli-level=INFO`.
LOG = logging.getLogger(__name__)

#: The folder with the files of MNIST, where there is one.
DATA = os.environ.get("BENCHSUITE_DATA", "")


@dataclass(frozen=True)
class Check:
    """A case, the module of its independent program, and the number of seeds on both sides.

    Args:
        case: name of the case.
        module: name of the module.
        arguments: of the program, after the number of seeds.
        seeds: number of seeds.
    """

    case: str
    module: str
    arguments: tuple[Any, ...] = ()
    seeds: int = 200

    def __str__(self) -> str:
        return self.case


CHECKS = [
    Check("rosenbrock", "rosenbrock", seeds=500),
    Check("himmelblau", "himmelblau", seeds=500),
    *(Check(f"rastrigin-dimensions-{d}", "rastrigin", (d,), 1000) for d in (1, 2)),
    *(Check(f"phase-retrieval-measurements-{m}", "phase_retrieval", (m,), 100) for m in (16, 32)),
    *(Check(f"matrix-factorisation-measurements-{m}", "matrix_factorisation", (m,), 100) for m in (34, 40)),
    Check("modular-addition", "modular_addition"),
    Check("batchnorm-rings", "batchnorm", seeds=100),
    Check("dropout-rings", "dropout_rings", seeds=100),
    Check("pinn-poisson", "pinn", seeds=100),
    Check("gan-line", "gan", seeds=64),
    *(Check(f"adding-{cell}-length-8", "recurrent", ("adding", cell, 8), 64) for cell in ("rnn", "lstm", "gru")),
    *(Check(f"copying-{cell}-gap-4", "recurrent", ("copying", cell, 4), 64) for cell in ("rnn", "lstm", "gru")),
]

#: Functions of COCO, where bbobax is installed.
COCO = [Check(f"bbob-{name}-dimensions-2", "bbob", (name, 2)) for name in ("sphere", "rosenbrock", "rastrigin")]


def compare(check: Check, benchsuite: Command, arguments: tuple[Any, ...], *options: str) -> None:
    """Run the case and its program, and test whether their numbers of successes differ by more than chance."""
    code, _, err = benchsuite("run", check.case, "--seeds", str(check.seeds), "--run-dir", "out", *options)
    assert code == 0, err
    ours = RunFolder(Path("out")).summaries[check.case]
    theirs = importlib.import_module(f"reference.{check.module}").successes(check.seeds, *arguments)

    p_value = fisher_exact([[n, check.seeds - n] for n in (ours.converged, theirs)]).pvalue
    LOG.info("%s: %d and %d of %d, p = %.3g", check, ours.converged, theirs, check.seeds, p_value)
    assert ours.seeds == check.seeds
    assert p_value > LEVEL


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_rate_agrees_with_an_independent_program(check: Check, benchsuite: Command) -> None:
    """The number of successes does not differ by more than chance."""
    compare(check, benchsuite, check.arguments)


@pytest.mark.skipif(not find_spec("bbobax"), reason="bbobax is not installed")
@pytest.mark.parametrize("check", COCO, ids=str)
def test_rate_on_functions_of_coco_agrees(check: Check, benchsuite: Command) -> None:
    """The number of successes agrees with that on the functions' formulas."""
    compare(check, benchsuite, check.arguments)


def test_rate_of_the_classifier_agrees(benchsuite: Command) -> None:
    """The number of successes agrees, on the real files of MNIST where they are, else on the synthetic ones."""
    program = importlib.import_module("reference.mnist_classifier")
    data = (program.images(DATA, "train"), program.images(DATA, "t10k")) if DATA else program.patterns()
    check = Check("mnist-classifier", "mnist_classifier", seeds=24)
    compare(check, benchsuite, data, "--dataset", "mnist" if DATA else "stand-in")
