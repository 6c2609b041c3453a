"""Call any optax transformation: its extra arguments, its own parameters, and gradients for each example."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from benchsuite.case import Optimizer
from benchsuite.errors import CaseError
from benchsuite.results import FUNCTION_EVALUATIONS, GRADIENT_EVALUATIONS

#: Arguments that `update` is tried with, in this order: all of them, then those of one protocol of optax.
_ARGUMENTS = (
    ("value", "grad", "value_fn", "obj_fn", "grad_fn"),
    ("value", "grad", "value_fn"),
    ("value",),
    ("obj_fn",),
    ("grad_fn",),
    (),
)

#: How to read the diagnostics that count evaluations.
EVALUATION_READINGS = {
    GRADIENT_EVALUATIONS: "gradients of the loss on a batch that the optimiser took in all; others take one a step",
    FUNCTION_EVALUATIONS: "losses of a batch that the optimiser took in all, beside those that come with gradients",
}

#: The field of a state that counts the iterations of a line search, as optax' own name it.
_SEARCHED = "num_linesearch_steps"

HINT = "look it up in docs/reference/optimizers.md, or choose another one"

#: Examples of the batch that a transformation is tried with.
_TRIED = 3


class Evaluations(NamedTuple):
    """Numbers of evaluations of the loss: alone, and with its gradient."""

    functions: Any
    gradients: Any


class Memory(NamedTuple):
    """The state of an optimiser that has its own parameters, or more to compute than one gradient a step."""

    state: Any
    slow: Any
    evaluations: Evaluations | None


class Stepped(NamedTuple):
    """A training after a step of its optimiser, with the gradient before it."""

    parameters: Any
    rest: Any
    memory: Any
    metrics: Any
    gradient: Any


class Form(NamedTuple):
    """How a transformation is called.

    Args:
        arguments: the names of the extra arguments of `update`.
        per_example: whether it takes a gradient for each example.
        paired: whether its parameters are `optax.LookaheadParams`.
    """

    arguments: tuple[str, ...]
    per_example: bool
    paired: bool


#: (parameters, other variables, batch) → (loss, (other variables, metrics))
Loss = Callable[[Any, Any, Any], tuple[Any, tuple[Any, Any]]]


@dataclass(frozen=True)
class Adapter:
    """An optimiser as the engine calls it, whatever optax transformation it is.

    Args:
        name: in error messages, such as "optimiser optax.adam".
        transformation: of optax.
        form: how it is called.
        eval_parameters: (state, parameters) → parameters to be judged; None for those that are trained.
        extra: evaluations of a step beside its gradient, at most those of one iteration where it searches.
        searches: whether the number of iterations is in its state.
        axes: the numbers of axes of the parameters.
        with_others: whether evaluations are counted although a step takes one gradient.
    """

    name: str
    transformation: Any
    form: Form
    eval_parameters: Callable[[Any, Any], Any] | None
    extra: Evaluations
    searches: bool
    axes: frozenset[int]
    with_others: bool = False

    @property
    def counts(self) -> bool:
        """Whether evaluations are counted: a step takes more than one gradient, or another player's does."""
        return any(self.extra) or self.with_others

    @property
    def _is_wrapped(self) -> bool:
        return self.counts or self.form.paired

    def init(self, parameters: Any) -> Any:
        """Initialise the state."""
        state = self.transformation.init(_pair(parameters, parameters) if self.form.paired else parameters)
        if not self._is_wrapped:
            return state
        zero = Evaluations(jnp.int32(0), jnp.int32(0)) if self.counts else None
        return Memory(state, parameters if self.form.paired else None, zero)

    def step(self, loss: Loss, parameters: Any, rest: Any, memory: Any, batch: Any) -> Stepped:
        """Take one step on a batch.

        All functions that the optimiser calls compute the loss of the same batch, with the other variables (running
        means, random numbers) as they were before the step. Those that go on are of the evaluation that gave the
        gradient, at the parameters before the step.
        """
        (value, (after, metrics)), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, rest, batch)
        given = self._each(loss, parameters, rest, batch) if self.form.per_example else gradient
        at_batch = lambda own: loss(own, rest, batch)[0]  # noqa: E731
        arguments = _arguments(self.form.arguments, value, gradient, at_batch, jax.grad(at_batch))
        if not self._is_wrapped:
            updates, state = self.transformation.update(given, memory, parameters, **arguments)
            return Stepped(optax.apply_updates(parameters, updates), after, state, metrics, gradient)
        both = _pair(parameters, memory.slow) if self.form.paired else parameters
        updates, state = self.transformation.update(given, memory.state, both, **arguments)
        moved = optax.apply_updates(both, updates)
        fast, slow = moved if self.form.paired else (moved, None)
        return Stepped(fast, after, Memory(state, slow, self._counted(memory, state)), metrics, gradient)

    def evaluated(self, memory: Any, parameters: Any) -> Any:
        """Compute the parameters to be judged; the same object where they are those that are trained."""
        if self.form.paired and self.eval_parameters is None:
            return memory.slow
        if self.eval_parameters is None:
            return parameters
        return self.eval_parameters(memory.state if self._is_wrapped else memory, parameters)

    def evaluations(self, memory: Any) -> Evaluations | None:
        """Return the evaluations so far; None where a step takes one gradient and no more."""
        return memory.evaluations if self.counts else None

    def _counted(self, memory: Memory, state: Any) -> Evaluations | None:
        if memory.evaluations is None:
            return None
        functions, gradients = self.extra
        if self.searches:
            updated = [one.mini_step == 0 for one in _states(state, optax.MultiStepsState)]
            iterations = sum(jnp.int32(count) for count in _searched(state)) * math.prod(updated)
            functions, gradients = (iterations if count else 0 for count in self.extra)
        return Evaluations(memory.evaluations.functions + functions, memory.evaluations.gradients + 1 + gradients)

    @staticmethod
    def _each(loss: Loss, parameters: Any, rest: Any, batch: Any) -> Any:
        """Compute the gradient of each example, stacked along a first axis."""
        sizes = {getattr(leaf, "shape", ())[:1] for leaf in jax.tree.leaves(batch)}
        if len(sizes) != 1 or sizes == {()}:
            raise CaseError(
                "its optimiser takes a gradient for each example, but its batches have no examples along a first axis",
                "choose another optimiser",
            )
        examples = jax.tree.map(lambda leaf: leaf[:, None], batch)
        one = jax.grad(lambda own, example: loss(own, rest, example)[0])
        return jax.vmap(one, in_axes=(None, 0))(parameters, examples)


