"""Cases beyond regression: objectives, players, labels, no data, state in the forward pass, and types of numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from test_objective import LOSS, _in_a_folder, classifier, rows_of, run, valley
from toys import line, line_table

from benchsuite import Case, CaseError, Criterion, Measure, Schedule, Stream


def test_trainings_repeat_to_the_last_bit() -> None:
    """The same seeds give the same rows, whatever happens in the forward pass."""
    for case in (valley(), line(model=Noisy), line(model=Recurrent, dataset=Stream(sequences, 8, 16), name="gru")):
        first, second = (rows_of(case, seeds=5) for _ in range(2))
        for name, column in first.columns.items():
            np.testing.assert_array_equal(column, second.columns[name], err_msg=name)


class Wave(nnx.Module):
    """A small network of one input."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(1, 8, rngs=rngs)
        self.out = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.out(jnp.tanh(self.hidden(x)))


def residual(model: Wave, batch: dict[str, jax.Array]) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Return the squared residual of u'' = -u with u(0) = 0 and u'(0) = 1, whose solution is sin."""

    def u(x: jax.Array) -> jax.Array:
        return model(x[None])[0]

    inside = (jax.vmap(jax.grad(jax.grad(u)))(batch["x"]) + jax.vmap(u)(batch["x"])) ** 2
    ends = u(jnp.float32(0)) ** 2 + (jax.grad(u)(jnp.float32(0)) - 1) ** 2
    return inside.mean() + ends, {"boundary": ends}


def test_second_derivatives_of_the_model_are_part_of_an_objective() -> None:
    """A network learns the solution of a differential equation from its residual."""

    def error(model: Wave, batch: dict[str, jax.Array]) -> jax.Array:
        return abs(model(batch["x"][:, None])[:, 0] - jnp.sin(batch["x"])).max()

    points = Stream(lambda key, n: {"x": jax.random.uniform(key, (n,), maxval=2.0)}, batch_size=32, evaluation_size=64)
    trained = valley(
        name="wave",
        model=Wave,
        objective=residual,
        dataset=points,
        metrics={"error": Measure(error)},
        criterion=Criterion("error", at_most=0.1),
        optimizer=partial(optax.adam, 0.01),
        schedule=Schedule(steps=1500, evaluate_every=500),
    )
    rows = rows_of(trained, seeds=4)

    assert rows.converged.any()
    assert (rows.final["boundary"] <= rows.final["loss"]).all()


def test_integer_labels_are_targets_with_an_accuracy() -> None:
    """Labels have no R²; an accuracy of one is met by all of 41, in float64."""
    rows = rows_of(classifier(), seeds=5)

    assert rows.converged.all()
    assert rows.final["accuracy"].dtype == np.float64
    assert (rows.final["accuracy"] == 1).all()
    assert set(rows.final) == {"loss", "accuracy", "train.loss", "train.accuracy"}
    assert ((rows.final["train.accuracy"] > 0) & (rows.final["train.accuracy"] <= 1)).all()


