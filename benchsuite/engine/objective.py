"""The objective of a case: what a step minimises, and what an evaluation measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from flax import nnx

from benchsuite.case import Case, Player, make_transformation, mean_squared_error, optimizer_name
from benchsuite.engine.model import (
    abstract_model,
    blame,
    call_model,
    guard,
    predict,
    scalar,
    split_variables,
)
from benchsuite.engine.optimizers import HINT, Adapter, make_adapter
from benchsuite.errors import CaseError, near_matches
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS

#: Metrics by name.
Metrics = dict[str, Any]

#: The metrics that belong to real targets.
REGRESSION = ("r2", "largest_error")


class Count(NamedTuple):
    """A number of examples of which a metric is true, to be divided by `of` on the host."""

    hits: Any
    of: Any


class Objective(Protocol):
    """What a training step minimises and what an evaluation measures, given a model and a batch."""

    def assess(self, model: Any, batch: Any) -> tuple[Any, Metrics]:
        """Compute the loss of a batch, and the metrics that training records."""

    def look(self, model: Any, batch: Any) -> tuple[Any, Any]:
        """Compute the loss of the evaluation data, and what `measure` needs besides."""

    def measure(self, seen: Any, batch: Any) -> Metrics:
        """Compute the metrics of the evaluation data from what `look` has seen."""


def objective_of(case: Case, function: Any = None, name: str = "loss") -> Objective:
    """Make the objective of a case, or that of one of its players.

    Args:
        case: the case.
        function: objective of a player; by default the case's own loss or objective.
        name: under which its value is recorded.
    """
    if function is None and case.is_supervised:
        return SupervisedObjective(case)
    return FreeObjective(case.objective if function is None else function, name)


@dataclass(frozen=True)
class SupervisedObjective:
    """A loss of predictions and targets; R² and the largest error belong to real targets."""

    case: Case

    def assess(self, model: Any, batch: Any) -> tuple[Any, Metrics]:
        """Compute the loss and the case's own metrics."""
        x, y = _pair(batch)
        prediction = self._predict(model, x, y)
        wide, metrics = (widened(prediction), widened(y)), self.case.prediction_metrics.items()
        recorded = {name: as_mean(name, _call(f"metric {name!r}", metric, *wide), y) for name, metric in metrics}
        loss = self._loss(prediction, y)
        return loss, {"loss": as_mean("loss", loss, y), **recorded}

    def look(self, model: Any, batch: Any) -> tuple[Any, Any]:
        """Compute the loss, and return the prediction."""
        x, y = _pair(batch)
        prediction = self._predict(model, x, y)
        return self._loss(prediction, y), prediction

    def measure(self, seen: Any, batch: Any) -> Metrics:
        """Compute all metrics of predictions, in float32 where the case trains in bfloat16."""
        y, prediction = widened(_pair(batch)[1]), widened(seen)
        own = {name: metric for name, metric in self.case.all_metrics.items() if name not in self.case.measures}
        if not _is_real(y):
            own = {name: metric for name, metric in own.items() if name not in REGRESSION or name in self.case.metrics}
        return {
            name: as_count(name, _call(f"metric {name!r}", metric, prediction, y), y) for name, metric in own.items()
        }

    def _predict(self, model: Any, x: Any, y: Any) -> Any:
        alike = _is_real(y) or self.case.loss is mean_squared_error
        return predict(model, x, y) if alike else call_model(model, x)

    def _loss(self, prediction: Any, y: Any) -> Any:
        return minimisable("loss", _call("loss", self.case.loss, prediction, y))


@dataclass(frozen=True)
class FreeObjective:
    """A function (model, batch) → scalar, or (scalar, {name: scalar})."""

    function: Any
    name: str

    def assess(self, model: Any, batch: Any) -> tuple[Any, Metrics]:
        """Compute the value, and the metrics that come with it."""
        loss, metrics = self._value(model, batch)
        recorded = {name: as_mean(name, value, batch) for name, value in metrics.items()}
        return loss, {self.name: as_mean(self.name, loss, batch), **recorded}

    def look(self, model: Any, batch: Any) -> tuple[Any, Any]:
        """Compute the value, and return it with its metrics."""
        loss, metrics = self._value(model, batch)
        return loss, {self.name: loss, **metrics}

    def measure(self, seen: Any, batch: Any) -> Metrics:
        """Return what was seen."""
        return {name: as_count(name, value, batch) for name, value in seen.items()}

    def _value(self, model: Any, batch: Any) -> tuple[Any, Mapping[str, Any]]:
        what = "objective" if self.name == "loss" else f"objective {self.name}"
        value = _call(what, self.function, model, batch)
        loss, metrics = value if isinstance(value, tuple) and len(value) == len(("loss", "metrics")) else (value, {})
        if not isinstance(metrics, Mapping) or not all(isinstance(name, str) for name in metrics):
            raise CaseError(
                f"its objective returns a {type(metrics).__name__} beside the loss, expected metrics by name",
                "return (scalar, {name: scalar}) from the objective",
            )
        if self.name in metrics:
            raise CaseError(f"two of its metrics share the name {self.name!r}", "rename the metric of the objective")
        return minimisable(self.name, loss), metrics


