"""Check that an optimiser or a treatment lowers the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchsuite.case import Case
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.testing.checks import NotConformingError

if TYPE_CHECKING:
    from benchsuite.results import Trace


def check_descent(case: Case, seeds: int = 8) -> Trace:
    """Train seeds of a case, and check that each ends with a lower loss than it started with.

    In the tests of an optimiser::

        check_descent(case.with_optimizer(partial(my_optimizer, learning_rate=0.1)))

    Args:
        case: the case, as a treatment or `Case.with_optimizer` changed it.
        seeds: how many, numbered from 0.

    Returns:
        The evaluations of the seeds.

    Raises:
        NotConformingError: the loss of a seed ends higher or equal, or is not finite; the message names the seeds.
        CaseError: the case cannot be trained.
    """
    from benchsuite.engine import Ensemble, Problem

    problem = Problem.load(case, TrainingSettings())
    trace, _ = Ensemble.fitting(problem, machine.devices()[:1]).train(np.arange(seeds))
    loss = trace.metrics["loss"]
    wrong = [
        f"seed {seed}: the loss goes from {first:.4g} to {last:.4g}"
        for seed, first, last in zip(trace.seeds, loss[:, 0], loss[:, -1], strict=True)
        if not last < first
    ]
    if wrong:
        lines = "\n".join(f"- {line}" for line in wrong)
        raise NotConformingError(
            f"case {case.id} does not descend from {len(wrong)} of {seeds} starts:\n{lines}\n"
            "  try: check the sign of the updates, and lower the learning rate"
        )
    return trace
