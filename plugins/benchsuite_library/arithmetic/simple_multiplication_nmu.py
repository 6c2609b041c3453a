"""NAU and NMU: linear weights clipped to [-1, 1] and [0, 1] after every step; the second layer is Π (w z + 1 - w).

The source takes the evaluation with the lowest error on U[1, 2]; here any evaluation counts.
"""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import hookimpl

from .cells import linear, multiplication


class Net(nnx.Module):
    """4 → 2 → 1: the sums, and their product."""

    def __init__(self, rngs):
        self.sum = nnx.Param(jax.random.uniform(rngs.params(), (4, 2), minval=-0.5, maxval=0.5))
        self.product = nnx.Param(jax.random.uniform(rngs.params(), (2,), minval=0.25, maxval=0.75))

    def __call__(self, x):
        weights = self.product[...][:, None]
        return (weights * linear(jnp.clip(self.sum[...], -1, 1), x) + 1 - weights).prod(0)

    def weights(self):
        return self.sum[...], self.product[...]


def clipped_adam(learning_rate=1e-3):
    """Adam, after whose steps all weights are clipped to their range."""

    def update(updates, state, parameters):
        def clip(path, step, weights):
            lowest = -1 if "sum" in jax.tree_util.keystr(path) else 0
            return jnp.clip(weights + step, lowest, 1) - weights

        return jax.tree_util.tree_map_with_path(clip, updates, parameters), state

    return optax.chain(optax.adam(learning_rate), optax.GradientTransformation(lambda _: optax.EmptyState(), update))


def solve(model):
    model.sum[...], model.product[...] = jnp.array([[1.0, 1], [1, 1], [0, 1], [0, 1]]), jnp.ones(2)


@hookimpl
def benchsuite_cases():
    yield multiplication("nmu", "NAU and NMU", Net, solve, solved=94, optimizer=clipped_adam)