def _is_real(y: Any) -> bool:
    return bool(jnp.issubdtype(y.dtype, jnp.floating))


def _pair(batch: Any) -> tuple[Any, Any]:
    """Take inputs and targets out of the batch of a loss.

    Raises:
        CaseError: it is no pair, or the target is no array.
    """
    if not isinstance(batch, tuple | list) or len(batch) != len(("x", "y")):
        raise CaseError(
            f"its dataset gives a {type(batch).__name__}, where a loss needs a pair (x, y)",
            "return (x, y) from prepare, or give objective in place of loss",
        )
    x, y = batch
    if not hasattr(y, "dtype") or not hasattr(y, "shape"):
        raise CaseError(
            f"its target is a {type(y).__name__}, expected one array",
            "return (x, y) with an array y from prepare, or give objective in place of loss",
        )
    return x, y


def _call(name: str, function: Any, *arguments: Any) -> Any:
    """Call a loss, objective or metric.

    Raises:
        CaseError: it fails.
    """
    with blame(name, f"call the {name.partition(' ')[0]} by hand on one batch"):
        return function(*arguments)


def minimisable(name: str, value: Any) -> Any:
    """Check that a loss is a real scalar.

    Raises:
        CaseError: it is not.
    """
    kind = jnp.result_type(scalar(name, value))
    if not jnp.issubdtype(kind, jnp.floating):
        raise CaseError(f"its {name} is of type {kind}, which has no gradient", "return a real number to be minimised")
    return value


def as_mean(name: str, value: Any, batch: Any) -> Any:
    """Convert a metric of a training batch to a real scalar; one truth value for each example to its mean."""
    if not _is_boolean(value):
        return widened(scalar(name, value), integers=True)
    return jnp.mean(value, dtype=jnp.float32) if _is_per_example(value, batch) else jnp.float32(scalar(name, value))


def as_count(name: str, value: Any, batch: Any) -> Any:
    """Convert a metric of the evaluation data to a scalar; one truth value for each example to a `Count`."""
    if not _is_boolean(value):
        return widened(scalar(name, value))
    if not _is_per_example(value, batch):
        return jnp.float32(scalar(name, value))
    return Count(jnp.sum(value, dtype=jnp.int32), jnp.int32(value.size))


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or getattr(value, "dtype", None) == jnp.bool_


def _is_per_example(value: Any, batch: Any) -> bool:
    """Whether an array has one value for each example of a batch."""
    leaves = jax.tree.leaves(batch)
    return bool(getattr(value, "shape", ()) and leaves and value.shape == leaves[0].shape[:1])


def widened(value: Any, *, integers: bool = False) -> Any:
    """Convert a narrow real array, such as one of bfloat16, to float32; integers too if so said."""
    kind = getattr(value, "dtype", None)
    if kind is None or kind in (jnp.float32, jnp.float64):
        return value
    narrow = jnp.issubdtype(kind, jnp.floating) or (integers and jnp.issubdtype(kind, jnp.integer))
    return value.astype(jnp.float32) if narrow else value


def converted(tree: Any, dtype: str) -> Any:
    """Convert the float32 arrays of a tree to the type of a case; a float32 case changes nothing."""
    if dtype == "float32":
        return tree
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if leaf.dtype == jnp.float32 else leaf, tree)


def check_criterion(case: Case, metrics: Metrics) -> None:
    """Check that the criterion's metric is among those of an evaluation.

    Raises:
        CaseError: it is not.
    """
    name = case.criterion.metric
    if name in metrics:
        return
    if name in REGRESSION and case.is_supervised:
        raise CaseError(
            f"its targets are no real numbers and have no {name}, which its criterion is on",
            "give Case(criterion=…) on another metric, such as an accuracy among its metrics",
        )
    raise CaseError(f"the criterion's metric {name!r} is not recorded", near_matches(name, metrics))


def without_collisions(parts: Iterable[Metrics]) -> Metrics:
    """Join metrics of several functions.

    Raises:
        CaseError: two of them have one name.
    """
    joined: Metrics = {}
    for part in parts:
        if twice := joined.keys() & part.keys():
            raise CaseError(f"two of its metrics share the name {min(twice)!r}", "rename one")
        joined |= part
    return joined


