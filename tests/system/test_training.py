"""Training follows the closed forms and the formulas of its sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import optax
import pytest
from benchsuite_library.distance import euclidean_distance
from benchsuite_library.relu import relu_bias
from flax import nnx
from test_training import relu, relu_to_relu_case, train
from toys import line, line_table

from benchsuite import Schedule, Split
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.problem import Problem
from benchsuite.results.trace import Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine


@pytest.mark.parametrize(("seeds", "devices"), [([7], 1), ([11, 7, 3], 1), (range(99, -1, -1), 2)])
def test_same_seed_same_outcome_in_any_company(relu: Trace, seeds: Sequence[int], devices: int) -> None:
    """Neither the seeds beside it, nor its lane, nor the number of devices changes a bit of what a seed ends with."""
    case = dataclasses.replace(relu_to_relu_case(), schedule=Schedule(steps=200, evaluate_every=100))

    trace = train(case, seeds, devices)

    place = list(seeds).index(7)
    np.testing.assert_array_equal(trace.parameters[place], relu.parameters[7, :3])
    for name, values in trace.metrics.items():
        np.testing.assert_array_equal(values[place], relu.metrics[name][7, :3], err_msg=name)


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


def test_pinned_start_trains_as_the_seed_that_drew_it() -> None:
    """The start of a seed, given as parameters beside others on that seed's data, takes that seed's path."""
    (case,) = relu_bias.benchsuite_cases()
    case = dataclasses.replace(case, schedule=Schedule(steps=100, evaluate_every=50))
    drawn = train(case, 6)
    problem = Problem.load(case, TrainingSettings())
    program = Ensemble.fitting(problem, machine.devices(), pinned=True)
    own = drawn.parameters[5, 0]

    pinned, _ = program.train_from(np.stack([own, own + 1]), seed=5)

    assert pinned.seeds.tolist() == [5, 5]
    np.testing.assert_allclose(pinned.parameters[0], drawn.parameters[5], atol=1e-5)
    np.testing.assert_allclose(pinned.parameters[1, 0], own + 1)
    np.testing.assert_allclose(pinned.train["loss"][0], drawn.train["loss"][5], rtol=1e-4)


def test_starts_are_those_of_keras() -> None:
    """The weight of a 1 × 1 layer starts in U(-√3, √3), a bias at zero."""
    (case,) = relu_bias.benchsuite_cases()
    bias, weight = train(dataclasses.replace(case, schedule=Schedule(steps=1)), 1000).parameters[:, 0].T

    assert (bias == 0).all()
    assert np.abs(weight).max() <= np.sqrt(3)
    assert np.abs(np.quantile(weight, [0.25, 0.5, 0.75]) - np.array([-0.5, 0, 0.5]) * np.sqrt(3)).max() < 0.15


def test_short_batch_takes_a_full_step() -> None:
    """The gradient of the last two rows is their own mean: three rows in batches of 2 equal a loop written by hand."""
    rows = np.array([[1.0], [2.0], [4.0]], np.float32)
    table = dataclasses.replace(line_table(), load=lambda files: _split(rows), batch_size=2)
    case = line(dataset=table, schedule=Schedule(epochs=1), optimizer=optax.sgd(0.01))

    course = train(case, 1)
    (b0, w0), (b1, w1) = course.parameters[0, [0, 1]]

    def after(order: list[int]) -> tuple[float, float]:
        b, w = b0, w0
        for batch in (order[:2], order[2:]):
            x = rows[batch, 0]
            slope = 2 * (w * x + b - (3 * x + 1))
            w, b = w - 0.01 * (slope * x).mean(), b - 0.01 * slope.mean()
        return b, w

    reached = [after(order) for order in ([0, 1, 2], [0, 2, 1], [1, 2, 0])]
    assert min(abs(b - b1) + abs(w - w1) for b, w in reached) < 1e-5


def _split(x: np.ndarray) -> Split:
    return Split(train=(x, 3 * x + 1), test=(x, 3 * x + 1))


def test_metrics_of_the_case_are_recorded_on_training_batches_too() -> None:
    """The source summaries its percentage error on the training data, per epoch, as well as on the test data."""
    metrics = {"worst": lambda prediction, y: abs(prediction - y).max()}
    case = line(metrics=metrics, dataset=line_table(10, 5), optimizer=optax.sgd(0.0), schedule=Schedule(epochs=1))

    course = train(case, 4)

    assert set(course.train) == {"loss", "worst"}
    assert np.isnan(course.train["worst"][:, 0]).all()
    assert (course.train["worst"][:, 1] <= course.metrics["worst"][:, 1] + 1e-6).all()
