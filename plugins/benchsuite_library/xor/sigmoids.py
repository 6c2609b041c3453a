"""What the cases of sigmoid networks share: the net, and the errors of classic back-propagation."""

import jax.numpy as jnp
from flax import nnx

from .points import uniform


class Sigmoids(nnx.Module):
    """2 → `units` → 1 sigmoid units with biases, all parameters from U[low, high)."""

    def __init__(self, rngs, *, units=3, low=-1.0, high=1.0, activation=nnx.sigmoid, output_activation=nnx.sigmoid):
        start = uniform(low, high)
        self.hidden = nnx.Linear(2, units, kernel_init=start, bias_init=start, rngs=rngs)
        self.output = nnx.Linear(units, 1, kernel_init=start, bias_init=start, rngs=rngs)
        self.activation, self.output_activation = activation, output_activation

    def __call__(self, x):
        return self.output_activation(self.output(self.activation(self.hidden(x))))


def half_squares(output, target):
    """Half the sum of squared errors, whose gradient is that of the delta rule."""
    return ((output - target) ** 2).sum() / 2


def root_mean_square(output, target):
    return jnp.sqrt(((output - target) ** 2).mean())


def both_bits(model):
    """One unit for "or", one for "and", and none of the others."""
    model.hidden.kernel[...] = jnp.zeros_like(model.hidden.kernel[...]).at[:, :2].set(20.0)
    model.hidden.bias[...] = jnp.zeros_like(model.hidden.bias[...]).at[:2].set(jnp.array([-10.0, -30.0]))
    model.output.kernel[...] = jnp.zeros_like(model.output.kernel[...]).at[:2, 0].set(jnp.array([20.0, -20.0]))
    model.output.bias[...] = jnp.full_like(model.output.bias[...], -10.0)
