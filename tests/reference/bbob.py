"""Three functions of COCO's bbob by their formulas (RR-6829), Adam 0.1 from U(-5, 5)ᵈ, 2,000 steps: excess ≤ 1e-2.

The optimum of every seed is from U(-4, 4)ᵈ; Rosenbrock's is three quarters of that.
"""

import jax
import jax.numpy as jnp
import optax

from reference.common import count, descend


def oscillate(x):
    """Bend the scale of x, which makes minima irregular (T_osz)."""
    signs, size = jnp.sign(x), jnp.log(jnp.maximum(jnp.abs(x), 1e-30))
    first, second = jnp.where(x > 0, 10.0, 5.5), jnp.where(x > 0, 7.9, 3.1)
    return signs * jnp.exp(size + 0.049 * (jnp.sin(first * size) + jnp.sin(second * size)))


def sphere(x, optimum):
    return ((x - optimum) ** 2).sum()


def rosenbrock(x, optimum):
    z = jnp.maximum(1, jnp.sqrt(len(x)) / 8) * (x - optimum) + 1
    return (100 * (z[:-1] ** 2 - z[1:]) ** 2 + (z[:-1] - 1) ** 2).sum()


def rastrigin(x, optimum):
    z, at = oscillate(x - optimum), jnp.arange(len(x)) / (len(x) - 1)
    bent = jnp.maximum(z, 1e-30) ** (1 + 0.2 * at * jnp.sqrt(jnp.maximum(z, 1e-30)))
    z = 10 ** (at / 2) * jnp.where(z > 0, bent, z)
    return 10 * (len(x) - jnp.cos(2 * jnp.pi * z).sum()) + (z**2).sum()


FUNCTIONS = {"sphere": (sphere, 4), "rosenbrock": (rosenbrock, 3), "rastrigin": (rastrigin, 4)}


def successes(seeds, name, dimensions):
    """Count the starts that reach the optimum."""
    function, width = FUNCTIONS[name]

    def reaches(key):
        start, place, steps = jax.random.split(key, 3)
        optimum = jax.random.uniform(place, (dimensions,), minval=-width, maxval=width)
        x = jax.random.uniform(start, (dimensions,), minval=-5, maxval=5)
        x = descend(lambda x, _: function(x, optimum), x, optax.adam(0.1), 2000, steps)
        return function(x, optimum) <= 1e-2

    return count(reaches, seeds)