class Part(NamedTuple):
    """An objective, and the parameters over which it is minimised.

    Args:
        objective: the objective.
        owns: (path, variable) → whether the parameter is one of them; None for all parameters.
        optimizer: of these parameters.
        steps: updates at every step of the schedule.
    """

    objective: Objective
    owns: Callable[[Any, Any], bool] | None
    optimizer: Adapter
    steps: int

    def split(self, parameters: Any) -> tuple[Any, Callable[[Any], Any]]:
        """Split off the own parameters; returns them, and a function that puts them among the others."""
        if self.owns is None:
            return parameters, lambda own: own
        own, others = nnx.split_state(parameters, self.owns, ...)
        return own, lambda own: nnx.merge_state(own, others)


def parts_of(case: Case) -> list[Part]:
    """List the objectives of a case with their parameters and optimisers."""
    if not case.players:
        return [_part(case, objective_of(case), None, case.optimizer, 1)]
    parts = []
    for number, (player, paths) in enumerate(zip(case.players, _owned_paths(case), strict=True)):
        objective = objective_of(case, player.objective, f"{player.name}.loss" if number else "loss")
        parts.append(_part(case, objective, partial(_is_among, paths), player.optimizer, player.steps))
    counts = any(part.optimizer.counts for part in parts)
    return [part._replace(optimizer=replace(part.optimizer, with_others=counts)) for part in parts]


def _part(case: Case, objective: Objective, owns: Any, optimizer: Any, steps: int) -> Part:
    name = f"optimiser {optimizer_name(optimizer)}".rstrip()
    transformation = guard(case, name, partial(make_transformation, optimizer))

    def adapter() -> Adapter:
        parameters = split_variables(abstract_model(case))[0]
        own = parameters if owns is None else nnx.split_state(parameters, owns, ...)[0]
        shapes = jax.eval_shape(partial(converted, dtype=case.dtype), own)
        return make_adapter(name, transformation, shapes)

    return Part(objective, owns, guard(case, name, adapter, HINT), steps)


def judged_parameters(parts: Sequence[Part], memories: Sequence[Any], parameters: Any) -> Any:
    """Compute the parameters that are evaluated; the same object where they are those that are trained."""
    for part, memory in zip(parts, memories, strict=True):
        own, among = part.split(parameters)
        with blame(part.optimizer.name, HINT):
            judged = part.optimizer.evaluated(memory, own)
        parameters = parameters if judged is own else among(judged)
    return parameters


def count_evaluations(parts: Sequence[Part], memories: Sequence[Any]) -> dict[str, Any]:
    """The evaluations of the optimisers of a seed; none where each step of each takes one gradient."""
    found = [part.optimizer.evaluations(memory) for part, memory in zip(parts, memories, strict=True)]
    counted = [evaluations for evaluations in found if evaluations is not None]
    if not counted:
        return {}
    gradients, functions = (sum(values) for values in zip(*((e.gradients, e.functions) for e in counted), strict=True))
    return {GRADIENT_EVALUATIONS: gradients, FUNCTION_EVALUATIONS: functions}


def _is_among(paths: set[Any], path: Any, _: Any) -> bool:
    return path in paths


def _owned_paths(case: Case) -> list[set[tuple[Any, ...]]]:
    """List the paths of the parameters of each player, of which every parameter has one.

    Raises:
        CaseError: a parameter belongs to two players or to none.
    """
    model = abstract_model(case)
    paths = {id(v): path for path, v in nnx.iter_graph(model) if isinstance(v, nnx.Param)}
    owned = [_paths_of(case, player, model, paths) for player in case.players]
    for path in paths.values():
        name, owners = (
            ".".join(map(str, path)),
            [p.name for p, own in zip(case.players, owned, strict=True) if path in own],
        )
        if not owners:
            raise CaseError(
                f"case {case.id}: the parameter {name} belongs to no player", "add it to the parameters of a player"
            )
        if len(owners) > 1:
            raise CaseError(
                f"case {case.id}: the parameter {name} belongs to the players {' and '.join(owners)}",
                "give each parameter to one player",
            )
    return owned


def _paths_of(case: Case, player: Player, model: Any, paths: Mapping[int, Any]) -> set[tuple[Any, ...]]:
    part = guard(case, f"selection of the parameters of player {player.name}", lambda: player.select(model))
    own = {paths[id(v)] for _, v in nnx.iter_graph(part) if id(v) in paths}
    if not own:
        raise CaseError(
            f"case {case.id}: player {player.name} has no parameters",
            "let its parameters select a module or nnx.Param of the model",
        )
    return own
