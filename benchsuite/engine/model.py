"""The model of a case: construct it, split it into variables, and call it with its shapes checked."""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import flax
import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import optax
from flax import nnx

import benchsuite
from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError, CaseError, wrap_errors
from benchsuite.results import PARAMETERS_KEPT
from benchsuite.system import compat, machine

T = TypeVar("T")

#: Units of rounding by which predictions may differ that do not depend on the input.
_ROUNDING_UNITS = 8

#: Folders whose frames are left out when an error names the line of a plugin.
_LIBRARIES = tuple(
    f"{Path(str(package.__file__)).parent}{os.sep}" for package in (benchsuite, jax, jaxlib, flax, optax, np)
)
_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))

#: Errors of JAX for code that needs the value of a traced array.
_NEEDS_VALUE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def make_model(case: Case, rngs: nnx.Rngs) -> nnx.Module:
    """Initialise the model of a case.

    Raises:
        CaseError: the case's `model` returns no flax module.
    """
    model = case.model(rngs)
    if not isinstance(model, nnx.Module):
        raise CaseError(f"its model is a {type(model).__name__}", "return a flax.nnx.Module from case.model")
    for path, value in nnx.iter_graph(model):
        if isinstance(value, jax.Array | np.ndarray):
            name = ".".join(map(str, path))
            raise CaseError(
                f"the attribute {name} of its model is a bare array, which is neither trained nor kept",
                f"wrap it in nnx.Variable, or in nnx.Param to train it: self.{path[-1]} = nnx.Variable(…)",
            )
    return model


def split_variables(model: nnx.Module) -> tuple[Any, Any]:
    """Split a model into its parameters and its other variables, such as running means."""
    _, parameters, rest = nnx.split(model, nnx.Param, ...)  # type: ignore[misc]  # flax types it as a pair
    return parameters, rest


def graph_of(case: Case, *, training: bool) -> Any:
    """Compute the static structure of a model, in training mode or in evaluation mode (for dropout and the like).

    Raises:
        CaseError: the model cannot be made, or has no parameters.
    """
    model = abstract_model(case)
    guard(case, "model", model.train if training else model.eval)
    return nnx.split(model)[0]


def parameter_names(case: Case) -> list[str]:
    """List the names of the values in `Trace.parameters`, such as "w" or "kernel[0, 1]".

    Returns:
        The names in the order of the values; empty for models with more than `PARAMETERS_KEPT` parameters.

    Raises:
        CaseError: the model cannot be made, or has no parameters.
    """
    parameters = nnx.to_pure_dict(nnx.state(abstract_model(case), nnx.Param))
    if tree_size(parameters) > PARAMETERS_KEPT:
        return []
    names = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(parameters)[0]:
        stem = ".".join(str(part.key) for part in path)
        names += [stem + (str(list(index)) if index else "") for index in np.ndindex(*leaf.shape)]
    return names


def abstract_model(case: Case) -> Any:
    """Make the model of a case without its numbers.

    Raises:
        CaseError: the model cannot be made, or has no parameters.
    """
    hint = "call model(nnx.Rngs(0)) by hand to see the traceback"
    model = guard(case, "model", lambda: nnx.eval_shape(lambda: make_model(case, nnx.Rngs(0))), hint)
    if not jax.tree.leaves(nnx.state(model, nnx.Param)):
        raise CaseError(f"case {case.id}: its model has no parameters", "make trained variables nnx.Param")
    return model


def parameter_dtype(case: Case) -> str:
    """Find the type of a model's parameters in training, such as "float32".

    Raises:
        CaseError: they are of several types, or the model makes parameters of another type than the case's.
    """
    leaves = jax.tree_util.tree_leaves_with_path(nnx.to_pure_dict(nnx.state(abstract_model(case), nnx.Param)))
    kinds: dict[str, str] = {}
    for path, leaf in leaves:
        kind = case.dtype if leaf.dtype == jnp.float32 else str(leaf.dtype)
        kinds.setdefault(kind, ".".join(str(part.key) for part in path))
    if len(kinds) > 1:
        raise CaseError(
            f"case {case.id}: its parameters are of several types: "
            + ", ".join(f"{name} of {kind}" for kind, name in kinds.items()),
            "give all layers the same param_dtype, or leave it to Case(dtype=…)",
        )
    (kind,) = kinds
    if case.dtype not in ("float32", kind):
        raise CaseError(
            f"case {case.id}: dtype is {case.dtype}, but its model makes parameters of {kind}",
            "omit param_dtype in the model, or the dtype",
        )
    return kind


def predict(model: Any, x: Any, y: Any) -> Any:
    """Call a model on inputs, and check that the prediction has the shape of the target.

    Raises:
        CaseError: it has another shape.
    """
    prediction = call_model(model, x)
    if getattr(prediction, "shape", None) != y.shape:
        raise CaseError(
            f"the model gives shape {getattr(prediction, 'shape', None)} where the target has {y.shape}",
            "return predictions of the target's shape from the model; other shapes would be broadcast in the loss",
        )
    return prediction


