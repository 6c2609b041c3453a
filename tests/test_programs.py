"""Programs that this process has compiled are used again, and only where they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from toys import line

from benchsuite import Case
from benchsuite.engine import Ensemble, Problem, forget_programs
from benchsuite.settings import TrainingSettings
from benchsuite.system import compat, machine


@pytest.fixture(autouse=True)
def _nothing_compiled() -> Iterator[None]:
    """Starts and ends every test without shared programs."""
    forget_programs()
    yield
    forget_programs()


def ensemble(case: Case, lanes: int | None = None, **options: Any) -> Ensemble:
    """The compiled training of a case."""
    return Ensemble.fitting(Problem.load(case, TrainingSettings()), machine.devices(), lanes, **options)


def test_the_same_case_is_compiled_once() -> None:
    """A second ensemble of the same case compiles nothing, and trains the same."""
    first = ensemble(line())
    with compat.count_events() as counts:
        second = ensemble(line())

    assert counts.compilations == 0
    assert second.compile_cache == "hit"
    assert (second.trace_seconds, second.compile_seconds) == (0, 0)
    seeds = np.arange(8)
    np.testing.assert_array_equal(first.train(seeds)[0].parameters, second.train(seeds)[0].parameters)
