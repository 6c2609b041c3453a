"""Training follows the closed forms and the formulas of its sources."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import optax
import pytest
from benchsuite_distance import euclidean_distance
from flax import nnx
from test_training import relu, relu_to_relu_case, train
from toys import line

from benchsuite import Schedule
from benchsuite.results.trace import Trace


@pytest.mark.parametrize(("chunk_size", "devices"), [(1, 1), (3, 1), (4, 2), (24, 2)])
def test_same_seed_same_outcome_in_any_company(relu: Trace, chunk_size: int, devices: int) -> None:
    """Neither the chunk size nor the number of devices changes a bit of what a seed ends with."""
    case = dataclasses.replace(relu_to_relu_case(), schedule=Schedule(steps=200, evaluate_every=100))

    alone = train(case, 12, chunk_size, devices)

    np.testing.assert_array_equal(alone.parameters, relu.parameters[:12, :3])
    for name, values in alone.metrics.items():
        np.testing.assert_array_equal(values, relu.metrics[name][:12, :3], err_msg=name)


def test_seeds_of_wider_models_end_the_same_in_any_company() -> None:
    """Also where loops run over seeds that do not fill the vectors of a processor."""
    (case,) = euclidean_distance.benchsuite_cases()
    case = dataclasses.replace(case, schedule=Schedule(steps=100, evaluate_every=50), quick=None)

    few, many = train(case, 3), train(case, 20)

    np.testing.assert_array_equal(few.parameters, many.parameters[:3])


def test_batch_norm_and_dropout_are_carried_and_switched_off_for_evaluation() -> None:
    """Variables that are no parameters move on while training, and evaluation is deterministic."""

    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.norm = nnx.BatchNorm(1, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)
            self.output = nnx.Linear(1, 1, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.output(self.dropout(self.norm(x)))

    course = train(line(model=Net, optimizer=optax.sgd(0.0)), 2)

    losses = course.metrics["loss"]
    assert (losses[:, 1] != losses[:, 0]).all(), "the running mean of BatchNorm moved, though no parameter did"
    assert (np.abs(losses[:, 1] - losses[:, 2]) < np.abs(losses[:, 1] - losses[:, 0])).all()
