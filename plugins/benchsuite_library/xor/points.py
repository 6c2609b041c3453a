"""What the cases share: the four points, and the start of classic back-propagation."""

import jax
import numpy as np
import optax

from benchsuite import Split, Table


def uniform(low, high):
    """Start parameters at U[low, high)."""

    def draw(key, shape, dtype=np.float32, **_):
        return jax.random.uniform(key, shape, dtype, low, high)

    return draw


def centred(batch_size=4):
    """The inputs ±1, and targets (4,)."""
    return _table("xor-centred", 2.0 * _BITS - 1, _BITS.sum(1) % 2, batch_size)


def bits(batch_size=4):
    """The inputs 0 and 1, and targets (4, 1)."""
    return _table("xor-bits", _BITS, _BITS.sum(1, keepdims=True) % 2, batch_size)


def cross_entropy(logit, target):
    """The mean binary cross-entropy of logits."""
    return optax.sigmoid_binary_cross_entropy(logit, target).mean()


_BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)


def _table(name, inputs, targets, batch_size):
    rows = (np.float32(inputs), np.float32(targets))
    return Table(name, load=lambda _: Split(train=rows, test=rows), batch_size=batch_size)
