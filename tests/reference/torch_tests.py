"""Two tests of optimisers that were written for PyTorch: XOR by six optimisers, and two blobs by AdamP.

The arithmetic is PyTorch's: sigmoid outputs, logarithms of at least -100, and a derivative that is zero where an output
is rounded to 0 or 1. Weights are (outputs, inputs), as there.
"""

import jax
import jax.numpy as jnp
import numpy as np

from reference.common import count

BLOBS = np.random.RandomState(42).randn(100, 2) * 2 + np.repeat([[-2.0], [2.0]], 50, axis=0)
SIDE = np.repeat([0.0, 1.0], 50)


def linear(key, inputs, outputs):
    w, b = jax.random.split(key)
    bound = 1 / inputs**0.5
    return jax.random.uniform(w, (outputs, inputs), minval=-bound, maxval=bound), jax.random.uniform(
        b, (outputs,), minval=-bound, maxval=bound
    )


def bce(p, x, y, activation):
    """Compute the loss and its gradient by hand."""
    (w, b), (v, c) = p
    h, back = jax.vjp(lambda w, b: activation(x @ w.T + b), w, b)
    out = jax.nn.sigmoid((h @ v.T + c)[:, 0])
    loss = -(y * jnp.maximum(jnp.log(out), -100) + (1 - y) * jnp.maximum(jnp.log1p(-out), -100)).mean()
    d = (out - y) / jnp.maximum((1 - out) * out, 1e-12) / len(y) * out * (1 - out)
    return loss, (back(d[:, None] * v), ((d @ h)[None], d.sum()[None]))


def torch_step(name, t, p, g, m, s):
    """One parameter's new value and two memories."""
    if name != "rmsprop":
        g = g + 1e-6 * p
    if name == "sgd":
        m = 0.9 * m + g
        return p - 0.1 * (g + 0.9 * m), m, s
    if name == "adagrad":
        s = s + g * g
        return p - g / (jnp.sqrt(s) + 1e-10) / (1 + (t - 1) * 1e-3), m, s
    if name == "rmsprop":
        s, m = 0.99 * s + 0.01 * g * g, 0.99 * m + 0.01 * g
        return p - 0.1 * g / (jnp.sqrt(s - m * m) + 1e-8), m, s
    if name == "rmsprop-momentum":
        s = 0.99 * s + 0.01 * g * g
        m = 0.9 * m + g / (jnp.sqrt(s) + 1e-8)
        return p - 0.1 * m, m, s
    m = 0.9 * m + 0.1 * g
    new = 0.999 * s[0] + 0.001 * g * g
    s = jnp.stack([new, jnp.maximum(s[1], new)])
    used = s[1] if name == "amsgrad" else new
    return p - 0.1 / (1 - 0.9**t) * m / (jnp.sqrt(used / (1 - 0.999**t)) + 1e-8), m, s


def successes_xor(seeds, name):
    """Count the seeds whose running loss falls to 0.1 within 3,001 steps."""

    def good(key):
        start, data = jax.random.split(key)
        a, b = jax.random.split(start)
        p = jax.tree.leaves((linear(a, 2, 8), linear(b, 8, 1)))
        m = [jnp.zeros_like(q) for q in p]
        s = [jnp.zeros((2, *q.shape)) if name in ("adam", "amsgrad") else jnp.zeros_like(q) for q in p]

        def step(carry, xs):
            (p, m, s, running), (t, key) = carry, xs
            bits = jax.random.randint(key, (4, 2), 0, 2)
            loss, g = bce(((p[0], p[1]), (p[2], p[3])), bits * 1.0, (bits[:, 0] ^ bits[:, 1]) * 1.0, jax.nn.sigmoid)
            new = [torch_step(name, t, *parts) for parts in zip(p, jax.tree.leaves(g), m, s, strict=True)]
            running = 0.99 * running + 0.01 * loss
            return (*map(list, zip(*new, strict=True)), running), running

        steps = jnp.arange(1.0, 3002), jax.random.split(data, 3001)
        return (jax.lax.scan(step, (p, m, s, 1.0), steps)[1] <= 0.1).any()

    return count(good, seeds, 125)


def adamp_step(t, p, g, m, s, rate):
    """AdamP with a weight decay of 1e-3, by rows of the weights, else by the whole layer."""
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
    step, shrink = m / (jnp.sqrt(s) / jnp.sqrt(1 - 0.999**t) + 1e-8), 1.0
    if p.ndim > 1:
        done = False
        for view in ((len(p), -1), (1, -1)):
            w, d, u = p.reshape(view), g.reshape(view), step.reshape(view)
            lengths = (jnp.linalg.norm(w, axis=1) + 1e-8) * (jnp.linalg.norm(d, axis=1) + 1e-8)
            applies = (abs((w * d).sum(1)) / lengths).max() < 0.1 / w.shape[1] ** 0.5
            unit = w / (jnp.linalg.norm(w, axis=1, keepdims=True) + 1e-8)
            projected = (u - unit * (unit * u).sum(1, keepdims=True)).reshape(p.shape)
            step = jnp.where(applies & ~jnp.array(done), projected, step)
            done = applies | done
        shrink = jnp.where(done, 0.1, 1.0)
    return p * (1 - rate * 1e-3 * shrink) - rate / (1 - 0.9**t) * step, m, s


def successes_blobs(seeds, rate, steps):
    """Count the seeds that halve the loss of their start."""

    def good(key):
        a, b = jax.random.split(key)
        p = jax.tree.leaves((linear(a, 2, 4), linear(b, 4, 1)))
        zero = [jnp.zeros_like(q) for q in p]

        def step(carry, t):
            p, m, s = carry
            loss, g = bce(((p[0], p[1]), (p[2], p[3])), BLOBS, SIDE, jax.nn.relu)
            new = [adamp_step(t, *parts, rate) for parts in zip(p, jax.tree.leaves(g), m, s, strict=True)]
            return tuple(map(list, zip(*new, strict=True))), loss

        losses = jax.lax.scan(step, (p, zero, zero), jnp.arange(1.0, steps + 1))[1]
        return losses[0] > 2 * losses[-1]

    return count(good, seeds, 125)
