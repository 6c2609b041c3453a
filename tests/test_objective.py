"""Cases beyond regression: objectives, players, labels, no data, state in the forward pass, and types of numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from toys import Notes, line

from benchsuite import Case, CaseError, Criterion, DoesNotApply, Measure, Player, Schedule, Split, Stream, Table
from benchsuite.case.sweep import SweepRange
from benchsuite.engine import Ensemble, Problem, forget_programs, programs
from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.results import SeedTable, Trace
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.variant import sweep_case

LOSS = Criterion("loss", at_most=0.01)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(case: Case, **options: Any) -> tuple[CaseRun, SeedTable]:
    """Train a case, and return the run and the rows of all rounds."""
    settings = TrainingSettings(rounds=1, **options)
    case_run = CaseRun(case, settings, open_folder(settings, OutputSettings()), Notes())
    return case_run, SeedTable.join([round_result.rows for round_result in case_run.round_results()])


def rows_of(case: Case, **options: Any) -> SeedTable:
    """Train a case, and return its rows."""
    return run(case, **options)[1]


class Point(nnx.Module):
    """A point in the plane."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.x = nnx.Param(jax.random.normal(rngs.params(), (2,)))


def rosenbrock(model: Point, batch: tuple[()]) -> jax.Array:
    """Return f(x, y) = (1 - x)² + 100 (y - x²)²."""
    assert batch == ()
    x, y = model.x[...]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def valley(**fields: Any) -> Case:
    """Return a case without data."""
    standard = {
        "name": "valley",
        "summary": "Gradient descent in Rosenbrock's valley.",
        "source": "https://doi.org/10.1093/comjnl/3.3.175",
        "model": Point,
        "dataset": None,
        "objective": rosenbrock,
        "criterion": LOSS,
        "optimizer": partial(optax.adam, 0.05),
        "schedule": Schedule(steps=200, evaluate_every=50, seeds=6),
    }
    return Case(**(standard | fields))


def test_a_function_of_the_parameters_is_minimised_as_by_a_plain_loop() -> None:
    """Without data, every seed ends where optax alone takes its start, up to rounding."""
    case_run, rows = run(valley())
    optimizer = optax.adam(0.05)

    def value(x: jax.Array) -> jax.Array:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    @jax.jit
    def descend(x: jax.Array) -> jax.Array:
        def step(state: Any, _: None) -> Any:
            x, memory = state
            updates, memory = optimizer.update(jax.grad(value)(x), memory)
            return (x + updates, memory), None

        return jax.lax.scan(step, (x, optimizer.init(x)), length=200)[0][0]

    starts = np.stack([rows.start["x[0]"], rows.start["x[1]"]], axis=1)
    ends = np.stack([rows.end["x[0]"], rows.end["x[1]"]], axis=1)

    assert len(np.unique(starts)) == starts.size
    np.testing.assert_allclose(ends, [descend(jnp.array(start)) for start in starts], rtol=1e-4)
    np.testing.assert_allclose(rows.final["loss"], [value(end) for end in ends], rtol=1e-4, atol=1e-8)
    assert (case_run.plan.dataset, case_run.plan.data_digest) == ("none", "none")
    assert set(rows.final) == {"loss", "train.loss"}
    assert case_run.summaries()[0].thresholds == {"r2": [], "largest_error": []}