def make_adapter(name: str, optimizer: Any, parameters: Any) -> Adapter:
    """Find out how a transformation is called, by tracing its first step on an objective of its own.

    Args:
        name: in error messages, such as "optimiser optax.adam".
        optimizer: a transformation of optax, or an `Optimizer`.
        parameters: shapes of the parameters.

    Raises:
        Exception: that of the transformation, if it cannot be called in any way.
    """
    given = optimizer if isinstance(optimizer, Optimizer) else Optimizer(optimizer)
    transformation, per_example = given.transformation, given.per_example
    while isinstance(transformation, Optimizer):
        transformation = transformation.transformation
    paired = _is_paired(transformation, parameters)
    forms = [
        Form(arguments, each, paired)
        for each, arguments in product((False, True) if per_example is None else (per_example,), _sets(transformation))
    ]
    form, state, extra = _first_that_works(transformation, parameters, forms)
    judged = given.eval_parameters or (_eval_parameters if _judged_states(state) else None)
    axes = frozenset(leaf.ndim for leaf in jax.tree.leaves(parameters))
    adapter = Adapter(name, transformation, form, judged, extra, bool(_searched(state)), axes)
    _check_judged(adapter, state, parameters)
    return adapter


def _sets(transformation: Any) -> tuple[tuple[str, ...], ...]:
    """The sets of arguments to try: none for a transformation that takes none; anything else may take some."""
    plain = isinstance(transformation, optax.GradientTransformation)
    takes = not plain or isinstance(transformation, optax.GradientTransformationExtraArgs)
    return _ARGUMENTS if takes else ((),)


def _first_that_works(transformation: Any, parameters: Any, forms: list[Form]) -> tuple[Form, Any, Evaluations]:
    reasons = []
    for form in forms:
        try:
            return (form, *_try(transformation, parameters, form))
        except Exception as error:  # noqa: BLE001  # of a plugin's or user's optimiser
            reasons.append(error)
    raise reasons[0]


def _try(transformation: Any, parameters: Any, form: Form) -> tuple[Any, Evaluations]:
    """Trace a first step; returns the shapes of the state, and the evaluations beside the gradient.

    Raises:
        ValueError: its updates do not have the shapes of the parameters, or its state changes its shape.
    """
    counted = [0, 0]

    def step(own: Any) -> tuple[Any, Any, Any]:
        both = _pair(own, own) if form.paired else own
        state = transformation.init(both)
        objective, gradient_of = _counting(counted)
        gradient = jax.tree.map(jnp.zeros_like, own)
        stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * _TRIED), gradient)
        arguments = _arguments(form.arguments, jnp.float32(1), gradient, objective, gradient_of)
        updates, after = transformation.update(stacked if form.per_example else gradient, state, both, **arguments)
        return updates, state, after

    updates, state, after = jax.eval_shape(step, parameters)
    like = _pair(parameters, parameters) if form.paired else parameters
    _check_alike("updates", updates, like, types=False)
    _check_alike("next state", after, state)
    return state, Evaluations(*counted)