def sequences(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """Return sequences and their sums."""
    x = jax.random.normal(key, (n, 4, 1))
    return x, x.sum(1)


class Recurrent(nnx.Module):
    """A recurrent layer that draws its first carry itself."""

    def __init__(self, rngs: nnx.Rngs, cell: Any = nnx.GRUCell) -> None:
        self.rnn = nnx.RNN(cell(1, 4, rngs=rngs))
        self.out = nnx.Linear(4, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.out(self.rnn(x)[:, -1])


class Noisy(nnx.Module):
    """A line with noise, dropout, batch statistics and a counter of calls, in training and in evaluation."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.line = nnx.Linear(1, 8, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)
        self.out = nnx.Linear(8, 1, rngs=rngs)
        self.calls = nnx.Variable(jnp.zeros((), jnp.int32))
        self.rngs = rngs

    def __call__(self, x: jax.Array) -> jax.Array:
        self.calls[...] += 1
        noise = 0.01 * jax.random.normal(self.rngs.noise(), x.shape)
        return self.out(self.dropout(self.norm(self.line(x + noise))))


@pytest.mark.parametrize("cell", [nnx.GRUCell, nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.SimpleCell])
def test_recurrent_nets_train(cell: Any) -> None:
    """Nets that draw their own carries are trained and evaluated."""
    case = line(model=partial(Recurrent, cell=cell), dataset=Stream(sequences, 16, 64), optimizer=optax.adam(0.02))
    rows = rows_of(case, seeds=2)

    assert np.isfinite(rows.final["loss"]).all()
    assert (rows.final["loss"] < 4).all()


def test_state_written_in_an_evaluation_is_discarded() -> None:
    """A counter of calls grows by one each step, however often the model is evaluated."""
    calls = {"calls": Measure(lambda model, _: model.calls[...])}
    often = rows_of(line(model=Noisy, metrics=calls), seeds=3)
    seldom = rows_of(line(model=Noisy, metrics=calls, schedule=Schedule(steps=60, evaluate_every=60)), seeds=3)

    assert (often.final["calls"] == 60).all()
    np.testing.assert_array_equal(often.final["loss"], seldom.final["loss"])


def test_float64_reaches_losses_that_float32_cannot() -> None:
    """A case trains in 64 bits, from the same starts, and others stay in 32."""
    before = rows_of(valley(), seeds=4)
    case = valley(
        dtype="float64", schedule=Schedule(steps=4000, evaluate_every=2000), criterion=Criterion("loss", at_most=1e-10)
    )
    case_run, rows = run(case, seeds=4)

    assert case_run.plan.label == "valley (float64)"
    assert case_run.summaries()[0].dtype == "float64"
    assert rows.final["loss"].dtype == rows.end["x[0]"].dtype == np.float64
    assert rows.converged.any()
    after = rows_of(valley(), seeds=4)
    assert after.final["loss"].dtype == np.float32
    for name, column in before.columns.items():
        np.testing.assert_array_equal(column, after.columns[name], err_msg=name)


@pytest.mark.parametrize("case", [line(), line(dataset=line_table(), schedule=Schedule(epochs=4)), line(model=Noisy)])
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_every_case_trains_in_every_type(case: Case, dtype: str) -> None:
    """`--dtype` converts a case; rows and curves are kept as NumPy's own types."""
    case_run, rows = run(case, seeds=3, dtype=dtype)

    assert case_run.plan.dtype == dtype
    assert np.isfinite(rows.final["loss"]).all()
    assert all(column.dtype.kind in "biufU" for column in rows.columns.values())


def test_shares_are_counts_over_the_number_of_examples() -> None:
    """An accuracy is the quotient of whole numbers, computed on the host."""
    rows = rows_of(classifier(optimizer=optax.sgd(0.0)), seeds=8)
    hits = rows.final["accuracy"] * 41

    assert (rows.final["accuracy"] == np.round(hits) / 41).all()


def test_a_boolean_metric_counts_as_zero_and_one() -> None:
    """A single truth value is a number, on which a criterion may be."""
    close = {"close": lambda p, t: jnp.all(abs(p - t) < 0.1)}
    rows = rows_of(line(metrics=close, criterion=Criterion("close", at_least=0.5)), seeds=4)

    assert set(rows.final["close"]) <= {0.0, 1.0}
    assert rows.converged.any()


def test_targets_that_do_not_vary_train_with_another_criterion() -> None:
    """What has no R² is not called diverged."""
    one = Stream(lambda key, n: (jax.random.normal(key, (n, 1)), jnp.ones((n, 1))), 8, 32)
    rows = rows_of(line(dataset=one, criterion=LOSS), seeds=3)

    assert rows.converged.all()


def test_a_model_keeps_its_own_types() -> None:
    """Parameters that the model makes in bfloat16 stay so and are recorded; mixed ones are an error."""
    narrow = partial(nnx.Linear, 1, 1, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16)
    case_run, _ = run(line(model=lambda rngs: narrow(rngs=rngs)), seeds=3)

    assert case_run.plan.dtype == "bfloat16"
    with pytest.raises(CaseError, match="dtype is float64, but its model makes parameters of bfloat16"):
        run(line(model=lambda rngs: narrow(rngs=rngs), dtype="float64"))

    def mixed(rngs: nnx.Rngs) -> nnx.Module:
        return nnx.Sequential(nnx.Linear(1, 1, rngs=rngs), narrow(rngs=rngs))

    with pytest.raises(CaseError, match=r"several types: .*float32.*bfloat16|several types: .*bfloat16.*float32"):
        run(line(model=mixed))
