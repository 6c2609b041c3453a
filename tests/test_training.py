"""Training follows the closed forms and the formulas of its sources."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import optax
import pytest
from benchsuite_library.mnist.identity import KERAS_RMSPROP, DenseStack
from benchsuite_library.relu import relu_to_relu
from benchsuite_library.relu.units import Unit
from conftest import DEVICES
from flax import nnx
from toys import line, line_table

from benchsuite import Case, CaseError, Schedule, Stream
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.model import parameter_names
from benchsuite.engine.problem import Problem
from benchsuite.results.outcome import classify
from benchsuite.results.trace import Trace
from benchsuite.settings import TrainingSettings
from benchsuite.variants.start import start_values


def train(case: Case, seeds: Any = 4, devices: int = 1) -> Trace:
    """Train the first seeds of a case, or those that are given."""
    problem = Problem.load(case, TrainingSettings(protocol="source"))
    chosen = np.arange(seeds) if isinstance(seeds, int) else np.array(seeds)
    return Ensemble.fitting(problem, DEVICES[:devices]).train(chosen)[0]


@pytest.fixture(scope="module")
def relu() -> Trace:
    """64 seeds of relu-to-relu at the source's full protocol."""
    (case,) = relu_to_relu.benchsuite_cases()
    return train(case, 64)


def test_sign_of_the_start_decides(relu: Trace) -> None:
    """From the right every start ends at w = 1, from the left every start ends at w = 0."""
    start, end = relu.parameters[:, 0, 0], relu.parameters[:, -1, 0]

    assert np.abs(end[start > 0] - 1).max() < 1e-3
    assert np.abs(end[start < 0]).max() < 1e-6
    assert (np.array(classify(relu, relu_to_relu_case().criterion)) == "converged").tolist() == (start > 0).tolist()


def relu_to_relu_case() -> Case:
    """The case of the first source."""
    (case,) = relu_to_relu.benchsuite_cases()
    return case


@pytest.mark.parametrize(("side", "minimum"), [(1, 1.0), (-1, 0.0)])
def test_mean_path_is_the_closed_form(relu: Trace, side: int, minimum: float) -> None:
    """The distance to the minimum of its side shrinks by 1 - η a step, on average over seeds and data."""
    path = relu.parameters[:, :, 0]
    chosen = path[np.sign(path[:, 0]) == side]
    ratio = (chosen[:, 1:4] - minimum).sum(axis=0) / (chosen[:, 0] - minimum).sum()

    # The gradient noise of a batch of 1000, summed over some 30 seeds, leaves the ratio within 2 %.
    np.testing.assert_allclose(ratio, (1 - 0.01) ** relu.steps[1:4], rtol=0.02, atol=0.002)


def test_evaluation_loss_is_the_closed_form(relu: Trace) -> None:
    """The loss on the evaluation data is (w - 1)²/2 on the right and 1/2 + w²/2 on the left."""
    w = relu.parameters[:, 0, 0]
    expected = np.where(w > 0, (w - 1) ** 2 / 2, 1 / 2 + w**2 / 2)

    np.testing.assert_allclose(relu.metrics["loss"][:, 0], expected, rtol=0.1, atol=1e-4)


def test_start_of_the_printed_run_ends_at_zero() -> None:
    """From w = -10, as the source prints it, the weight runs to zero and stays."""
    case = relu_to_relu_case()
    program = Ensemble.fitting(Problem.load(case, TrainingSettings()), DEVICES[:1], pinned=True)

    path = program.train_from(start_values(case, case.starts, ["w"]), seed=0)[0].parameters[0, :, 0]

    assert path[0] == -10
    assert abs(path[-1]) < 1e-6
    assert (np.diff(path) >= 0).all()


def test_seeds_differ_in_start_and_in_data() -> None:
    """Two seeds share neither their first weight nor their first batch."""
    fixed = dataclasses.replace(relu_to_relu_case(), model=partial(Unit, kernel_init=nnx.initializers.constant(0.5)))
    short = Schedule(steps=1)

    assert len(set(train(dataclasses.replace(relu_to_relu_case(), schedule=short), 8).parameters[:, 0, 0])) == 8
    assert len(set(train(dataclasses.replace(fixed, schedule=short), 8).parameters[:, -1, 0])) == 8


def test_seed_does_not_depend_on_other_options() -> None:
    """Another optimiser sees the same starts, so that treatments can be paired by seed."""
    other = line(optimizer=optax.sgd(0.05))

    np.testing.assert_array_equal(train(line()).parameters[:, 0], train(other).parameters[:, 0])


def test_rmsprop_is_that_of_keras() -> None:
    """A ← 0.9a + 0.1g², p ← p - lr·g/(√a + 1e-7), from accumulators of zero, to float32 rounding."""
    rng = np.random.default_rng(0)
    parameter = rng.normal(size=1000).astype(np.float32)
    expected, accumulator = parameter.astype(np.float64), np.zeros(1000)
    optimizer = KERAS_RMSPROP()
    state = optimizer.init(parameter)
    for _ in range(5):
        gradient = (10.0 ** rng.uniform(-9, 3, 1000) * rng.choice([-1, 1], 1000)).astype(np.float32)
        updates, state = optimizer.update(gradient, state, parameter)
        parameter = np.asarray(optax.apply_updates(parameter, updates))
        accumulator = 0.9 * accumulator + 0.1 * gradient.astype(np.float64) ** 2
        expected = expected - 1e-3 * gradient / (np.sqrt(accumulator) + 1e-7)

    np.testing.assert_allclose(parameter, expected, rtol=1e-5, atol=1e-6)


