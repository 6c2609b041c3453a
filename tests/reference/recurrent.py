"""RNN, LSTM and GRU on adding (8 units, 200 steps) and copying (16 units, 400 steps), Adam 0.02, batches of 32.

Adding (Hochreiter and Schmidhuber, 1997): each step has a number from U(0, 1) and a mark; the target is the sum of the
two marked numbers, one from each half: error at most 0.005. Copying: three of four symbols, a gap of blanks, and three
steps with a mark, at which the symbols are to be named: 99 % of 1,024 rows wholly right.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from reference.common import LABELS, lecun_normal, train_all

GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def adding(length, key, n):
    """Draw n sequences (length, n, 2) and their sums (n,)."""
    values, first, second = jax.random.split(key, 3)
    x, half = jax.random.uniform(values, (n, length)), length // 2
    at = jnp.stack([jax.random.randint(k, (n,), 0, half) for k in (first, second)], 1)
    marks = jax.nn.one_hot(at + jnp.array([0, half]), length).sum(1)
    return jnp.stack([x, marks], 2).swapaxes(0, 1), (x * marks).sum(1)


def copying(gap, key, n):
    """Draw n sequences (gap + 6, n, 5) and their symbols (3, n)."""
    symbols = jax.random.randint(key, (3, n), 0, 4)
    blank = jnp.full((gap, n), -1)
    return jax.nn.one_hot(jnp.concatenate([symbols, blank, jnp.full((3, n), 4)]), 5), symbols


def init(cell, inputs, units, outputs, key):
    ins, own, out = jax.random.split(key, 3)
    gates, orthogonal = GATES[cell], jax.nn.initializers.orthogonal()
    if cell == "lstm":
        w = jnp.concatenate([lecun_normal(k, (inputs, units)) for k in jax.random.split(ins, 4)], 1)
        u = jnp.concatenate([orthogonal(k, (units, units)) for k in jax.random.split(own, 4)], 1)
    else:
        w, u = lecun_normal(ins, (inputs, gates * units)), orthogonal(own, (units, gates * units))
    return w, u, jnp.zeros(gates * units), lecun_normal(out, (units, outputs)), jnp.zeros(outputs)


def advance(cell, p, carry, x):
    """Make a step of the cell."""
    c, h = carry
    now, before = x @ p[0] + p[2], h @ p[1]
    if cell == "rnn":
        h = jnp.tanh(now + before)
    elif cell == "lstm":
        i, f, g, o = jnp.split(now + before, 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    else:
        (r, z, a), (hr, hz, ha) = jnp.split(now, 3, 1), jnp.split(before, 3, 1)
        z = jax.nn.sigmoid(z + hz)
        h = (1 - z) * jnp.tanh(a + jax.nn.sigmoid(r + hr) * ha) + z * h
    return (c, h), h


def output(cell, p, x):
    zero = jnp.zeros((x.shape[1], p[3].shape[0]))
    return jax.lax.scan(partial(advance, cell, p), (zero, zero), x)[1] @ p[3] + p[4]


def successes(seeds, task, cell, length):
    """Count the seeds that learn the task."""

    def measure(p, key, n):
        x, y = (adding if task == "adding" else copying)(length, key, n)
        out = output(cell, p, x)
        if task == "adding":
            loss = ((out[-1, :, 0] - y) ** 2).mean()
            return loss, loss <= 0.005
        out = out[-3:]
        return LABELS(out, y).mean(), (out.argmax(2) == y).all(0).mean() >= 0.99

    sizes, steps = ((2, 8, 1), 200) if task == "adding" else ((5, 16, 4), 400)
    return train_all(
        partial(init, cell, *sizes),
        lambda p, key: measure(p, key, 32)[0],
        optax.adam(0.02),
        steps,
        lambda p, key: measure(p, key, 1024)[1],
        seeds,
    )
