"""Objectives beyond a loss of predictions: measures of the model, and players with objectives of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from benchsuite.case.factory import UNSET, options_of
from benchsuite.case.names import NAME, is_count
from benchsuite.errors import CaseError, require

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


def optimizer_name(optimizer: Any) -> str:
    """Name an optimiser, such as "optax.contrib.sam"; empty where it is a transformation, which has no name."""
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
