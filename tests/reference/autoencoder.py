"""784-64-b-64-784 ReLU on MNIST, grey levels from 0 to 1, batches of 128, Adam 0.001: R² of principal components.

The components are those of the training images; both are judged on the test images.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reference.common import count, dense

OPTIMIZER = optax.adam(0.001)
BATCH = 128


def components(train, test, number):
    """Compute the R² of so many principal components."""
    mean = train.mean(0)
    _, vectors = np.linalg.eigh(np.cov(train.T))
    centred = test - mean
    rest = centred - centred @ vectors[:, -number:] @ vectors[:, -number:].T
    return 1 - (rest**2).sum() / ((test - test.mean(0)) ** 2).sum()


def successes(seeds, train, test, bottleneck, epochs):
    """Count the seeds that beat the components after so many epochs."""
    bar = components(train.astype(float) / 255, test.astype(float) / 255, bottleneck)
    train, test = (jnp.float32(images) / 255 for images in (train, test))
    sizes = (784, 64, bottleneck, 64, 784)

    def output(p, x):
        return dense(p[2:], dense(p[:2], x, jax.nn.relu), jax.nn.relu)

    def learns(key):
        *starts, data = jax.random.split(key, 5)
        glorot = jax.nn.initializers.glorot_uniform()
        p = [(glorot(k, pair), jnp.zeros(pair[1])) for k, pair in zip(starts, itertools.pairwise(sizes), strict=False)]

        def step(carry, rows):
            p, state = carry
            gradient = jax.grad(lambda p: ((output(p, train[rows]) - train[rows]) ** 2).mean())(p)
            updates, state = OPTIMIZER.update(gradient, state)
            return (optax.apply_updates(p, updates), state), None

        def epoch(carry, key):
            order = jax.random.permutation(key, len(train))
            whole = len(train) // BATCH * BATCH
            carry, _ = jax.lax.scan(step, carry, order[:whole].reshape(-1, BATCH))
            return step(carry, order[whole:])

        (p, _), _ = jax.lax.scan(epoch, (p, OPTIMIZER.init(p)), jax.random.split(data, epochs))
        rest = test - output(p, test)
        return (rest**2).sum() <= (1 - bar) * ((test - test.mean(0)) ** 2).sum()

    return count(learns, seeds, block=1)
