"""What the cases of this package train on."""

import jax


def normal(key, n):
    """Draw x ~ N(0, 1) of shape (n,)."""
    return jax.random.normal(key, (n,))


def relu(x):
    """Pair x with y, what a ReLU makes of it, both of shape (n,)."""
    return x, jax.nn.relu(x)
