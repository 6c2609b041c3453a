"""Objectives beyond a loss of predictions: measures of the model, players, and the optimisers of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from benchsuite.case.factory import UNSET, NestedFactory, options_of
from benchsuite.errors import CaseError, require
from benchsuite.names import NAME, is_count

if TYPE_CHECKING:
    import optax

#: (model, batch) → scalar, or (scalar, {name: scalar}).
Objective = Callable[[Any, Any], Any]


_EXAMPLE = "give, for example, partial(optax.sgd, learning_rate=0.01)"


@dataclass(frozen=True)
class Measure:
    """A metric of the model, computed at every evaluation.

    Args:
        function: (model, batch) → scalar, on the evaluation data; pure JAX.
    """

    function: Callable[[Any, Any], Any]

    def __post_init__(self) -> None:
        require(callable(self.function), "Measure is not given a function", "give a function (model, batch) -> scalar")


@dataclass(frozen=True, eq=False)
class Player:
    """An objective that is minimised over a part of the model, while the other parts are held constant.

    Players take turns at every step of the schedule, on the same batch. The random numbers of a model's own
    `nnx.Rngs` advance with every call, so that noise is fresh in each update.

    Args:
        name: unique among the players of a case.
        parameters: the part of the model: the name of an attribute, such as "critic", or (model) → module, parameter
            or a list of them.
        objective: (model, batch) → scalar, or (scalar, {name: scalar}).
        optimizer: as in `Case`.
        steps: updates at every turn, all on the same batch.
    """

    name: str
    parameters: str | Callable[[Any], Any]
    objective: Objective
    optimizer: Callable[[], optax.GradientTransformation] | optax.GradientTransformation
    steps: int = 1

    def __post_init__(self) -> None:
        named = isinstance(self.name, str) and NAME.fullmatch(self.name) is not None
        require(named, f"a player is named {self.name!r}", "use letters, digits and single - _ or .")
        whose = f"player {self.name}"
        part = self.parameters
        require(
            callable(part) or (isinstance(part, str) and bool(part)),
            f"{whose}: parameters is {part!r}",
            "give the name of an attribute of the model, or a function of the model",
        )
        require(callable(self.objective), f"{whose}: objective is not callable", "give a function (model, batch)")
        require(is_count(self.steps), f"{whose}: steps is {self.steps!r}", "give a whole number of at least 1")
        check_optimizer(whose, self.optimizer)

    def select(self, model: Any) -> Any:
        """Return the part of a model that the player optimises."""
        return self.parameters(model) if callable(self.parameters) else getattr(model, self.parameters)


@dataclass(frozen=True, eq=False)
class Optimizer:
    """An optax transformation, with what its states do not say by themselves.

    It can be used wherever a transformation can. States of optax' own are recognised without it, also inside of others:
    `lookahead` is judged at its slow parameters, `schedule_free` at `optax.contrib.schedule_free_eval_params`, and
    `sam` at its outer parameters.

    Args:
        transformation: `update` may take the arguments `value`, `grad`, `value_fn`, `obj_fn` and `grad_fn` of optax.
        eval_parameters: (state, parameters) → the parameters that are evaluated, recorded and judged; by default those
            that are trained.
        per_example: whether `update` takes a gradient for each example, along a first axis that it removes; by default
            whether it does so when it is tried.

    Raises:
        CaseError: a field is of the wrong kind.
    """

    transformation: optax.GradientTransformation
    eval_parameters: Callable[[Any, Any], Any] | None = None
    per_example: bool | None = None

    def __post_init__(self) -> None:
        kind = type(self.transformation).__name__
        require(is_transformation(self.transformation), f"Optimizer is given a {kind}", "give an optax transformation")
        require(
            self.eval_parameters is None or callable(self.eval_parameters),
            "Optimizer's eval_parameters is not a function",
            "give a function (state, parameters) -> parameters",
        )

    @property
    def init(self) -> Any:
        """The `init` of the transformation."""
        return self.transformation.init

    @property
    def update(self) -> Any:
        """The `update` of the transformation."""
        return self.transformation.update


def optimizer_name(optimizer: Any) -> str:
    """Name an optimiser, such as "optax.contrib.sam"; empty where it is a transformation, which has no name."""
    if isinstance(optimizer, NestedFactory):
        return optimizer.text
    function = optimizer.func if isinstance(optimizer, partial) else optimizer
    if is_transformation(function) or not hasattr(function, "__qualname__"):
        return ""
    place = getattr(function, "__module__", "").partition("._src")[0].partition("._")[0]
    return f"{place}.{function.__qualname__}" if place.startswith("optax") else str(function.__qualname__)


def is_transformation(value: object) -> bool:
    """Return whether a value is an optax transformation."""
    return callable(getattr(value, "init", None)) and callable(getattr(value, "update", None))


def check_optimizer(whose: str, optimizer: Any) -> None:
    """Check that an optimiser is a transformation, or a function with all of its options.

    Raises:
        CaseError: it is neither.
    """
    if is_transformation(optimizer):
        return
    kind = type(optimizer).__name__
    require(callable(optimizer), f"{whose}: optimizer is a {kind}, not an optax transformation", _EXAMPLE)
    missing = [name for name, value in options_of(optimizer).items() if value is UNSET]
    require(not missing, f"{whose}: the optimizer lacks its {', '.join(missing)}", _EXAMPLE)


def make_transformation(optimizer: Any) -> optax.GradientTransformation:
    """Make the optax transformation of an optimiser.

    Raises:
        CaseError: its function returns something else.
    """
    made = optimizer if is_transformation(optimizer) else optimizer()
    if not is_transformation(made):
        raise CaseError(f"its optimizer gives a {type(made).__name__}", "let it give an optax transformation")
    return made


def check_players(case: str, players: Sequence[Player]) -> None:
    """Check that all players are players, with names of their own.

    Raises:
        CaseError: one of them is not.
    """
    for player in players:
        require(isinstance(player, Player), f"case {case}: {player!r} among its players", "give Player")
    names = [player.name for player in players]
    require(len(set(names)) == len(names), f"case {case}: two players share a name: {', '.join(names)}", "rename one")
