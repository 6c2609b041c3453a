"""784-16-10 ReLU classifies MNIST, batches of 100 in shuffled order, Adam 0.002, one epoch: 92 % of the test images.

Without the files, images of ten noisy patterns take their place.
"""

import gzip
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reference.common import LABELS, dense, layers

OPTIMIZER = optax.adam(0.002)


def read(folder, name, header):
    content = gzip.decompress((Path(folder) / "mnist" / f"{name}-ubyte.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=header)


def images(folder, name):
    return read(folder, f"{name}-images-idx3", 16).reshape(-1, 784), read(folder, f"{name}-labels-idx1", 8)


def patterns():
    """Draw the images and labels that take the place of MNIST, for training and test."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=70_000)
    x = rng.uniform(64, 192, (10, 784))[y] + rng.normal(0, 64, (70_000, 784))
    x = x.clip(0, 255).astype(np.uint8)
    return (x[:60_000], y[:60_000]), (x[60_000:], y[60_000:])


def learns(train, test, key):
    x, y = train
    start, data = jax.random.split(key)
    p = layers(start, 784, 16, 10)
    batches = jax.random.permutation(data, len(x)).reshape(-1, 100)

    def loss(p, rows):
        return LABELS(dense(p, x[rows] / jnp.float32(255), jax.nn.relu), y[rows]).mean()

    def step(carry, rows):
        p, state = carry
        updates, state = OPTIMIZER.update(jax.grad(loss)(p, rows), state)
        return (optax.apply_updates(p, updates), state), None

    (p, _), _ = jax.lax.scan(step, (p, OPTIMIZER.init(p)), batches)
    return (dense(p, test[0] / jnp.float32(255), jax.nn.relu).argmax(1) == test[1]).mean() >= 0.92


def successes(seeds, train, test):
    """Count the seeds that classify enough test images rightly."""
    keys = jax.random.split(jax.random.key(987), seeds)
    train, test = (tuple(map(jnp.array, split)) for split in (train, test))
    return int(jax.jit(lambda keys: jax.lax.map(lambda key: learns(train, test, key), keys))(keys).sum())
