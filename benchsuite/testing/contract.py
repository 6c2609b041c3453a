"""Promises about what a case declares: a complete description, sound data, and functions that depend on keys alone."""

from __future__ import annotations

from typing import Any

from benchsuite.data import release_data
from benchsuite.errors import require
from benchsuite.system import compat
from benchsuite.testing.audit import AGAIN, Audit
from benchsuite.testing.kit import Kit, NotCheckedError

#: Two seeds.
_PAIR = (0, 1)


def check_contract(kit: Kit) -> str:
    """Check that the case can be trained, and that the names in it exist."""
    return f"{len(kit.plan.parameter_names) or 'many'} parameters, {kit.plan.criterion}"


def check_description(kit: Kit) -> str:
    """Check that the case has a summary and a source."""
    case = kit.case
    require(case.summary.endswith("."), f"its summary is {case.summary!r}", "write a sentence that ends in a full stop")
    require(bool(case.source.strip()), "it names no source", "set source to an address or a reference")
    return case.source


def check_shapes(kit: Kit) -> str:
    """Check that examples are numbers, finite, and as many as requested."""
    import jax

    from benchsuite.engine import source_of

    if kit.case.dataset is None:
        raise NotCheckedError("it has no data")
    prepare = jax.jit(kit.case.dataset.prepare)
    batch: Any = None
    for what, rows, count in source_of(kit.case.dataset).examples(kit.case, kit.whole.data):
        batch = prepare(rows)
        if kit.case.is_supervised:
            _check_batch(what, batch, count)
        _check_numbers(what, batch)
    if not kit.case.is_supervised:
        return f"batches of {', '.join(str(leaf.shape) for leaf in jax.tree.leaves(batch))}"
    x, y = batch
    return f"inputs {jax.tree.leaves(x)[0].shape[1:]}, targets {y.shape[1:]}"


def _check_batch(what: str, batch: Any, count: int) -> None:
    import jax

    x, y = batch
    require(bool(jax.tree.leaves(x)), f"the inputs of {what} are empty", "return an array, or a tree of arrays")
    require(isinstance(y, jax.Array), f"the targets of {what} are a {type(y).__name__}", "return one array")
    for name, leaf in (*(("inputs", leaf) for leaf in jax.tree.leaves(x)), ("targets", y)):
        require(
            leaf.shape[:1] == (count,),
            f"the {name} of {what} have shape {leaf.shape}, expected {count} examples along the first axis",
            "return as many examples as requested",
        )


def _check_numbers(what: str, batch: Any) -> None:
    """Check that all of a batch are finite numbers of a kind that models take."""
    import jax
    import jax.numpy as jnp

    parts = (
        dict(zip(("inputs", "targets"), batch, strict=True))
        if isinstance(batch, tuple) and len(batch) == len(_PAIR)
        else {"rows": batch}
    )
    for name, tree in parts.items():
        for leaf in jax.tree.leaves(tree):
            kind = jnp.issubdtype(leaf.dtype, jnp.complexfloating)
            require(
                not kind, f"the {name} of {what} are {leaf.dtype}", "return real numbers, whole numbers or booleans"
            )
            require(bool(jnp.isfinite(leaf).all()), f"the {name} of {what} are not all finite", "remove such examples")


def check_purity(kit: Kit) -> str:
    """Check that functions do the same when called again, in this process and in another, and beside others."""
    from benchsuite.engine import Problem

    plan = kit.plan
    release_data()
    again = Problem.load(kit.case, kit.settings)
    elsewhere = kit.plan_elsewhere
    for program, digest, when in (
        (again.program, again.digest, "when they are called again"),
        *([(elsewhere.program, elsewhere.data_digest, "in another process")] if elsewhere else []),
    ):
        require(
            program == plan.program,
            f"its functions make another program {when}",
            "draw random numbers from the key or rngs that is given, not from NumPy, a counter or at import",
        )
        require(
            digest == plan.data_digest,
            f"its data differ {when}",
            "draw data from the key; return the same from load at every call",
        )
    differing = _differing_bits(kit)
    where = "here and in another process" if elsewhere else "here, not in another process: it is not installed so"
    return f"{len(kit.seeds)} seeds end the same{differing or ' to the last bit'}; tried {where}"


