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

#: Steps that are recorded, seeds that they are recorded of, and values that are kept of each array of parameters.
STEPS, SEEDS, _KEPT = 32, 4, 64

#: Optimisers that others fall back to, without a learning rate.
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
    """What the first steps did; s steps, k values of the parameters.

    Args:
        count: steps so far.
        slope: (s,) the inner product of the change of the trained parameters and the gradient.
        judged_slope: (s,) the same for the parameters that are judged.
        gradient: (s,) the largest absolute value of the gradient.
        change: (s,) the largest absolute change of the parameters, trained or judged.
        own: (s, k) trained parameters before the step.
        update: (s, k) their change.
        known: name → (s, k) the update of a known optimiser without a learning rate.
    """

    count: Any
    slope: Any
    judged_slope: Any
    gradient: Any
    change: Any
    own: Any
    update: Any
    known: dict[str, Any]


class Recorded(NamedTuple):
    """The state of an optimiser, the states of the known ones beside it, and the record."""

    memory: Any
    known: dict[str, Any]
    record: Record


@dataclass(frozen=True)
class Recorder:
    """An optimiser that records its first steps; otherwise it is called, and calls, as the adapter.

    Args:
        adapter: of the optimiser.
    """

    adapter: Adapter

    def init(self, parameters: Any) -> Recorded:
        """Initialise the state and an empty record."""
        rows, values = jnp.zeros(STEPS), jnp.zeros((STEPS, len(_sample(parameters))))
        record = Record(jnp.int32(0), rows, rows, rows, rows, values, values, dict.fromkeys(_KNOWN, values))
        known = {name: optimizer.init(parameters) for name, optimizer in _KNOWN.items()}
        return Recorded(self.adapter.init(parameters), known, record)

    def step(self, loss: Any, parameters: Any, rest: Any, memory: Recorded, batch: Any) -> Stepped:
        """Take one step on a batch, and record it."""
        done = self.adapter.step(loss, parameters, rest, memory.memory, batch)
        change = optax.tree.sub(done.parameters, parameters)
        before, after = self.evaluated(memory, parameters), self.adapter.evaluated(done.memory, done.parameters)
        judged = optax.tree.sub(after, before)
        stepped = {
            name: optimizer.update(done.gradient, memory.known[name], parameters)
            for name, optimizer in _KNOWN.items()
        }
        now = Record(
            memory.record.count + 1,
            _product(change, done.gradient),
            _product(judged, done.gradient),
            _largest(done.gradient),
            jnp.maximum(_largest(change), _largest(judged)),
            _sample(parameters),
            _sample(change),
            {name: _sample(update) for name, (update, _) in stepped.items()},
        )
        row = memory.record.count
        record = jax.tree.map(lambda rows, new: rows.at[row].set(new, mode="drop") if rows.ndim else new, memory.record, now)
        return done._replace(memory=Recorded(done.memory, {name: state for name, (_, state) in stepped.items()}, record))

    def evaluated(self, memory: Recorded, parameters: Any) -> Any:
        """Compute the parameters to be judged."""
        return self.adapter.evaluated(memory.memory, parameters)

    def evaluations(self, memory: Recorded) -> None:
        """Count nothing."""


def _product(one: Any, other: Any) -> Any:
    return optax.tree.vdot(optax.tree.cast(one, jnp.float32), optax.tree.cast(other, jnp.float32))


def _largest(tree: Any) -> Any:
    return jnp.stack([jnp.abs(leaf).max().astype(jnp.float32) for leaf in jax.tree.leaves(tree)]).max()


def _sample(tree: Any) -> Any:
    return jnp.concatenate([leaf.ravel()[:_KEPT].astype(jnp.float32) for leaf in jax.tree.leaves(tree)])


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
    if not record.change[:, :steps].any() and record.gradient[:, :steps].any():
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
    update, own = record.update[:, :steps].ravel(), record.own[:, :steps].ravel()
    for name, known in record.known.items():
        if _is_multiple(update, known[:, :steps].ravel(), own):
            if differs := _differing_axes(adapter, name):
                yield (
                    f"the optimiser equals {name} for these parameters: all their updates are multiples of"
                    f" those of {name}, which they are not for parameters of {differs} axes"
                )
            return


def _is_multiple(update: np.ndarray, known: np.ndarray, own: np.ndarray) -> bool:
    """Whether updates are a multiple of others, up to rounding and to a weight decay."""
    used = np.isfinite(update) & np.isfinite(known) & np.isfinite(own) & ((update != 0) | (known != 0))
    terms, wanted = np.stack([known, own], axis=1)[used].astype(np.float64), update[used].astype(np.float64)
    if len(wanted) < _FEWEST or not wanted.any():
        return False
    factors = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    return bool(factors[0]) and float(np.linalg.norm(wanted - terms @ factors)) <= _ROUNDING * np.linalg.norm(wanted)


def _differing_axes(adapter: Adapter, name: str) -> str:
    """Find numbers of axes of parameters for which an optimiser is not the known one; empty if there are none.

    It is tried on a bowl over parameters with 0 to 3 axes; one that cannot be tried there is not judged.
    """
    parameters = {str(n): jnp.linspace(0.5, 1.5, 4**n).reshape((4,) * n) for n in range(4)}

    def loss(own: Any, rest: Any, batch: Any) -> Any:
        return sum(jnp.sum((leaf - jnp.cos(5 * leaf) * batch.mean()) ** 2) for leaf in own.values()), (rest, {})

    def train(own: Any) -> Record:
        recorder = Recorder(make_adapter(adapter.name, adapter.transformation, own))
        memory, batches = recorder.init(own), jnp.linspace(0.1, 1, STEPS)[:, None] * jnp.ones((STEPS, 2))
        for batch in batches[:_FEWEST]:
            own, _, memory, _, _ = recorder.step(loss, own, None, memory, batch)
        return memory.record

    try:
        record = jax.device_get(jax.jit(train)(parameters))
    except BenchsuiteError:
        return ""
    kept = [min(_KEPT, 4**n) for n in range(4)]
    columns = np.split(np.arange(sum(kept)), np.cumsum(kept)[:-1])
    equal = {
        n: _is_multiple(*(values[:_FEWEST, columns[n]].ravel() for values in (record.update, record.known[name], record.own)))
        for n in range(4)
    }
    differing = [str(n) for n, same in equal.items() if not same and n not in adapter.axes]
    return " or ".join(differing) if all(equal[n] for n in adapter.axes & equal.keys()) else ""