def prediction_shape(case: Case, x: Any) -> tuple[int, ...]:
    """Compute the shape of a case's prediction for inputs `x`, in evaluation mode."""

    def predicted() -> Any:
        model = make_model(case, nnx.Rngs(0))
        model.eval()
        return model(x)

    return tuple(jax.eval_shape(predicted).shape)


def prediction_spread(prediction: Any) -> jax.Array:
    """Compute how far the predictions of n examples lie apart, as `Trace.prediction_spread` has it.

    Args:
        prediction: (n, …), examples along the first axis.
    """
    if prediction.shape[0] < 2:  # noqa: PLR2004  # one example has no spread
        return jnp.float32(jnp.nan)
    values = prediction.astype(jnp.float32)
    spread = values.max(axis=0) - values.min(axis=0)
    real = jnp.issubdtype(prediction.dtype, jnp.floating)
    unit = float(jnp.finfo(prediction.dtype).eps) if real else 0.0  # type: ignore[no-untyped-call]
    rounding = _ROUNDING_UNITS * unit * abs(values).max(axis=0)
    return jnp.where(spread <= rounding, 0, spread).max()


def scalar(name: str, value: Any) -> Any:
    """Check that a loss or metric is a scalar.

    Raises:
        CaseError: it is not.
    """
    shape = getattr(value, "shape", ())
    if shape != ():
        raise CaseError(f"its {name} has shape {shape}, expected a scalar", f"return the mean of {name} over the batch")
    if not hasattr(value, "dtype") and not isinstance(value, int | float):
        raise CaseError(f"its {name} is a {type(value).__name__}, expected a scalar", f"return one number for {name}")
    return value


def tree_size(tree: Any) -> int:
    """Count the numbers in a tree of arrays."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def call_model(model: Any, x: Any) -> Any:
    """Call a model on inputs.

    Raises:
        CaseError: it fails.
    """
    with blame("model", "call the model by hand on one batch of inputs"):
        return model(x)


def guard(case: Case, what: str, call: Callable[[], T], hint: str = "") -> T:
    """Call code that runs functions of a case, and name the case in their exceptions; see `blame`.

    Raises:
        CaseError: the code failed; the message names the line of the plugin.
    """
    try:
        with blame(what, hint):
            return call()
    except BenchsuiteError as error:
        raise CaseError(f"case {case.id}: {error.message}", error.hint) from error


@contextmanager
def blame(what: str, hint: str = "") -> Iterator[None]:
    """Name the part of a case that fails inside the context; the innermost name counts.

    Args:
        what: the part, such as "metric 'accuracy'".
        hint: what to do, unless the exception or a setting of JAX says more.

    Raises:
        CaseError: the part failed; the message names the line of the plugin.
    """

    def named(raised: str) -> CaseError:
        said = machine.unset_hint(raised) or hint
        return CaseError(f"its {what} failed: {raised}{plugin_line()}", said)

    with wrap_errors(named):
        try:
            yield
        except jax.errors.TracerBoolConversionError as error:
            raise CaseError(
                f"its {what} branches on a traced value{plugin_line()}", "use jnp.where in place of if"
            ) from error
        except _NEEDS_VALUE as error:
            raise CaseError(
                f"its {what} needs the value of a traced array{plugin_line()}",
                "use jax.numpy in place of NumPy, float() and int()",
            ) from error
        except TypeError as error:
            if (change := compat.type_change(error)) is None:
                raise
            raise _changed_type(change) from error


def _changed_type(change: compat.TypeChange) -> CaseError:
    """Make the error for a step whose result is of another type than what it began with."""
    types = f"from {change.before} to {change.after}"
    if change.field == "rest":
        message = f"its model changes the type of its variable {change.name} {types} when it is called"
        return CaseError(message, "assign values of the same shape and type to the variables of the model")
    kept = f"the parameter {change.name}" if change.field == "parameters" else "its state"
    return CaseError(
        f"its optimiser changes the type of {kept} {types}", "return updates and states of the same types from update"
    )


def blamed(what: str, function: Callable[..., T], hint: str = "") -> Callable[..., T]:
    """Make a function that names a part of a case in its exceptions; see `blame`."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> T:
        with blame(what, hint):
            return function(*arguments, **named)

    return call


def plugin_line() -> str:
    """The last line outside of the libraries in the traceback of the current exception, if there is one."""
    for frame in reversed(traceback.extract_tb(sys.exc_info()[2])):
        if not frame.filename.startswith(_LIBRARIES) and Path(frame.filename).parent != _STANDARD_LIBRARY:
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""