def test_dense_layers_start_as_those_of_keras() -> None:
    """Glorot uniform: U(-l, l) with l = √(6 / (784 + 784)); biases zero."""
    model = DenseStack(nnx.Rngs(0), layers=2)
    limit = np.sqrt(6 / (784 + 784))

    for layer in model.layers:
        kernel = np.asarray(layer.kernel[...])
        assert kernel.shape == (784, 784)
        assert np.abs(kernel).max() <= limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)
        assert not np.asarray(layer.bias[...]).any()


def test_epoch_uses_every_row_once_with_a_short_last_batch() -> None:
    """10 rows in batches of 4 are 3 steps, the last on 2 rows; the loss is weighted by examples, before each update."""
    seen = line(dataset=line_table(10, 4), schedule=Schedule(epochs=3), optimizer=optax.sgd(0.0))
    course = train(seen, 2)

    assert course.steps.tolist() == [0, 3, 6, 9]
    # A learning rate of zero leaves the loss as it is, so that its epoch mean must be the mean over all rows.
    np.testing.assert_allclose(course.train["loss"][:, 1:], course.metrics["loss"][:, 1:], rtol=1e-5)


def test_every_epoch_and_seed_has_an_order_of_its_own() -> None:
    """With batches of one row, two seeds of the same start part ways."""
    same_start = lambda rngs: nnx.Linear(1, 1, kernel_init=nnx.initializers.ones, rngs=rngs)  # noqa: E731
    case = line(model=same_start, dataset=line_table(10, 1), schedule=Schedule(epochs=1))

    assert len(np.unique(train(case, 8).train["loss"][:, 1])) == 8


def test_every_epoch_is_reshuffled() -> None:
    """The last row seen differs from epoch to epoch, and from seed to seed."""

    class LastSeen(nnx.Module):
        """Predicts the input that it trained on last."""

        def __init__(self, rngs: nnx.Rngs) -> None:
            del rngs
            self.unused = nnx.Param(np.zeros(1, np.float32))
            self.last = nnx.BatchStat(np.zeros(1, np.float32))
            self.deterministic = False

        def __call__(self, x: Any) -> Any:
            if not self.deterministic:
                self.last[...] = x[-1]
            return 0 * x + self.last[...] + 0 * self.unused[...]

        def set_mode(self, **modes: Any) -> Any:
            self.deterministic = modes.get("deterministic", self.deterministic)
            return modes

    case = line(model=LastSeen, dataset=line_table(50, 1), schedule=Schedule(epochs=4))
    last = train(case, 4).metrics["loss"][:, 1:]

    assert len(np.unique(last)) > 12, "of 16 epochs, hardly two end with the same row of 50"


def test_every_period_draws_fresh_data() -> None:
    """With a learning rate of zero, only the data can make the training loss differ from period to period."""
    still = line(optimizer=optax.sgd(0.0), schedule=Schedule(steps=6, evaluate_every=1))

    assert len(np.unique(train(still, 4).train["loss"][:, 1:])) == 24


def test_parameters_of_small_models_have_names() -> None:
    """The values in a trace can be told apart."""
    assert parameter_names(line()) == ["bias[0]", "kernel[0, 0]"]
    assert parameter_names(line(model=lambda rngs: nnx.Linear(1, 50, rngs=rngs))) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": lambda rngs: lambda x: x}, "its model is a function"),
        ({"model": lambda rngs: nnx.Linear(1, 2, rngs=rngs)}, r"shape \(32, 2\)|shape \(256, 2\)"),
        ({"model": lambda rngs: nnx.Linear(3, 1, rngs=rngs)}, "line: its model failed"),
        ({"loss": lambda prediction, y: (prediction - y) ** 2}, r"its loss has shape \(256, 1\)"),
        ({"metrics": {"error": lambda prediction, y: prediction - y}}, r"its error has shape \(256, 1\)"),
        ({"model": lambda rngs: 1 / 0}, r"its model failed: ZeroDivisionError: .* \(test_training.py, line \d+\)"),
        ({"model": lambda rngs: nnx.Dropout(0.5, rngs=rngs)}, "its model has no parameters"),
        ({"dataset": line_table(10, 11), "schedule": Schedule(epochs=1)}, "batches of 11 from 10 training examples"),
        ({"dataset": Stream(lambda key, n: 1 / 0, batch_size=1)}, "line: its data failed"),
    ],
)
def test_broken_case_is_told_in_a_sentence(fields: dict[str, Any], said: str) -> None:
    """What a case does wrong is said with its name and a hint, not with a traceback of JAX."""
    with pytest.raises(CaseError, match=said) as caught:
        train(line(**fields))

    assert "line" in caught.value.message
    assert caught.value.hint


def test_training_that_gives_nan_is_an_outcome() -> None:
    """Numbers that overflow are no error of the suite: the seeds have diverged."""
    course = train(line(optimizer=optax.sgd(1e30)))

    assert classify(course, line().criterion).tolist() == ["diverged"] * 4
