"""Every kind of transformation of optax trains and is judged where it should be; warnings are of what it does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import transformations
from flax import nnx
from optax import contrib
from toys import line, treatment

from benchsuite import Case, CaseError, Criterion, Optimizer, Player, Schedule
from benchsuite.engine import Ensemble, Problem, Trainer
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS, Plan, Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine

ADVERSARY = optax.chain(contrib.normalize(), optax.sgd(0.05))

SEEDS = np.arange(4)

#: 2 or more: what takes minutes is tried too, as in test_library.py.
TIMES = int(os.environ.get("BENCHSUITE_LIBRARY", "1"))


class Pair(nnx.Module):
    """Two scalars, of which the second is to be 0 as well."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.x = nnx.Param(jax.random.normal(rngs.params(), ()))
        self.y = nnx.Param(jax.random.normal(rngs.params(), ()))


def bowl(model: Pair, _: Any) -> Any:
    """A quadratic of the parameters alone."""
    return jnp.square(model.x[...]) + 3 * jnp.square(model.y[...] - model.x[...])


def of_parameters(optimizer: Any, steps: int = 7) -> Case:
    """A case without data, evaluated at every step."""
    return Case(
        name="bowl",
        summary="Two numbers go to zero.",
        source="https://example.org/bowl",
        model=Pair,
        dataset=None,
        optimizer=optimizer,
        objective=bowl,
        criterion=Criterion("loss", at_most=1e-3),
        schedule=Schedule(steps=steps, evaluate_every=1, seeds=4),
    )


def trained(case: Case) -> Trace:
    """The trace of a few seeds."""
    problem = Problem.load(case, TrainingSettings())
    return Ensemble.fitting(problem, machine.devices()[:1]).train(SEEDS)[0]


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.polyak_sgd(max_learning_rate=0.1),
        contrib.momo(0.1),
        contrib.momo_adam(0.1),
        optax.lbfgs(),
        optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(15)),
        optax.chain(optax.sgd(1.0), optax.scale_by_zoom_linesearch(15)),
        optax.chain(optax.sgd(0.1), contrib.reduce_on_plateau(patience=5)),
        contrib.sophia(0.1),
        contrib.sam(optax.sgd(0.1), ADVERSARY),
        contrib.sam(optax.sgd(0.1), ADVERSARY, opaque_mode=True),
        optax.chain(contrib.differentially_private_aggregate(1.0, 0.01, key=0), optax.sgd(0.1)),
        optax.lookahead(optax.sgd(0.1), 5, 0.5),
        optax.MultiSteps(optax.lbfgs(), 2),
    ],
)
def test_transformation_trains(optimizer: Any) -> None:
    """The parameters stay finite, and the loss of every seed falls."""
    course = trained(line(optimizer=optimizer))
    loss = course.metrics["loss"]

    assert course.finite.all()
    assert (loss[:, -1] < loss[:, 0]).all()


def by_hand(optimizer: Any, start: np.ndarray, steps: int, judge: Callable[[Any, Any], Any]) -> np.ndarray:
    """Train the bowl with optax alone; returns the parameters to be judged after each step."""

    def loss(own: Any) -> Any:
        return jnp.square(own["x"]) + 3 * jnp.square(own["y"] - own["x"])

    own: Any = {"x": jnp.float32(start[0]), "y": jnp.float32(start[1])}
    state, found = optimizer.init(own), [start]
    for _ in range(steps):
        updates, state = optimizer.update(jax.grad(loss)(own), state, own)
        own = optax.apply_updates(own, updates)
        judged = judge(state, own)
        found.append(np.array([judged["x"], judged["y"]]))
    return np.stack(found)