def _differing_bits(kit: Kit) -> str:
    """Train the short case in several ways, and describe the first difference that is due to rounding alone."""
    differing = ""
    for finding in Audit(kit.short, kit.settings, kit.seeds).findings():
        same = not finding.outcomes and not finding.beyond_rounding
        require(
            same and (finding.same or finding.way != AGAIN),
            f"trained in another way, {finding.way}, {finding.outcomes} of {finding.seeds} seeds end with another"
            f" outcome, and {finding.figures:,} of {finding.of:,} figures differ, {finding.where} by"
            f" {finding.largest:.1g}; {finding.beyond_rounding:,} by more than rounding",
            "draw random numbers from the key alone, and write sums such that their order matters little",
        )
        if not finding.same:
            differing = f", to rounding ({finding.where}, {finding.way}, by {finding.largest:.1g})"
    return differing


def check_independence(kit: Kit) -> str:
    """Check that seeds differ in their starts and in their data."""
    import jax
    import jax.numpy as jnp

    from benchsuite.engine import source_of

    start = jax.jit(kit.problem.training.start)
    starts = [start(jnp.uint32(seed), None, None, kit.problem.data)[0] for seed in _PAIR]
    require(
        _differ(*map(_parameters, starts)),
        "all seeds start alike",
        "draw the parameters from the rngs that the model is given",
    )
    if kit.case.dataset is None:
        return "seeds differ in start; there are no data"
    batch = source_of(kit.short.dataset).batch
    first, other, later = (batch(kit.case.name, *place) for place in ((0, 0), (1, 0), (0, 1)))
    if first is None:
        return f"seeds differ in start; {_order(kit)}"
    require(_differ(first, other), "all seeds see the same data", "draw them from the key that is given")
    require(_differ(first, later), "all steps see the same data", "draw them from the key, or use a Table")
    return "seeds differ in start and in data"


def _order(kit: Kit) -> str:
    """Say in what the data of seeds differ that train on the same rows."""
    import jax

    if kit.case.dataset is None:
        return "there are no data"
    rows = len(jax.tree.leaves(kit.whole.data.train)[0])
    if rows == 1:
        return "all train on the same row"
    together = kit.case.dataset.batch_size >= rows
    return "all train on the same batch of all rows" if together else "all train on the same rows, in another order"


def _parameters(state: Any) -> Any:
    """The parameters of a training, or of each of its restarts."""
    import jax

    from benchsuite.engine import State

    parts = jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, State))
    return [part.parameters for part in parts if isinstance(part, State)]


def _differ(one: Any, other: Any) -> bool:
    import jax
    import numpy as np

    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def check_recompilation(kit: Kit) -> str:
    """Check that a second block runs the program of the first."""
    kit.ensemble.train(kit.seeds)
    with compat.count_events() as counts:
        kit.ensemble.train(kit.seeds + len(kit.seeds))
    compiled = counts.compilations
    require(not compiled, f"a second block compiles {compiled} programs", "make shapes independent of the seed")
    return "a second block compiles nothing"


def report_cost(kit: Kit) -> str:
    """Measure the time and memory of a seed."""
    import numpy as np

    lanes = kit.ensemble.lanes
    _, seconds = kit.ensemble.train(np.arange(lanes))
    each = 1e6 * seconds / kit.problem.training.steps[-1] / lanes
    bytes_each = kit.ensemble.predicted_bytes / lanes
    return f"{each:,.1f} µs a step and seed, {bytes_each / 2**20:,.2f} MiB a seed, {lanes} side by side"