def _counting(counted: list[int]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Make an objective and its gradient that count how often they are traced, alone or differentiated."""

    def squares(own: Any) -> Any:
        return sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(own))

    @jax.custom_jvp
    def objective(own: Any) -> Any:
        counted[0] += 1
        return squares(own)

    @objective.defjvp
    def differentiated(primals: Any, tangents: Any) -> Any:
        counted[1] += 1
        return jax.jvp(squares, primals, tangents)

    return objective, jax.grad(objective)


def _arguments(names: tuple[str, ...], value: Any, gradient: Any, objective: Any, gradient_of: Any) -> dict[str, Any]:
    """The extra arguments of optax; functions ignore each other, and `grad_fn` the number of the call."""

    def value_fn(own: Any, *, obj_fn: Any = None, grad_fn: Any = None) -> Any:
        del obj_fn, grad_fn  # a line search passes on all arguments but its own, and refuses those that are not taken
        return objective(own)

    def grad_fn(own: Any, *_: Any) -> Any:
        return gradient_of(own)

    known = {"value": value, "grad": gradient, "value_fn": value_fn, "obj_fn": objective, "grad_fn": grad_fn}
    return {name: known[name] for name in names}


def _check_alike(what: str, found: Any, expected: Any, *, types: bool = True) -> None:
    trees = {jax.tree.structure(found), jax.tree.structure(expected)}
    if len(trees) > 1:
        raise ValueError(f"{what}: another tree than before")
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        if one.shape != other.shape or (types and one.dtype != other.dtype):
            raise ValueError(f"{what}: {one.dtype}{list(one.shape)} in place of {other.dtype}{list(other.shape)}")


def _check_judged(adapter: Adapter, state: Any, parameters: Any) -> None:
    """Check that the parameters to be judged have the shapes of those that are trained."""
    if adapter.eval_parameters is None:
        return
    judged = jax.eval_shape(adapter.eval_parameters, state, parameters)
    _check_alike("eval_parameters", judged, parameters)


def _pair(fast: Any, slow: Any) -> optax.LookaheadParams:
    return optax.LookaheadParams(fast=fast, slow=slow)


def _is_paired(transformation: Any, parameters: Any) -> bool:
    """Whether the transformation is optax' lookahead, or contains it: it has fast and slow parameters."""
    try:
        state = jax.eval_shape(lambda own: transformation.init(_pair(own, own)), parameters)
    except Exception:  # noqa: BLE001  # it takes no pair, or fails, which the trial reports
        return False
    return any(_states(state, optax.LookaheadState))


def _searched(state: Any) -> list[Any]:
    return [count for _, count in optax.tree.get_all_with_path(state, _SEARCHED)]


def _states(state: Any, *kinds: type) -> Iterator[Any]:
    """Iterate over the states of some kinds inside of a state."""
    is_one = partial(_is_instance, kinds)
    return filter(is_one, jax.tree.leaves(state, is_leaf=is_one))


def _is_instance(kinds: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, kinds)


def _judged_states(state: Any) -> list[Any]:
    """List the states of optax that have other parameters to be judged than those that are trained."""
    found = _states(state, optax.contrib.ScheduleFreeState, optax.contrib.SAMState)
    return [one for one in found if getattr(one, "cache", True) is not None]  # an opaque SAM has none


def _eval_parameters(state: Any, parameters: Any) -> Any:
    """The evaluation parameters of `schedule_free`, and the outer ones of `sam` while it is between them."""
    for one in _judged_states(state):
        known = one.cache if isinstance(one, optax.contrib.SAMState) else one.z
        parameters = jax.tree.map(partial(_judged, one), known, parameters, is_leaf=_is_masked)
    return parameters


def _judged(state: Any, known: Any, own: Any) -> Any:
    """One array of the parameters to be judged; one that the state does not know stays as it is."""
    if _is_masked(known):
        return own
    if isinstance(state, optax.contrib.SAMState):
        return jnp.where(state.steps_since_sync > 0, known, own)
    judged = optax.contrib.schedule_free_eval_params(state._replace(z=known), own)
    return judged.astype(own.dtype)


def _is_masked(value: Any) -> bool:
    return isinstance(value, optax.MaskedNode)