@pytest.mark.parametrize(
    ("optimizer", "inner"),
    [
        (contrib.schedule_free_sgd(0.1), lambda state: state),
        (optax.chain(optax.clip(1.0), contrib.schedule_free_adamw(0.1)), lambda state: state[1]),
        (optax.inject_hyperparams(contrib.schedule_free_sgd)(learning_rate=0.1), lambda state: state.inner_state),
        (optax.MultiSteps(contrib.schedule_free_sgd(0.1), 2), lambda state: state.inner_opt_state),
    ],
)
def test_schedule_free_is_judged_at_its_evaluation_parameters(optimizer: Any, inner: Callable[[Any], Any]) -> None:
    """Recorded parameters and loss are those of `schedule_free_eval_params`, wherever its state is."""
    course = trained(of_parameters(optimizer))

    expected = by_hand(
        optimizer, course.parameters[0, 0], 7, lambda state, own: contrib.schedule_free_eval_params(inner(state), own)
    )
    x, y = course.parameters[0].T
    np.testing.assert_allclose(course.parameters[0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(course.metrics["loss"][0], x**2 + 3 * (y - x) ** 2, rtol=1e-4, atol=1e-6)


def test_parameters_that_a_state_masks_are_judged_as_they_are_trained() -> None:
    """Where one parameter is schedule-free and the other is not."""
    optimizer = optax.partition(
        {"free": contrib.schedule_free_sgd(0.1), "plain": optax.sgd(0.1)},
        lambda own: jax.tree.map_with_path(lambda path, _: "free" if "x" in str(path[0]) else "plain", own),
    )
    course = trained(of_parameters(optimizer))

    def judge(state: Any, own: Any) -> Any:
        inner = state.inner_states["free"].inner_state
        known = inner._replace(z={"x": inner.z["x"]})
        return {**contrib.schedule_free_eval_params(known, {"x": own["x"]}), "y": own["y"]}

    expected = by_hand(optimizer, course.parameters[0, 0], 7, judge)
    np.testing.assert_allclose(course.parameters[0], expected, rtol=1e-4, atol=1e-5)


def test_lookahead_is_judged_at_its_slow_parameters() -> None:
    """They change at every second step only."""
    course = trained(of_parameters(optax.lookahead(optax.sgd(0.05), 2, 0.5)))
    changed = (np.diff(course.parameters, axis=1) != 0).any(axis=2)

    assert changed.tolist() == [[False, True, False, True, False, True, False]] * 4


def test_sam_is_judged_at_its_outer_parameters() -> None:
    """An adversarial step is not judged: parameters change at the end of each period only."""
    course = trained(of_parameters(contrib.sam(optax.sgd(0.05), ADVERSARY)))
    changed = (np.diff(course.parameters, axis=1) != 0).any(axis=2)

    assert changed.tolist() == [[False, True, False, True, False, True, False]] * 4


def test_evaluation_parameters_of_an_own_transformation() -> None:
    """`Optimizer(eval_parameters=…)` decides, with the state of the transformation."""
    shifted = Optimizer(optax.trace(0.0), eval_parameters=lambda state, own: optax.tree.add(own, state.trace))
    start = trained(of_parameters(optax.trace(0.0), steps=1)).parameters
    course = trained(of_parameters(shifted, steps=1)).parameters

    np.testing.assert_array_equal(course[:, 0], start[:, 0])  # the state is zero
    np.testing.assert_allclose(course[:, 1] - start[:, 1], start[:, 1] - start[:, 0], rtol=1e-5)


def test_players_have_optimisers_of_every_kind() -> None:
    """One searches, the other has slow parameters; evaluations of both are counted."""
    case = replace(
        of_parameters(optax.sgd(0.1)),
        optimizer=None,
        objective=None,
        players=[
            Player("first", "x", bowl, optax.lbfgs()),
            Player("second", "y", bowl, optax.lookahead(optax.sgd(0.1), 2, 0.5)),
        ],
    )
    course = trained(case)

    assert (course.metrics["loss"][:, -1] < course.metrics["loss"][:, 0]).all()
    assert (course.diagnostics[GRADIENT_EVALUATIONS] > 2 * 7).all()


class Normed(nnx.Module):
    """A linear unit behind a normalisation and noise."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.norm = nnx.BatchNorm(1, rngs=rngs)
        self.drop = nnx.Dropout(0.1, rngs=rngs)
        self.linear = nnx.Linear(1, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.linear(self.drop(self.norm(x)))


def test_functions_of_the_loss_change_no_other_variables() -> None:
    """A line search draws the noise of the gradient, and running means advance once a step: the loss falls."""
    course = trained(line(model=Normed, optimizer=optax.lbfgs()))

    assert course.finite.all()
    assert (course.metrics["loss"][:, -1] < course.metrics["loss"][:, 0]).all()


@pytest.mark.parametrize(
    ("optimizer", "gradients", "functions"),
    [
        (contrib.sam(optax.sgd(0.1), ADVERSARY, opaque_mode=True), (14, 14), (0, 0)),
        (optax.lbfgs(), (15, 7 * 31), (0, 0)),
        (optax.chain(optax.sgd(0.1), optax.scale_by_backtracking_linesearch(15)), (7, 7), (7, 7 * 16)),
    ],
)
def test_evaluations_are_counted(optimizer: Any, gradients: tuple[int, int], functions: tuple[int, int]) -> None:
    """Of every seed, over all steps; one gradient a step is not counted."""
    diagnosed = trained(of_parameters(optimizer)).diagnostics

    for name, (low, high) in ((GRADIENT_EVALUATIONS, gradients), (FUNCTION_EVALUATIONS, functions)):
        assert ((low <= diagnosed[name]) & (diagnosed[name] <= high)).all()
    assert GRADIENT_EVALUATIONS not in trained(of_parameters(optax.adam(0.1))).diagnostics


def planned(optimizer: Any, **fields: Any) -> Plan:
    """The plan of a treated case after it is compiled."""
    case = treatment(lambda case: replace(case, optimizer=optimizer), "renamed").apply(line(**fields))
    return Trainer(case, TrainingSettings(seeds=4)).compile()


def renamed(transformation: Any) -> optax.GradientTransformation:
    """The same transformation under no name."""
    return optax.GradientTransformation(transformation.init, transformation.update)


class Scaled(nnx.Module):
    """A vector of one weight."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.w = nnx.Param(jax.random.normal(rngs.params(), (1,)))

    def __call__(self, x: jax.Array) -> jax.Array:
        return x * self.w[...]


@pytest.mark.parametrize(
    ("optimizer", "warned"),
    [
        (renamed(optax.scale_by_adam()), "ascends"),
        (renamed(contrib.normalize()), "ascends"),
        (renamed(optax.set_to_zero()), "changes no parameter"),
        (renamed(contrib.muon(0.01)), "equals Adam with Nesterov momentum for these parameters"),
        (renamed(contrib.galore(0.01)), "equals Adam for these parameters"),
        (renamed(optax.adam(0.01)), ""),
        (renamed(optax.sgd(0.1)), ""),
        (contrib.sam(optax.sgd(0.1), ADVERSARY), ""),
        (optax.lookahead(optax.sgd(0.1), 100, 0.5), ""),
        (contrib.schedule_free_sgd(0.1), ""),
        (optax.MultiSteps(optax.sgd(0.1), 4), ""),
    ],
)
def test_warning_is_of_what_an_optimiser_does(optimizer: Any, warned: str) -> None:
    """Not of its name; what trains gets none."""
    warnings = planned(optimizer, model=Scaled).warnings

    assert [warned in warning for warning in warnings] == [True] * bool(warned)


def test_matrices_are_not_what_muon_falls_back_for() -> None:
    """Where a parameter is a matrix, it is muon."""
    assert not planned(contrib.muon(0.01), model=lambda rngs: nnx.Linear(1, 1, rngs=rngs)).warnings


def test_optimiser_that_fails_is_blamed() -> None:
    """By its name; the case is not to be called by hand."""
    with pytest.raises(CaseError, match=r"its optimiser optax\.contrib\.scale_by_muon failed") as raised:
        Problem.load(line(optimizer=contrib.scale_by_muon, model=Scaled), TrainingSettings()).program  # noqa: B018

    assert "by hand" not in str(raised.value)


def test_table_is_what_the_transformations_do() -> None:
    """`docs/reference/optimizers.md` says of each transformation what happens with the installed version.

    Those that are peculiar are tried, and a sample of the others; `BENCHSUITE_LIBRARY=2` tries all.
    """
    if transformations.version() != optax.__version__:
        pytest.skip(f"the table is of optax {transformations.version()}")

    listed = transformations.listed()
    names = transformations.sample(listed, every=10 if TIMES == 1 else 1)
    found = transformations.table(names)

    assert set(transformations.transformations()) == set(listed)
    assert kinds(found) == kinds({name: text for name, text in listed.items() if name in names})
    assert not [text for text in found.values() if "by hand" in text]


def kinds(texts: Mapping[str, str]) -> dict[str, tuple[bool, bool, bool]]:
    """Whether each transformation trains, fails, or equals another one."""
    return {name: (text.startswith("trains"), "failed" in text, "equals" in text) for name, text in texts.items()}
