"""How a transformation is called, what is declared about it, and how its warnings and costs are shown."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
import pytest
import transformations
from test_findings import accuracies
from toys import line

from benchsuite import Case, CaseError, Optimizer, Schedule
from benchsuite.engine import Problem
from benchsuite.engine.optimizers import make_adapter
from benchsuite.plugins import load_registry
from benchsuite.report.terminal.tables import evaluations_per_step, warning_notes
from benchsuite.settings import TrainingSettings

SCALARS = {"w": jax.ShapeDtypeStruct((), jnp.float32), "b": jax.ShapeDtypeStruct((), jnp.float32)}
MATRIX = {"kernel": jax.ShapeDtypeStruct((3, 4), jnp.float32)}

ADVERSARY = optax.chain(optax.contrib.normalize(), optax.sgd(0.05))


def strict_sam() -> Any:
    """A transformation that refuses all extra arguments but one."""
    return optax.contrib.sam(optax.sgd(0.1), ADVERSARY, opaque_mode=True)


@pytest.mark.parametrize(
    ("transformation", "arguments"),
    [
        (optax.GradientTransformation(*optax.sgd(0.1)), ()),
        (optax.lbfgs(), ("value", "grad", "value_fn", "obj_fn", "grad_fn")),
        (optax.chain(optax.contrib.sophia(0.1), optax.scale_by_zoom_linesearch(5)), None),
        (strict_sam(), ("grad_fn",)),
        (optax.MultiSteps(optax.lbfgs(), 2), None),
    ],
)
def test_transformation_gets_the_arguments_that_it_takes(transformation: Any, arguments: Any) -> None:
    """All arguments are given, or those that are not refused; a line search takes its own beside those of others."""
    found = make_adapter("it", transformation, SCALARS).form.arguments

    assert found == (arguments if arguments is not None else ("value", "grad", "value_fn", "obj_fn", "grad_fn"))


@pytest.mark.parametrize("parameters", [SCALARS, MATRIX])
def test_gradients_for_each_example_are_found_out(parameters: Any) -> None:
    """Only updates that lose the first axis of their gradients are given one for each example."""
    private = optax.contrib.differentially_private_aggregate(1.0, 0.1, key=0)

    assert make_adapter("it", private, parameters).form.per_example
    assert make_adapter("it", Optimizer(private, per_example=True), parameters).form.per_example
    assert not make_adapter("it", optax.adam(0.1), parameters).form.per_example


def test_what_takes_no_gradient_of_a_case_is_named() -> None:
    """The error names the optimiser and has what it raised; it does not blame the case."""
    case = dataclasses.replace(load_registry().case("relu-bias"), optimizer=partial(optax.sm3, 0.1))

    with pytest.raises(CaseError, match=r"optimiser optax\.sm3 failed: IndexError") as raised:
        Problem.load(case, TrainingSettings()).training  # noqa: B018  # traces it

    assert "by hand" not in str(raised.value)


def test_state_that_changes_its_shape_is_named() -> None:
    """A scan over steps needs a state of one shape."""
    growing = optax.GradientTransformation(
        lambda _: jnp.zeros(1), lambda updates, state, _: (updates, jnp.concatenate([state, state]))
    )

    with pytest.raises(ValueError, match="next state: float32"):
        make_adapter("mine", growing, SCALARS)


def test_evaluation_parameters_must_have_the_shapes_of_the_parameters() -> None:
    """A wrong `eval_parameters` is found before training."""
    wrong = Optimizer(optax.sgd(0.1), eval_parameters=lambda state, parameters: parameters["w"])

    with pytest.raises(ValueError, match="eval_parameters: another tree"):
        make_adapter("mine", wrong, SCALARS)


@pytest.mark.parametrize("fields", [{"transformation": 3}, {"transformation": optax.sgd(1.0), "eval_parameters": 3}])
def test_optimizer_is_checked(fields: dict[str, Any]) -> None:
    """An `Optimizer` is given a transformation and functions."""
    with pytest.raises(CaseError):
        Optimizer(**fields)


@pytest.mark.parametrize("optimizer", [Optimizer(optax.sgd(0.1)), partial(Optimizer, optax.sgd(0.1))])
def test_optimizer_can_be_used_as_a_transformation(optimizer: Any) -> None:
    """A case takes it, and so does a function that returns it."""
    case: Case = line(optimizer=optimizer, schedule=Schedule(steps=20, evaluate_every=20))

    assert hasattr(case.make_optimizer(), "update")


@pytest.mark.parametrize(
    ("transformation", "extra"),
    [
        (optax.sgd(0.1), (0, 0)),
        (optax.polyak_sgd(), (0, 0)),
        (strict_sam(), (0, 1)),
        (optax.contrib.sam(optax.sgd(0.1), ADVERSARY, sync_period=4, opaque_mode=True), (0, 3)),
        (optax.contrib.sophia(0.1), (0, 1)),
    ],
)
def test_evaluations_of_a_step_are_counted(transformation: Any, extra: tuple[int, int]) -> None:
    """Functions and gradients beside the gradient of the step."""
    assert make_adapter("it", transformation, SCALARS).extra == extra


def test_warnings_and_evaluations_are_shown() -> None:
    """A warning stands once for all values of a sweep; evaluations are those of one step."""
    swept = [accuracies([0.9, 0.8], treatment="mine", warnings=["the optimiser ascends"]) for _ in range(2)]

    assert warning_notes(swept) == [f"WARNING: mine of {swept[0].case}: the optimiser ascends"]
    assert evaluations_per_step(swept[0]) == "1 gradient"


def test_table_lists_the_transformations_of_the_installed_version() -> None:
    """`docs/reference/optimizers.md` has a line for each."""
    if transformations.version() != optax.__version__:
        pytest.skip(f"the table is of optax {transformations.version()}")

    assert set(transformations.listed()) == set(transformations.transformations())
    assert not transformations.annotated() - set(transformations.listed())