@pytest.mark.parametrize("swept", ["", "learning_rate=0.01,0.05,0.1"])
def test_calls_of_several_periods_train_what_calls_of_one_do(swept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny models train several periods in one call, with the same evaluations up to rounding and the same progress."""
    case = valley(schedule=Schedule(steps=240, evaluate_every=40, seeds=6))
    case = sweep_case(case, None, SweepRange.parse(swept)) if swept else case

    def trained() -> tuple[Trace, list[float]]:
        ensemble = Ensemble.fitting(Problem.load(case, TrainingSettings()), machine.devices()[:1])
        shares: list[float] = []
        return ensemble.train(np.arange(6), shares.append)[0], shares

    together, shares = trained()
    monkeypatch.setattr(programs, "SHORT_PERIOD", 0)
    forget_programs()
    apart, each = trained()

    assert (len(shares), len(each)) == (1, 6)
    assert sum(shares) == pytest.approx(sum(each)) == pytest.approx(1)
    assert together.parameters.shape == (18 if swept else 6, 7, 2)
    np.testing.assert_array_equal(together.seeds, apart.seeds)
    np.testing.assert_allclose(together.parameters, apart.parameters, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(together.train["loss"], apart.train["loss"], rtol=1e-3, atol=1e-5)


class Game(nnx.Module):
    """Two scalars."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.x = nnx.Param(jax.random.normal(rngs.params(), ()))
        self.y = nnx.Param(jax.random.normal(rngs.params(), ()))


def saddle(model: Game) -> jax.Array:
    """Return x² - y² + 4xy - 2x + 2y, whose saddle point is (-0.2, 0.6)."""
    x, y = model.x[...], model.y[...]
    return x**2 - y**2 + 4 * x * y - 2 * x + 2 * y


def game(**fields: Any) -> Case:
    """Return a game of two players with a known equilibrium."""
    players = [
        Player("low", "x", lambda model, _: saddle(model), optax.sgd(0.02)),
        Player("high", lambda model: model.y, lambda model, _: (-saddle(model), {"y": model.y[...]}), optax.sgd(0.02)),
    ]
    standard: dict[str, Any] = {"model": Game, "objective": None, "optimizer": None, "players": players, "name": "game"}
    distance = Measure(lambda model, _: jnp.hypot(model.x[...] + 0.2, model.y[...] - 0.6))
    standard |= {"metrics": {"distance": distance}, "criterion": Criterion("distance", at_most=1e-3)}
    return valley(**(standard | {"schedule": Schedule(steps=600, evaluate_every=200, seeds=6)} | fields))


def test_players_reach_the_equilibrium_of_their_game() -> None:
    """Players in turn reach the saddle point, and every objective, named metric and measure is recorded."""
    rows = rows_of(game())

    assert rows.converged.all()
    np.testing.assert_allclose(rows.end["x"], -0.2, atol=1e-3)
    np.testing.assert_allclose(rows.end["y"], 0.6, atol=1e-3)
    np.testing.assert_allclose(rows.final["loss"], -rows.final["high.loss"], rtol=1e-5)
    np.testing.assert_allclose(rows.final["y"], rows.end["y"])
    assert set(rows.final) == {"loss", "high.loss", "y", "distance", "train.loss", "train.high.loss", "train.y"}


def test_players_take_turns_and_may_take_several_steps() -> None:
    """The second player sees the first one's update, and updates as often as it says."""
    first, second = game().players
    twice = Player("high", "y", second.objective, optax.sgd(0.02), steps=2)
    rows = rows_of(game(players=[first, twice], schedule=Schedule(steps=1), criterion=LOSS), seeds=4)
    x, y = (np.float64(rows.start[name]) for name in "xy")
    norm = np.hypot(2 * rows.end["x"] + 4 * rows.end["y"] - 2, -2 * rows.end["y"] + 4 * rows.end["x"] + 2)
    x = x - 0.02 * (2 * x + 4 * y - 2)
    for _ in range(2):
        y = y + 0.02 * (-2 * y + 4 * x + 2)

    np.testing.assert_allclose(rows.end["x"], x, rtol=1e-5)
    np.testing.assert_allclose(rows.end["y"], y, rtol=1e-5)
    assert (norm > 0).all()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"players": [Player("all", lambda model: model, rosenbrock, optax.sgd(1.0))] * 2}, "share a name"),
        (
            {"players": [Player(name, lambda model: model, rosenbrock, optax.sgd(1.0)) for name in "ab"]},
            "parameter x belongs to the players a and b",
        ),
        (
            {"players": [Player("a", "x", rosenbrock, optax.sgd(1.0))], "model": Game},
            "parameter y belongs to no player",
        ),
        ({"players": [Player("a", "z", rosenbrock, optax.sgd(1.0))]}, "has no attribute 'z'"),
        ({"objective": rosenbrock, "loss": lambda p, t: 0.0}, "loss and objective"),
        ({"objective": None}, "neither a dataset nor an objective"),
        ({"criterion": None}, "no criterion"),
        ({"objective": lambda model, _: model.x[...]}, r"shape \(2,\), expected a scalar"),
        ({"objective": lambda model, _: None}, "NoneType, expected a scalar"),
        ({"objective": lambda model, _: jnp.int32(1)}, "int32, which has no gradient"),
        ({"objective": lambda model, _: (model.x[...].sum(), 3)}, "int beside the loss"),
        ({"objective": lambda model, _: 1.0 if model.x[0] > 0 else 2.0}, "branches on a traced value"),
        ({"criterion": Criterion("reward", at_least=1)}, "'reward' is not recorded"),
        ({"metrics": {"error": lambda p, t: 0.0}}, "error compare predictions"),
        ({"schedule": Schedule(epochs=3)}, "scheduled in steps"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
    ],
)
def test_mistakes_get_a_sentence(fields: dict[str, Any], said: str) -> None:
    """A wrong objective, player, criterion or type names the case and the field."""
    players = {"objective": None, "optimizer": None} if "players" in fields else {}
    with pytest.raises(CaseError, match=f"case valley.*{said}"):
        run(valley(**(players | fields)))


