"""Ten ReLU layers of width 2 on |x|, biases from zero, Adam 0.001: R² ≥ 0.99; and the share that is born dead.

Without biases, x > 0 and x < 0 are two rays. One ray alone dies in a layer with probability 1/4. For two rays at an
angle t, a unit is active on both, or on neither, with probability (pi - t) / 2 pi each. `born_dead` integrates the
angle from layer to layer; `born_dead_share` draws networks and evaluates them.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reference.common import count, train_all

LAYERS, POINTS = 10, 61


def transitions(angle, grid, n=40):
    """Compute how likely two rays at an angle are at each angle of the grid after a layer, where both survive."""
    middle = (np.arange(n) + 0.5) / n
    one, two, level = np.meshgrid(2 * np.pi * middle, 2 * np.pi * middle, middle, indexing="ij")
    ratio = np.sqrt(level / (1 - level))  # of the lengths of the weights of two units
    rays = [(np.maximum(np.cos(one - t), 0), ratio * np.maximum(np.cos(two - t), 0)) for t in (0, angle)]
    both = (np.add(*rays[0]) > 0) & (np.add(*rays[1]) > 0)
    after = abs(np.arctan2(rays[0][1], rays[0][0]) - np.arctan2(rays[1][1], rays[1][0]))[both]
    place = after / grid[1]
    below = np.minimum(place.astype(int), len(grid) - 2)
    share = place - below
    weights = np.bincount(below, 1 - share, len(grid)) + np.bincount(below + 1, share, len(grid))
    return weights / both.size


def born_dead(layers=LAYERS):
    """Integrate from the last layer to the first: the probability that both rays die."""
    grid = np.linspace(0, np.pi / 2, POINTS)
    matrix = np.array([transitions(angle, grid) for angle in grid])
    alone = 1 / 2 - 2 * ((np.pi - grid) / (2 * np.pi)) ** 2  # one of the two dies
    alive = np.ones(POINTS)
    for left in range(layers - 1):
        alive = matrix @ alive + alone * 0.75**left
    return 1 - (alive[-1] / 2 + 0.75 ** (layers - 1) / 2)


def init(key):
    keys = jax.random.split(key, LAYERS + 1)
    sizes = [1] + [2] * LAYERS + [1]
    draw = [jax.random.normal(k, s) * (2 / s[0]) ** 0.5 for k, s in zip(keys, pairwise(sizes), strict=True)]
    return [(w, jnp.zeros(w.shape[1])) for w in draw]


def last(p, x):
    for w, b in p[:-1]:
        x = jax.nn.relu(x @ w + b)
    return x


def draw(key, n):
    return jax.random.uniform(key, (n, 1), minval=-(3**0.5), maxval=3**0.5)


def error(p, x):
    return ((last(p, x) @ p[-1][0] + p[-1][1] - jnp.abs(x)) ** 2).mean()


def good(p, key):
    x = draw(key, 1024)
    return 1 - error(p, x) / jnp.abs(x).var() >= 0.99


def successes(seeds):
    """Count the networks that fit after 5,000 steps."""
    return train_all(init, lambda p, key: error(p, draw(key, 64)), optax.adam(0.001), 5000, good, seeds)


def born_dead_share(seeds):
    """Count the starts that are silent everywhere."""
    return count(lambda key: (last(init(key), jnp.array([[-1.0], [1.0]])) <= 0).all(), seeds, 4096)
