"""The rates of the library's cases agree with programs that share no code with us.

Each program in `reference` follows the protocol of the source with random numbers of its own. Fisher's exact test
compares the two numbers of successes; the seeds on both sides are fixed. `BENCHSUITE_LIBRARY=5` compares five times as
many seeds, and the cases that take minutes: docs/explanation/library.md has the figures.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from scipy.stats import fisher_exact

from benchsuite.store import RunFolder

#: A disagreement less likely than this is no chance.
LEVEL = 0.001

#: How many times the seeds of a check are compared; from 2 on, the long ones too.
TIMES = int(os.environ.get("BENCHSUITE_LIBRARY", "1"))

#: The folder with the files of MNIST, where there is one.
DATA = os.environ.get("BENCHSUITE_DATA", "")

#: Shows the numbers of successes with `--log-cli-level=INFO`.
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Check:
    """A case and its independent program.

    Args:
        case: name of the case, with a treatment after a plus sign.
        program: module and function; `successes`, if only the module is named.
        arguments: of the function, after the number of seeds.
        options: of the function.
        seeds: number of seeds on both sides.
        long: whether it takes more than half a minute, and runs only where more seeds do.
        needs: a module that the case needs.
    """

    case: str
    program: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 50
    long: bool = False
    needs: str = "jax"

    def __str__(self) -> str:
        return self.case

    @property
    def marks(self) -> list[pytest.MarkDecorator]:
        """What keeps the check from running here."""
        missing = pytest.mark.skipif(not find_spec(self.needs), reason=f"{self.needs} is not installed")
        later = pytest.mark.skipif(self.long and TIMES == 1, reason="takes minutes: set BENCHSUITE_LIBRARY=2")
        return [missing, later]

    def count(self, seeds: int, *arguments: Any) -> int:
        """Count the successes of the program."""
        module, _, function = self.program.partition(".")
        program = getattr(importlib.import_module(f"reference.{module}"), function or "successes")
        return int(program(seeds, *arguments, *self.arguments, **self.options))


TORCH = ("sgd", "adagrad", "rmsprop", "rmsprop-momentum", "adam", "amsgrad")
HALF = {"deviation": 0.5}
XOR = "xor.successes_two_relu"
CELLS = ("rnn", "lstm", "gru")

CHECKS = [
    Check("xor-two-relu", XOR),
    Check("xor-two-relu+larger-start(scale=0.5)+mirrored", XOR, options={"mirror": True, **HALF}),
    Check("xor-two-relu+leaky-relu", XOR, ("leaky_relu", 0.01), long=True),
    Check("xor-two-relu+leaky-relu(leak=0.1)", XOR, ("leaky_relu", 0.1)),
    Check("xor-two-relu+elu", XOR, ("elu",)),
    Check("xor-two-relu+redraw", XOR, options={"redraws": 100}, long=True),
    Check("xor-two-relu+redraw(margin=0.3)", XOR, options={"redraws": 100, "margin": 0.3}),
    Check(
        "xor-two-relu+larger-start(scale=0.5)+redraw-by-loss(below=0.072,attempts=1000)",
        XOR,
        options={"redraws": 1000, "below": 0.072, **HALF},
    ),
    Check("xor-abs-deviation-4.0", "xor.successes_abs", (4.0, 2000)),
    Check("xor-2-3-1-batch", "xor.successes_sigmoids", (3, -1, 0.7, 10_000), {"online": False, "rms": 0.05}),
    Check("xor-2-3-1-online", "xor.successes_sigmoids", (3, -1, 0.7, 10_000), {"online": True, "rms": 0.05}, long=True),
    Check("xor-2-2-1", "xor.successes_sigmoids", (2, 0, 0.0, 25_000), {"online": True}, long=True),
    Check("xor-width-units-2", "xor.successes_width", (2,)),
    Check("xor-width-units-6", "xor.successes_width", (6,), long=True),
    *(Check(f"xor-pytorch-{name}", "torch_tests.successes_xor", (name,), long=name != "adagrad") for name in TORCH),
    Check("two-blobs", "torch_tests.successes_blobs", (1.0, 200), seeds=100),
    Check("parity-4", "parity", long=True),
    Check("sparse-parity-decay-0.01", "sparse_parity", (0.01, 40), seeds=5, long=True),
    Check("teacher-student-k-9", "teacher_student", (9,), seeds=32, long=True),
    Check("abs-width-units-2", "abs_width", (2,)),
    Check("abs-width-units-4", "abs_width", (4,), long=True),
    Check("dying-relu", "dying_relu", seeds=20, long=True),
    Check("encoder-8-3-8", "encoder"),
    *(Check(f"two-spirals-shortcuts-{n}", "spirals", (n,), seeds=16, long=True) for n in (0, 1)),
    *(Check(f"deep-linear-depth-{depth}", "deep_linear", (depth,), seeds=200) for depth in (6, 12)),
    *(Check(name, "regression", (name,), long=name == "product") for name in ("square", "product")),
    *(Check(name, name, seeds=200) for name in ("rosenbrock", "himmelblau")),
    *(Check(f"rastrigin-dimensions-{d}", "rastrigin", (d,), seeds=500) for d in (1, 2)),
    *(Check(f"phase-retrieval-measurements-{m}", "phase_retrieval", (m,), long=m > 16) for m in (16, 32)),
    *(Check(f"matrix-factorisation-measurements-{m}", "matrix_factorisation", (m,), long=m < 40) for m in (34, 40)),
    Check("modular-addition", "modular_addition"),
    Check("batchnorm-rings", "batchnorm"),
    Check("dropout-rings", "dropout_rings", long=True),
    Check("pinn-poisson", "pinn"),
    Check("gan-line", "gan", seeds=20, long=True),
    *(Check(f"adding-{cell}-length-8", "recurrent", ("adding", cell, 8), seeds=24, long=True) for cell in CELLS),
    *(Check(f"copying-{cell}-gap-4", "recurrent", ("copying", cell, 4), seeds=24, long=True) for cell in CELLS),
    *(
        Check(f"bbob-{name}-dimensions-2", "bbob", (name, 2), long=name != "rastrigin", needs="bbobax")
        for name in ("sphere", "rosenbrock", "rastrigin")
    ),
    Check("convection-adam-beta-1", "convection", (1, 2000), seeds=4, long=True),
    Check("inalu-minimal-multiply-inputs-4", "minimal", ("inalu", "multiply", 4, 20), seeds=5, long=True),
    Check("nalu-minimal-multiply-inputs-1", "minimal", ("nalu", "multiply", 1, 20), seeds=5, long=True),
]


def compare(check: Check, benchsuite: Command, *arguments: Any, options: tuple[str, ...] = ()) -> None:
    """Run the case and its program, and test whether their numbers of successes differ by more than chance."""
    case, _, treatment = check.case.partition("+")
    treated, seeds = ("--treatment", treatment) if treatment else (), check.seeds * TIMES
    code, _, err = benchsuite("run", case, "--seeds", str(seeds), "--run-dir", "out", *treated, *options)
    assert code == 0, err
    ours = list(RunFolder(Path("out")).summaries.values())[-1]  # the treated case follows the untreated one
    theirs = check.count(seeds, *arguments)

    p_value = fisher_exact([[n, seeds - n] for n in (ours.converged, theirs)]).pvalue
    LOG.info("%s: %d and %d of %d, p = %.3g", check, ours.converged, theirs, seeds, p_value)
    assert ours.seeds == seeds
    assert p_value > LEVEL


@pytest.mark.parametrize("check", [pytest.param(check, id=str(check), marks=check.marks) for check in CHECKS])
def test_rate_agrees_with_an_independent_program(check: Check, benchsuite: Command) -> None:
    """The number of successes does not differ by more than chance."""
    compare(check, benchsuite)


@pytest.mark.skipif(TIMES == 1, reason="takes minutes: set BENCHSUITE_LIBRARY=2")
def test_rate_of_the_classifier_agrees(benchsuite: Command) -> None:
    """The number of successes agrees, on the real files of MNIST where they are, else on the synthetic ones."""
    program = importlib.import_module("reference.mnist_classifier")
    data = (program.images(DATA, "train"), program.images(DATA, "t10k")) if DATA else program.patterns()
    check = Check("mnist-classifier", "mnist_classifier", seeds=5)
    compare(check, benchsuite, *data, options=("--dataset", "mnist" if DATA else "stand-in"))


def test_share_of_networks_that_are_born_dead() -> None:
    """The probability that a claim of `dying-relu` states is integrated, and agrees with drawn networks."""
    from benchsuite_library.abs.dying_relu import BORN_DEAD
    from reference import dying_relu

    dead = dying_relu.born_dead_share(20_000)

    assert dying_relu.born_dead() == pytest.approx(BORN_DEAD, abs=2e-4)
    assert abs(dead / 20_000 - BORN_DEAD) < 4 * (BORN_DEAD * (1 - BORN_DEAD) / 20_000) ** 0.5
