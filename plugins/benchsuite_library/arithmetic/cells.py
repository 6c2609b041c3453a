"""What the cases of multiplication share: arithmetic layers, and the protocol of their source (examples come last).

Source: https://github.com/AndreasMadsen/stable-nalu at its script lfs_batch_jobs/simple_mul.sh, whose regulariser has a
weight of 0 before step 1,000,000.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Claim, Criterion, Diagnostic, FailureRate, Measure, Schedule, Stream

#: Half widths of the uniform starts of NAC weights for 4 → 2 and 2 → 1: tanh(w) sigmoid(m) has a variance of 2 / fan.
WIDTHS = 5.4255078, 9.4714064

#: The mean squared error on U[2, 6]⁴ of weights that are all off by 1e-5; by simulation.
THRESHOLD = 2.156e-6


def linear(weights, x):
    """Map x of shape (inputs, n) by weights of shape (inputs, outputs) to (outputs, n)."""
    return (weights[:, :, None] * x[:, None]).sum(0)


def exp_linear_log(weights, x):
    return jnp.exp(linear(weights, jnp.log(abs(x) + 1e-7)))


class Nac(nnx.Module):
    """Weights tanh(ŵ) σ(m̂), which prefer -1, 0 and 1."""

    def __init__(self, rngs, inputs, outputs, width):
        draw = partial(jax.random.uniform, shape=(inputs, outputs), minval=-width, maxval=width)
        self.w, self.m = nnx.Param(draw(rngs.params())), nnx.Param(draw(rngs.params()))

    @property
    def weights(self):
        return jnp.tanh(self.w[...]) * nnx.sigmoid(self.m[...])

    def set(self, weights):
        self.w[...], self.m[...] = 20 * weights, jnp.full_like(weights, 20.0)


def error(model, u, lowest=1, highest=2):
    """The mean squared error of (x₁ + x₂)(x₁ + … + x₄) for x = lowest … highest, from u in [0, 1]⁴, (n, 4)."""
    x = lowest + (highest - lowest) * u.T
    return ((model(x) - (x[0] + x[1]) * x.sum(0)) ** 2).mean()


def sparsity(model, _):
    """The largest distance of any weight from the nearest of -1, 0 and 1."""
    weights = jnp.concatenate([abs(layer).ravel() for layer in model.weights()])
    return jnp.minimum(weights, abs(1 - weights)).max()


def unit_cube(key, n):
    return jax.random.uniform(key, (n, 4))


def multiplication(unit, title, model, solution, solved, *, optimizer=None, diagnostics=()):
    """Return the case of a unit that solves (x₁ + x₂)(x₁ + … + x₄) for so many of the source's 100 seeds."""
    return Case(
        name=f"nalu-simple-multiplication-{unit}",
        summary=f"Two layers of {title} learn (x₁ + x₂)(x₁ + x₂ + x₃ + x₄) from U[1, 2], tested on U[2, 6].",
        source="https://github.com/AndreasMadsen/stable-nalu/blob/master/paper/results/simple_mul.tex",
        model=model,
        dataset=Stream(unit_cube, batch_size=128, evaluation_size=10_000),
        objective=error,
        optimizer=optimizer or partial(optax.adam, learning_rate=1e-3),
        schedule=Schedule(steps=200_000, evaluate_every=1000, seeds=100),
        quick=Schedule(steps=20_000, evaluate_every=1000, seeds=100),
        metrics={"extrapolation": Measure(partial(error, lowest=2, highest=6))},
        criterion=Criterion("extrapolation", at_most=THRESHOLD, when="ever"),
        claims=[Claim(f"{solved} of its 100 seeds solve it.", FailureRate(failed=100 - solved, of=100))],
        diagnostics=[
            Diagnostic("sparsity error", "Distance of the worst weight from the nearest of -1, 0 and 1.", sparsity),
            *diagnostics,
        ],
        solution=solution,
        family="arithmetic",
        tags=("long", "regression"),
    )
