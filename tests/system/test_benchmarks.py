"""The benchmarks measure what they say; tests/test_gpu_ahead.py and tests/test_coverage.py have two of the others."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.mark.parametrize("case", ["rosenbrock", "deep-linear-depth-4"])
def test_plain_program_trains_a_case(case: str) -> None:
    """A call trains all seeds."""
    import plain

    work = plain.of_case(case, seeds=2)

    assert work.amount == 2
    assert {leaf.shape[0] for leaf in jax.tree.leaves(work.call())} == {2}


def test_training_and_its_random_numbers_are_timed() -> None:
    """One call of each is that of a round of seeds, or of a number of samples."""
    import in_suite

    for work in (in_suite.training("relu-to-relu", seeds=1), in_suite.drawing("relu-to-relu", seeds=2)):
        work.call()
        assert work.amount >= 1
    assert in_suite.products(layers=1, seeds=1, steps=1).amount == 128


def test_a_whole_run_has_parts() -> None:
    """The time of a command is divided, and none of its parts is lost."""
    import whole

    run = whole.run("rosenbrock", "--seeds", "2")

    assert 0 < run.training < run.wall
    assert all(part > 0 for part in (run.trace, run.libraries, run.plugins, run.summaries, run.tables))


def test_other_frameworks_read_the_images() -> None:
    """The images of MNIST, as rows of pixels."""
    import mnist

    assert mnist.images(3).shape == (3, 784)
