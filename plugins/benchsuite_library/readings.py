"""Diagnostics that several families share: rows on the wrong side, and hidden units that no gradient reaches."""

import jax
import jax.numpy as jnp

from benchsuite import Diagnostic

#: Activations of a smaller slope are flat.
FLAT = 0.01

#: Targets are 0 or 1.
HALF = 0.5


def wrong_rows(rows, threshold=0.5):
    """Return the diagnostic of outputs on the wrong side of a threshold, in a table of so many rows."""

    def wrong(model, x, y):
        return ((model(x) >= threshold) != (y > HALF)).any(-1).sum()

    return Diagnostic(
        "wrong rows", f"Of {rows}: a few are a local minimum, half or more were not learnt at all.", wrong
    )


def _flat(model, x, _):
    z = model.hidden(x)
    slopes = jax.jvp(model.activation, (z,), (jnp.ones_like(z),))[1]
    return (abs(slopes) < FLAT).mean()


flat_share = Diagnostic(
    "flat share", "Share of hidden outputs with a slope below 0.01: near 1, no gradient reaches the layer below.", _flat
)


def bends(units):
    """Return the diagnostic of ReLUs that are neither silent nor linear, of so many."""

    def count(model, x, _):
        active = model.hidden(x) > 0
        return (active.any(0) & ~active.all(0)).sum()

    return Diagnostic("bends", f"Units that bend within the range of the data, of {units}.", count)