def test_an_optimiser_beside_players_does_not_apply() -> None:
    """Treatments that replace the optimiser do not apply to players."""
    with pytest.raises(DoesNotApply, match="optimizer of its own"):
        game(optimizer=optax.sgd(0.1))
    with pytest.raises(DoesNotApply, match="optimisers of their own"):
        game().with_optimizer(learning_rate=0.1)


class Classifier(nnx.Module):
    """A linear classifier of points in the plane."""

    def __init__(self, rngs: nnx.Rngs, units: int = 3) -> None:
        self.out = nnx.Linear(2, units, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.out(x)


def right(prediction: jax.Array, label: jax.Array) -> jax.Array:
    """Return for each example whether the label has the largest logit."""
    return prediction.argmax(-1) == label


def labels(logits: jax.Array, label: jax.Array) -> jax.Array:
    """Return the mean cross-entropy."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()


def corners(rows: int = 41) -> Table:
    """Return points near three corners with their labels."""
    label = np.arange(rows) % 3
    x = np.array([[1, 0], [0, 1], [-1, -1]], np.float32)[label]
    return Table("corners", load=lambda files: Split((x, label), (x, label)), batch_size=10)


def classifier(**fields: Any) -> Case:
    """Return a case with integer labels."""
    standard: dict[str, Any] = {"name": "corners", "model": Classifier, "loss": labels, "dataset": corners()}
    standard |= {"metrics": {"accuracy": right}, "criterion": Criterion("accuracy", at_least=1.0)}
    standard |= {"optimizer": optax.sgd(1.0), "schedule": Schedule(epochs=10, evaluate_every=5)}
    return line(**(standard | fields))


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (classifier(criterion=None), "targets are no real numbers and have no r2"),
        (classifier(loss=None), r"gives shape \(10, 3\) where the target has \(10,\)|gives shape \(41, 3\)"),
        (line(dataset=Stream(lambda key, n: (jax.random.normal(key, (n, 1)), ()), 8)), "target is a tuple"),
        (line(dataset=Stream(lambda key, n: (jax.random.normal(key, (n, 1)), None), 8)), "target is a NoneType"),
        (line(dataset=Stream(lambda key, n: jax.random.normal(key, (n, 1)), 8)), "needs a pair"),
        (
            line(metrics={"mine": lambda p, t: 1.0 if (p > t).all() else 0.0}),
            "metric 'mine' branches on a traced value",
        ),
        (line(dataset=Stream(lambda key, n: (jax.random.normal(key, (n, 1)), jnp.ones((n, 1))), 8)), "do not vary"),
        (line(dataset=Stream(lambda key, n: tuple(jax.random.normal(key, (2, n, 1))), 8, 1)), "do not vary"),
    ],
)
def test_mistakes_in_targets_get_a_sentence(case: Case, said: str) -> None:
    """Targets that are no array, do not vary or have no R² are named before training."""
    with pytest.raises(CaseError, match=said):
        run(case, seeds=2)


class Bare(nnx.Linear):
    """A layer with an array that is no variable."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        super().__init__(1, 1, rngs=rngs)
        self.scale = jnp.ones(1)


def test_an_attribute_that_is_an_array_gets_a_sentence() -> None:
    """The attribute and the remedy are named."""
    with pytest.raises(CaseError, match=r"attribute scale .*bare array") as raised:
        run(line(model=Bare))

    assert "nnx.Variable" in raised.value.hint
