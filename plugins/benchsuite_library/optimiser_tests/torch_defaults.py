"""What tests written in PyTorch take for granted: the start of a dense layer, and the arithmetic of its BCELoss."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


def linear(inputs, outputs, rngs):
    """Make a dense layer with weights and biases from U(±1/√inputs)."""
    bound = inputs**-0.5

    def start(key, shape, dtype=np.float32, **_):
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return nnx.Linear(inputs, outputs, kernel_init=start, bias_init=start, rngs=rngs)


def cross_entropy(logit, target):
    """The mean binary cross-entropy of sigmoid outputs, whose gradient vanishes where they are rounded to 0 or 1.

    Logarithms are at least -100, and the derivative of the sigmoid is divided by at least 1e-12.
    """
    p = jax.nn.sigmoid(logit)
    value = -(target * jnp.maximum(jnp.log(p), -100) + (1 - target) * jnp.maximum(jnp.log1p(-p), -100))
    slope = (p - target) * p * (1 - p) / jnp.maximum(p * (1 - p), 1e-12)
    value, slope = jax.lax.stop_gradient((value, slope))
    return (value + slope * (logit - jax.lax.stop_gradient(logit))).mean()
