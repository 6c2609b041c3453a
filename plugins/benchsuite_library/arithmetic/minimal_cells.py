"""NALU and iNALU layers from two inputs to one output, for x of shape (2, n)."""

import jax
import jax.numpy as jnp
from flax import nnx

from .minimal import Data


def _draw(rngs, mean, shape=(2,)):
    return nnx.Param(mean + 0.1 * jax.random.normal(rngs.params(), shape))


def _weights(w, m):
    return jnp.tanh(w[...]) * nnx.sigmoid(m[...])


class Nalu(nnx.Module):
    """A gate by the inputs, the same weights for sum and product, and no sign of the product."""

    def __init__(self, rngs):
        self.data, self.w, self.m, self.gate = Data(rngs), _draw(rngs, 1), _draw(rngs, -1), _draw(rngs, 0)

    def __call__(self, x):
        weights, gate = _weights(self.w, self.m), nnx.sigmoid(self.gate[...] @ x)
        return gate * (weights @ x) + (1 - gate) * jnp.exp(weights @ jnp.log(abs(x) + 1e-7))

    def factors(self):
        return _weights(self.w, self.m)


class Inalu(nnx.Module):
    """A gate of its own, other weights for sum and product, and a product that is bounded and has a sign."""

    def __init__(self, rngs):
        self.data, self.gate = Data(rngs), _draw(rngs, 0, ())
        self.w, self.m, self.w_product, self.m_product = (_draw(rngs, mean) for mean in (1, -1, 1, -1))

    def __call__(self, x):
        gate, factors = nnx.sigmoid(self.gate[...]), _weights(self.w_product, self.m_product)
        sizes = jnp.exp(jnp.minimum(factors @ jnp.log(jnp.maximum(abs(x), 1e-7)), 20))
        signs = (jnp.sign(x) * abs(factors)[:, None] + 1 - abs(factors)[:, None]).prod(0)
        return gate * (_weights(self.w, self.m) @ x) + (1 - gate) * sizes * signs

    def factors(self):
        return _weights(self.w_product, self.m_product)


def exactly(first, second):
    """Return a function that sets an iNALU to a product of powers 1 and -1."""

    def solve(model):
        model.gate[...] = jnp.array(-40.0)
        model.w_product[...], model.m_product[...] = 20 * jnp.array([first, second], float), jnp.full(2, 20.0)

    return solve
