"""The rates of the library's cases agree with programs that share no code with us.

Each program in `reference` follows the protocol of the source with random numbers of its own. Fisher's exact test
compares the two numbers of successes; the seeds on both sides are fixed. More seeds: docs/explanation/library.md.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Check:
    """A case and its independent program.

    Args:
        case: name of the case, with a treatment after a plus sign.
        program: module and function.
        arguments: of the function, after the number of seeds.
        options: of the function.
        seeds: number of seeds on both sides.
    """

    case: str
    program: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 200

    def __str__(self) -> str:
        return self.case


TORCH = ("sgd", "adagrad", "rmsprop", "rmsprop-momentum", "adam", "amsgrad")
HALF = {"deviation": 0.5}

CHECKS = [
    Check("xor-two-relu", "xor.successes_two_relu"),
    Check("xor-two-relu+larger-start(scale=0.5)+mirrored", "xor.successes_two_relu", (), {"mirror": True, **HALF}),
    Check("xor-two-relu+leaky-relu", "xor.successes_two_relu", ("leaky_relu", 0.01)),
    Check("xor-two-relu+leaky-relu(leak=0.1)", "xor.successes_two_relu", ("leaky_relu", 0.1)),
    Check("xor-two-relu+elu", "xor.successes_two_relu", ("elu",)),
    Check("xor-two-relu+redraw", "xor.successes_two_relu", (), {"redraws": 100}),
    Check("xor-two-relu+redraw(margin=0.3)", "xor.successes_two_relu", (), {"redraws": 100, "margin": 0.3}),
    Check(
        "xor-two-relu+larger-start(scale=0.5)+redraw-by-loss(below=0.072,attempts=1000)",
        "xor.successes_two_relu",
        (),
        {"redraws": 1000, "below": 0.072, **HALF},
    ),
    Check("xor-abs-deviation-4.0", "xor.successes_abs", (4.0, 2000)),
    Check("xor-2-3-1-batch", "xor.successes_sigmoids", (3, -1, 0.7, 10_000), {"online": False, "rms": 0.05}),
    Check("xor-2-3-1-online", "xor.successes_sigmoids", (3, -1, 0.7, 10_000), {"online": True, "rms": 0.05}),
    Check("xor-2-2-1", "xor.successes_sigmoids", (2, 0, 0.0, 25_000), {"online": True}, 100),
    *(Check(f"xor-width-units-{units}", "xor.successes_width", (units,)) for units in (2, 6)),
    *(Check(f"xor-pytorch-{name}", "torch_tests.successes_xor", (name,)) for name in TORCH),
    Check("two-blobs", "torch_tests.successes_blobs", (1.0, 200), seeds=500),
    Check("parity-4", "parity.successes", seeds=100),
    Check("sparse-parity-decay-0.01", "sparse_parity.successes", (0.01,), seeds=10),
    Check("teacher-student-k-9", "teacher_student.successes", (9,), seeds=64),
    *(Check(f"abs-width-units-{units}", "abs_width.successes", (units,)) for units in (2, 4)),
    Check("dying-relu", "dying_relu.successes", seeds=100),
    Check("encoder-8-3-8", "encoder.successes"),
    *(Check(f"two-spirals-shortcuts-{n}", "spirals.successes", (n,), seeds=32) for n in (0, 1)),
    *(Check(f"deep-linear-depth-{depth}", "deep_linear.successes", (depth,), seeds=500) for depth in (6, 12)),
    *(Check(name, "regression.successes", (name,)) for name in ("square", "product")),
]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_rate_agrees_with_an_independent_program(check: Check, benchsuite: Command) -> None:
    """The number of successes does not differ by more than chance."""
    case, _, treatment = check.case.partition("+")
    options = ("--treatment", treatment) if treatment else ()
    code, _, err = benchsuite("run", case, "--seeds", str(check.seeds), "--run-dir", "out", *options)
    assert code == 0, err
    ours = list(RunFolder(Path("out")).summaries.values())[-1]  # the treated case follows the untreated one
    module, _, function = check.program.partition(".")
    theirs = getattr(importlib.import_module(f"reference.{module}"), function)(
        check.seeds, *check.arguments, **check.options
    )

    p_value = fisher_exact([[n, check.seeds - n] for n in (ours.converged, theirs)]).pvalue
    LOG.info("%s: %d and %d of %d, p = %.3g", check, ours.converged, theirs, check.seeds, p_value)
    assert ours.seeds == check.seeds
    assert p_value > LEVEL


def test_share_of_networks_that_are_born_dead() -> None:
    """The probability that a claim of `dying-relu` states is integrated, and agrees with drawn networks."""
    from benchsuite_library.abs.dying_relu import BORN_DEAD
    from reference import dying_relu

    dead = dying_relu.born_dead_share(20_000)

    assert dying_relu.born_dead() == pytest.approx(BORN_DEAD, abs=2e-4)
    assert abs(dead / 20_000 - BORN_DEAD) < 4 * (BORN_DEAD * (1 - BORN_DEAD) / 20_000) ** 0.5
