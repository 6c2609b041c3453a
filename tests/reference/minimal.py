"""One NALU or iNALU layer on a × b or a ÷ b: another program of the same protocol.

Source of the protocol: github.com/daschloer/inalu, nalu_syn_simple_arith.py. 64,000 rows in one order, batches of 64;
RMSprop 0.01 of TensorFlow 1; eight of ten batches train ŵ and m̂, two the gate; after epoch 10 a step away from 0 where
the loss is below 1; in every tenth epoch a start anew from U(-2, 2) where the mean loss is above 1 and does not fall.
"""

import jax
import jax.numpy as jnp
import numpy as np


def sample(rng, inputs, n):
    """Draw n pairs of the range with that number."""
    if inputs <= 2:
        return rng.exponential((0.2, 0.8)[inputs - 1], (2, n))
    if inputs >= 6:
        width = (1, 5)[inputs - 6]
        return rng.uniform(-width, width, (2, n))
    x = rng.normal(size=(2, 2 * n))
    return np.stack([row[np.abs(row) <= 3][:n] for row in x]) + (0, 1, -1)[inputs - 3]


def output(cell, p, x):
    """Compute the output of parameters (g, w, m, w, m)."""
    w = jnp.tanh(p[1]) * jax.nn.sigmoid(p[2])
    if cell == "nalu":
        g = jax.nn.sigmoid(p[0] @ x)
        return g * (w @ x) + (1 - g) * jnp.exp(w @ jnp.log(jnp.abs(x) + 1e-7))
    v = jnp.tanh(p[3]) * jax.nn.sigmoid(p[4])
    size = jnp.exp(jnp.minimum(v @ jnp.log(jnp.maximum(jnp.abs(x), 1e-7)), 20))
    sign = (jnp.sign(x[0]) * abs(v[0]) + 1 - abs(v[0])) * (jnp.sign(x[1]) * abs(v[1]) + 1 - abs(v[1]))
    g = jax.nn.sigmoid(p[0][0])
    return g * (w @ x) + (1 - g) * size * sign


def loss(p, cell, x, y):
    return ((output(cell, p, x) - y) ** 2).mean()


def move(p, s, g):
    """Make a step of RMSprop."""
    g = jnp.clip(g, -0.1, 0.1)
    s = 0.9 * s + 0.1 * g * g
    return p - 0.01 * g / jnp.sqrt(s + 1e-10), s


def epoch(cell, number, p, s, x, y):
    """Train on all rows once, and return the losses."""

    def step(carry, batch):
        p, s = carry
        i, x, y = batch
        value, g = jax.value_and_grad(loss)(p, cell, x, y)
        new = move(p, s, g)
        turn = (jnp.arange(5) < 1)[:, None] == (i % 10 >= 8)
        p, s = (jnp.where(turn, b, a) for a, b in zip((p, s), new, strict=True))
        scale = jnp.array([2.0 if cell == "nalu" else 1.0] + [2.0] * 4)[:, None]
        away = move(p, s, -0.05 * jnp.sign(p) * (jnp.abs(p) < 20) / scale)
        p, s = (jnp.where((number > 10) & (value < 1), b, a) for a, b in zip((p, s), away, strict=True))
        return (p, s), value

    batches = jnp.arange(1000), x.reshape(2, 1000, 64).swapaxes(0, 1), y.reshape(1000, 64)
    (p, s), losses = jax.lax.scan(step, (p, s), batches)
    return p, s, losses


def stuck(history):
    late = history[len(history) // 2 :]
    return (
        len(history) >= 10_000 and history[: len(history) // 2].mean() <= late.mean() + late.std() and late.mean() > 1
    )


def successes(seeds, cell, operation, inputs, epochs=100):
    """Count the seeds with a loss below 1e-5 on other rows; a start anew is made at the end of its epoch."""
    rng = np.random.default_rng(987)
    function = np.multiply if operation == "multiply" else np.divide
    x, tests = (np.stack([sample(rng, inputs, 64_000) for _ in range(seeds)]) for _ in range(2))
    p = np.array([0, 1, -1, 1, -1])[:, None] + 0.1 * rng.normal(size=(seeds, 5, 2))
    p, s = jnp.float32(p), jnp.ones((seeds, 5, 2), jnp.float32)
    x32, y32 = jnp.float32(x), jnp.float32(function(x[:, 0], x[:, 1]))
    run = jax.jit(jax.vmap(lambda n, *rest: epoch(cell, n, *rest), (None, 0, 0, 0, 0)))
    histories = [np.zeros(0)] * seeds
    for number in range(epochs):
        p, s, losses = run(number, p, s, x32, y32)
        histories = [np.concatenate(pair) for pair in zip(histories, np.asarray(losses), strict=True)]
        if number and number % 10 == 0:
            anew = np.array([stuck(history) for history in histories])
            p = jnp.where(anew[:, None, None], jnp.float32(rng.uniform(-2, 2, p.shape)), p)
            histories = [np.zeros(0) if again else history for again, history in zip(anew, histories, strict=True)]
    ends = jax.vmap(lambda p, x, y: loss(p, cell, x, y))(
        p, jnp.float32(tests), jnp.float32(function(tests[:, 0], tests[:, 1]))
    )
    return int((np.asarray(ends) < 1e-5).sum())
