"""XOR by two ReLUs, by |w x + b| and by small nets, each in its source's way: see the docstrings of `successes_*`.

Optimisers are written out, and trainings stop where the sources stop.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from reference.common import count, descend

CORNERS = jnp.array([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
BITS = (CORNERS + 1) / 2
XOR = jnp.array([0.0, 1, 1, 0])


def adam_until(loss, p, epochs, enough=1e-7):
    """Adam 0.01 with b2 = 0.99 until the loss is low enough."""

    def step(state, t):
        p, m, v = state
        value, g = jax.value_and_grad(loss)(p)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, v, g)
        move = lambda p, m, v: p - 0.01 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.99**t)) + 1e-8)  # noqa: E731
        moved = jax.tree.map(move, p, m, v)
        return (jax.tree.map(lambda old, new: jnp.where(value < enough, old, new), p, moved), m, v), None

    zero = jax.tree.map(jnp.zeros_like, p)
    return jax.lax.scan(step, (p, zero, zero), jnp.arange(1, epochs + 1))[0][0]


def two_relu(p, activation=jax.nn.relu):
    return activation(CORNERS @ p[0] + p[1]).sum(1)


def start(key, deviation=1.0, *, mirror=False, redraws=0, margin=0.0, below=None):
    """He's start; mirrored, or drawn again where a point is silent or the loss is too high."""

    def draw(key):
        w = deviation * jax.random.normal(key, (2, 2))
        return (jnp.stack([w[:, 0], -w[:, 0]], 1) if mirror else w), jnp.zeros(2)

    def accepted(p):
        loss = ((two_relu(p) - XOR) ** 2).mean()
        return loss < below if below else (CORNERS @ p[0] > margin).any(1).all()

    if not redraws:
        return draw(key)
    keys = jax.random.split(key, redraws)
    return draw(keys[jnp.argmax(jax.vmap(lambda k: accepted(draw(k)))(keys))])


def successes_two_relu(seeds, activation="relu", slope=0.0, epochs=800, **options):
    """Count the pairs of ReLUs (or `leaky_relu`, `elu`) that get four points right after 800 epochs."""
    leaky = partial(jax.nn.leaky_relu, negative_slope=slope)
    f = leaky if activation == "leaky_relu" else getattr(jax.nn, activation)

    def good(key):
        p = adam_until(lambda p: ((two_relu(p, f) - XOR) ** 2).mean(), start(key, **options), epochs)
        return ((two_relu(p, f) >= 0.5) == (XOR > 0.5)).all()

    return count(good, seeds, 256)


def successes_abs(seeds, deviation, epochs=1000):
    """Count the starts from which |w x + b| gets four points right."""

    def output(p):
        return jnp.abs(CORNERS @ p[0] + p[1])

    def good(key):
        p = adam_until(
            lambda p: ((output(p) - XOR) ** 2).mean(), (deviation * jax.random.normal(key, (2,)), 0.0), epochs
        )
        return ((output(p) >= 0.5) == (XOR > 0.5)).all()

    return count(good, seeds, 256)


def sigmoids(p, x):
    w, b, v, c = p
    return jax.nn.sigmoid(jax.nn.sigmoid(x @ w + b) @ v + c)


def successes_sigmoids(seeds, units, low, momentum, epochs, *, online, rms=None):
    """Count the 2-n-1 nets that reach an RMS error at any epoch, or get all right, by back-propagation of rate 1."""

    def epoch(state, key):
        order = jax.random.permutation(key, 4) if online else jnp.arange(4)[None]

        def step(state, rows):
            p, speed = state
            g = jax.grad(lambda p: ((sigmoids(p, BITS[rows]) - XOR[rows]) ** 2).sum() / 2)(p)
            speed = jax.tree.map(lambda s, g: momentum * s - g, speed, g)
            return (jax.tree.map(jnp.add, p, speed), speed), None

        state = jax.lax.scan(step, state, order)[0]
        return state, ((sigmoids(state[0], BITS) - XOR) ** 2).mean() ** 0.5

    def good(key):
        draw, shuffle = jax.random.split(key)
        keys = jax.random.split(draw, 4)
        shapes = [(2, units), (units,), (units,), ()]
        p = [jax.random.uniform(k, s, minval=low, maxval=1) for k, s in zip(keys, shapes, strict=True)]
        keys = jax.random.split(shuffle, epochs)
        (p, _), errors = jax.lax.scan(epoch, (p, jax.tree.map(jnp.zeros_like, p)), keys)
        return (errors <= rms).any() if rms else ((sigmoids(p, BITS) >= 0.5) == (XOR > 0.5)).all()

    return count(good, seeds, 256)


def successes_width(seeds, units):
    """Count the 2-n-1 ReLU nets of Glorot's normal start that get four points right after 2,000 steps of Adam 0.01."""

    def logit(p):
        return jax.nn.relu(BITS @ p[0] + p[1]) @ p[2] + p[3]

    def good(key):
        a, b = jax.random.split(key)
        cut = partial(jax.random.truncated_normal, lower=-2, upper=2)
        w = cut(a, shape=(2, units)) * (2 / (2 + units)) ** 0.5 / 0.87962566
        v = cut(b, shape=(units,)) * (2 / (1 + units)) ** 0.5 / 0.87962566
        loss = lambda p, _: optax.sigmoid_binary_cross_entropy(logit(p), XOR).mean()  # noqa: E731
        p = descend(loss, (w, jnp.zeros(units), v, 0.0), optax.adam(0.01), 2000, key)
        return ((logit(p) >= 0) == (XOR > 0.5)).all()

    return count(good, seeds, 256)
