"""Promises about a criterion: NaN is seen; chance, constants and no training fail; and the solution succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchsuite import stats
from benchsuite.case import Case, Measure
from benchsuite.errors import CaseError, require
from benchsuite.results import Outcome, classify
from benchsuite.testing.kit import Kit, NotCheckedError
from benchsuite.variants import start_values

#: Starts that are evaluated without training, and of a large model; and the share of them that may be solutions.
_STARTS, _STARTS_OF_LARGE, _SOLVED_SHARE = 64, 16, 0.1


def check_nan(kit: Kit) -> str:
    """Check that seeds diverge whose parameters are NaN."""
    trace = kit.trace(kit.untrained.with_start(_fill_with_nan))
    ends = set(classify(trace, kit.case.criterion).tolist())
    require(
        ends == {Outcome.DIVERGED.value},
        f"from a start that is NaN it ends as {', '.join(sorted(ends))}, expected {Outcome.DIVERGED.value}",
        "make its parameters nnx.Param, and its loss NaN where the prediction is",
    )
    require(
        not np.isfinite(trace.metrics["loss"]).any(),
        "its loss is finite where the prediction is NaN",
        "do not hide NaN with nan_to_num, max or where",
    )
    return "a start that is NaN has diverged"


def _fill_with_nan(model: Any, _: Any) -> None:
    import jax
    import jax.numpy as jnp
    from flax import nnx

    nnx.update(model, jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), nnx.state(model, nnx.Param)))


def check_start(kit: Kit) -> str:
    """Check that few random starts meet the criterion untrained."""
    import jax

    from benchsuite.engine import as_figures

    start = jax.jit(jax.vmap(kit.problem.training.start, in_axes=(0, None, None, None)))
    starts = np.arange(_STARTS_OF_LARGE if kit.is_large else _STARTS, dtype=np.uint32)
    of_parts = [start(part, None, None, kit.problem.data)[1].metrics for part in starts.reshape(-1, len(kit.seeds))]
    metric = np.concatenate([as_figures(metrics[kit.case.criterion.metric]) for metrics in of_parts])
    solved = int(kit.case.criterion.holds(metric).sum())
    require(
        stats.rate_interval(solved, len(starts))[0] <= _SOLVED_SHARE,
        f"{solved} of {len(starts)} random starts meet the criterion untrained",
        "use a stricter criterion, or draw starts from a wider distribution",
    )
    return f"{solved} of {len(starts)} random starts meet it untrained"


def check_null(kit: Kit) -> str:
    """Check that with a learning rate of 0 no seed comes to meet the criterion."""
    trace = kit.trace(kit.untrained)
    values = trace.metrics[kit.case.criterion.metric]
    held = kit.case.criterion.holds(values)
    learnt = int((kit.case.criterion.met(values) & ~held[:, 0]).sum())
    require(
        not learnt,
        f"with a learning rate of 0, {learnt} of {len(held)} seeds come to meet the criterion",
        "make predictions depend on parameters alone: check running means and code that runs only in training",
    )
    return "nothing is learnt with a learning rate of 0"


def check_constant(kit: Kit) -> str:
    """Check that no constant prediction meets the criterion."""
    if not kit.case.is_supervised or isinstance(kit.case.all_metrics[kit.case.criterion.metric], Measure):
        raise NotCheckedError("it is not judged on predictions and targets", "try a model that ignores its input")
    try:
        constant = kit.whole.constant_meets
    except CaseError as error:
        raise NotCheckedError(error.message, "make its metric accept any prediction of the model's shape") from error
    require(
        not constant,
        f"{constant}, predicted for every input, meets {kit.case.criterion}",
        "use a stricter criterion, or a metric that a constant cannot meet, such as R² or the accuracy of each class",
    )
    return f"no constant prediction meets {kit.case.criterion}"


def check_oracle(kit: Kit) -> str:
    """Check that the stated solution meets the criterion."""
    if kit.case.solution is None:
        raise NotCheckedError("it states no solution", "set Case(solution=…) to show that the criterion can be met")
    if kit.is_large and isinstance(kit.case.solution, Mapping):
        raise NotCheckedError("its model has too many parameters to name them", "set solution to a function")
    trace = kit.trace(kit.untrained.with_start(_solver(kit.case)))
    ends = set(classify(trace, kit.case.criterion).tolist())
    require(
        ends == {Outcome.CONVERGED.value},
        f"its solution does not meet {kit.case.criterion}: it ends as {', '.join(sorted(ends))}",
        "fix the solution (the running means of BatchNorm belong to it), or relax the criterion",
    )
    return f"its solution meets {kit.case.criterion}"


def _solver(case: Case) -> Callable[[Any, Any], None]:
    """Make the function that sets a new model's parameters to the solution."""
    from benchsuite.engine import parameter_names

    solution = case.solution
    if not isinstance(solution, Mapping):
        return lambda model, _: solution(model) if solution else None
    (values,) = start_values(case, {"solution": solution}, parameter_names(case))

    def solve(model: Any, _: Any) -> None:
        import jax
        import jax.numpy as jnp
        from flax import nnx

        parameters, unravel = jax.flatten_util.ravel_pytree(nnx.state(model, nnx.Param))
        nnx.update(model, unravel(jnp.asarray(values, parameters.dtype)))

    return solve
