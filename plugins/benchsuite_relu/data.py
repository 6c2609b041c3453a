"""What the cases of this package train on."""

import jax


def normal_relu(key, n):
    """Draw x ~ N(0, 1) and y = relu(x), both of shape (n,)."""
    x = jax.random.normal(key, (n,))
    return x, jax.nn.relu(x)
