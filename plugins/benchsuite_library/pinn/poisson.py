"""A small physics-informed network: equation and ends are the loss, and the solution is only for evaluation."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Measure, Schedule, Stream, hookimpl


def net(rngs, *, units=8):
    return nnx.Sequential(nnx.Linear(1, units, rngs=rngs), nnx.tanh, nnx.Linear(units, 1, rngs=rngs))


def objective(model, x):
    def u(x):
        return model(x[None])[0]

    residual = ((jax.vmap(jax.grad(jax.grad(u)))(x) + jnp.sin(x)) ** 2).mean()
    boundary = (model(jnp.array([[0], [jnp.pi]])) ** 2).sum()
    return residual + boundary, {"residual": residual, "boundary": boundary}


@hookimpl
def benchsuite_cases():
    yield Case(
        name="pinn-poisson",
        summary="A 1-8-1 tanh network solves u'' = -sin(x) with u = 0 at 0 and at π.",
        source="https://doi.org/10.1016/j.jcp.2018.10.045",
        model=net,
        dataset=Stream(lambda key, n: jax.random.uniform(key, (n,), maxval=jnp.pi), batch_size=32, evaluation_size=256),
        objective=objective,
        optimizer=partial(optax.adam, learning_rate=0.01),
        schedule=Schedule(steps=1000, evaluate_every=100, seeds=1000),
        metrics={"error": Measure(lambda model, x: jnp.sqrt(((model(x[:, None])[:, 0] - jnp.sin(x)) ** 2).mean()))},
        criterion=Criterion("error", at_most=0.003),
        family="pinn",
        tags=("small", "function"),
    )
