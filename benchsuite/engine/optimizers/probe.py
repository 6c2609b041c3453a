"""Find out what an optimiser does: whether it ascends, does nothing, or is another one for these parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchsuite.engine.optimizers.adapter import Adapter, Stepped, make_adapter
from benchsuite.errors import BenchsuiteError
from benchsuite.system import compat

#: Steps that are recorded, and seeds that they are recorded of.
STEPS, SEEDS = 32, 4

#: Values that are kept of each array of parameters, and of all together.
_KEPT, _VALUES = 64, 256

#: Optimisers that others fall back to, without a learning rate; each treats every parameter by itself.
_KNOWN = {
    "SGD": optax.identity(),
    "SGD with a momentum of 0.9": optax.trace(0.9),
    "Adam": optax.scale_by_adam(),
    "Adam with Nesterov momentum": optax.scale_by_adam(nesterov=True),
    "RMSprop": optax.scale_by_rms(),
}

#: The relative difference of updates that rounding explains, and the fewest values that tell optimisers apart.
_ROUNDING, _FEWEST = 1e-3, 8


class Record(NamedTuple):
    """What the first steps did: s steps, and k values of the parameters.

    Args:
        count: steps so far.
        slope: (s,) the inner product of the change of the trained parameters and the gradient.
        judged_slope: (s,) the same for the parameters that are judged.
        steepest: (s,) the largest absolute value of the gradient.
        change: (s,) the largest absolute change of the parameters, trained or judged.
        own: (s, k) trained parameters before the step.
        update: (s, k) their change.
        gradient: (s, k) the gradient.
    """

    count: Any
    slope: Any
    judged_slope: Any
    steepest: Any
    change: Any
    own: Any
    update: Any
    gradient: Any


class Recorded(NamedTuple):
    """The state of an optimiser, with the record."""

    memory: Any
    record: Record


@dataclass(frozen=True)
class Recorder:
    """An optimiser that records its first steps, and is called as the adapter is.

    Args:
        adapter: of the optimiser.
    """

    adapter: Adapter

    @property
    def name(self) -> str:
        """The name of the adapter."""
        return self.adapter.name

    def init(self, parameters: Any) -> Recorded:
        """Initialise the state and an empty record."""
        rows, values = jnp.zeros(STEPS), jnp.zeros((STEPS, _VALUES))
        record = Record(jnp.int32(0), rows, rows, rows, rows, values, values, values)
        return Recorded(self.adapter.init(parameters), record)

    def step(self, loss: Any, parameters: Any, rest: Any, memory: Recorded, batch: Any) -> Stepped:
        """Take one step on a batch, and record it."""
        done = self.adapter.step(loss, parameters, rest, memory.memory, batch)
        change = judged = optax.tree.sub(done.parameters, parameters)
        after = self.adapter.evaluated(done.memory, done.parameters)
        if after is not done.parameters:
            judged = optax.tree.sub(after, self.evaluated(memory, parameters))
        row = memory.record.count
        now = Record(
            row + 1,
            _product(change, done.gradient),
            _product(judged, done.gradient),
            _largest(done.gradient),
            jnp.maximum(_largest(change), _largest(judged)),
            *map(_sample, (parameters, change, done.gradient)),
        )
        kept = [old.at[row].set(new, mode="drop") for old, new in zip(memory.record[1:], now[1:], strict=True)]
        return done._replace(memory=Recorded(done.memory, Record(now.count, *kept)))

    def evaluated(self, memory: Recorded, parameters: Any) -> Any:
        """Compute the parameters to be judged."""
        return self.adapter.evaluated(memory.memory, parameters)

    def evaluations(self, _: Recorded) -> None:
        """Count nothing."""


def _product(one: Any, other: Any) -> Any:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return sum(jnp.sum(a.astype(jnp.float32) * b.astype(jnp.float32)) for a, b in pairs)


def _largest(tree: Any) -> Any:
    return jnp.stack([jnp.abs(leaf).max().astype(jnp.float32) for leaf in jax.tree.leaves(tree)]).max()


def _sample(tree: Any) -> Any:
    """Some values of a tree, filled up with zeros."""
    values = jnp.concatenate([leaf.ravel()[:_KEPT].astype(jnp.float32) for leaf in jax.tree.leaves(tree)])[:_VALUES]
    return jnp.pad(values, (0, _VALUES - len(values)))


def quickly(function: Any) -> Any:
    """Compile a function that runs once: XLA optimises it less."""
    return jax.jit(function, compiler_options=compat.quick_options(jax.default_backend()))


@jax.jit
def _known_updates(gradients: Any) -> dict[str, Any]:
    """The updates (n, s, k) of the known optimisers for gradients (n, s, k) of n seeds and s steps."""

    def of(optimizer: Any) -> Any:
        def update(state: Any, gradient: Any) -> Any:
            made, state = optimizer.update(gradient, state)
            return state, made

        steps = jnp.swapaxes(gradients, 0, 1)
        return jnp.swapaxes(jax.lax.scan(update, optimizer.init(steps[0]), steps)[1], 0, 1)

    return {name: of(optimizer) for name, optimizer in _KNOWN.items()}


def judge_record(adapter: Adapter, record: Record) -> Iterator[str]:
    """State what is odd about the first steps of an optimiser, one sentence each.

    Args:
        adapter: of the optimiser.
        record: of n seeds, along the first axis of each of its arrays, which are those of NumPy.
    """
    steps = min(int(record.count[0]), STEPS)
    seen = f"in the first {steps} steps of {len(record.count)} seeds"
    slopes = [values[:, :steps][np.isfinite(values[:, :steps])] for values in (record.slope, record.judged_slope)]
    slope, judged = (values.mean() if len(values) else 0.0 for values in slopes)
    if not record.change[:, :steps].any() and record.steepest[:, :steps].any():
        yield f"the optimiser changes no parameter {seen}"
    elif slope > 0 and judged >= 0:
        yield (
            f"the optimiser ascends: the mean of update · gradient is {slope:+.2g} {seen};"
            " it may lack optax.scale(-learning_rate)"
        )
    else:
        yield from _fallbacks(adapter, record, steps)


def _fallbacks(adapter: Adapter, record: Record, steps: int) -> Iterator[str]:
    """State which known optimiser this one equals for the parameters of a case, but not for others."""
    chosen = slice(None), slice(steps)
    for name, known in jax.device_get(_known_updates(record.gradient)).items():
        if _is_multiple(record.update[chosen], known[chosen], record.own[chosen]):
            if differs := _differing_axes(adapter, name):
                yield (
                    f"the optimiser equals {name} for these parameters: all their updates are multiples of"
                    f" those of {name}, which they are not for parameters of {differs} axes"
                )
            return


def _is_multiple(update: np.ndarray, known: np.ndarray, own: np.ndarray) -> bool:
    """Whether updates are a multiple of others, up to rounding and to a weight decay."""
    update, known, own = update.ravel(), known.ravel(), own.ravel()
    used = np.isfinite(update) & np.isfinite(known) & np.isfinite(own) & ((update != 0) | (known != 0))
    terms, wanted = np.stack([known, own], axis=1)[used].astype(np.float64), update[used].astype(np.float64)
    if len(wanted) < _FEWEST or not wanted.any():
        return False
    factors = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    return bool(factors[0] and np.linalg.norm(wanted - terms @ factors) <= _ROUNDING * np.linalg.norm(wanted))


def _differing_axes(adapter: Adapter, name: str) -> str:
    """Find numbers of axes of parameters for which an optimiser is not the known one; empty if there are none.

    It is tried on a bowl over parameters with 0 to 3 axes; one that cannot be tried there is not judged.
    """
    parameters = {str(n): jnp.linspace(0.5, 1.5, 4**n).reshape((4,) * n) for n in range(4)}

    def loss(own: Any, rest: Any, batch: Any) -> Any:
        return sum(jnp.sum((leaf - jnp.cos(5 * leaf) * batch.mean()) ** 2) for leaf in own.values()), (rest, {})

    def train(own: Any) -> Record:
        recorder = Recorder(make_adapter(adapter.name, adapter.transformation, own))

        def step(state: Any, batch: Any) -> Any:
            done = recorder.step(loss, state[0], None, state[1], batch)
            return (done.parameters, done.memory), None

        batches = jnp.linspace(0.1, 1, _FEWEST)[:, None] * jnp.ones((_FEWEST, 2))
        (_, memory), _ = jax.lax.scan(step, (own, recorder.init(own)), batches)
        return memory.record

    try:
        record = jax.device_get(quickly(train)(parameters))
    except BenchsuiteError:
        return ""
    known = jax.device_get(_known_updates(record.gradient[None]))[name][0]
    ends = np.cumsum([min(_KEPT, 4**n) for n in range(4)])
    columns = [slice(end - min(_KEPT, 4**n), end) for n, end in enumerate(ends)]
    arrays = (record.update, known, record.own)
    equal = {n: _is_multiple(*(values[:_FEWEST, columns[n]] for values in arrays)) for n in range(4)}
    differing = [str(n) for n, same in equal.items() if not same and n not in adapter.axes]
    return " or ".join(differing) if all(equal[n] for n in adapter.axes & equal.keys()) else ""
