"""PyTorch's convergence test of its optimisers: it fixes seed 0, since other seeds fail (issue 7288).

A 2-8-1 sigmoid network sees four random rows of XOR at each step. The test succeeds once a running mean of the loss,
begun at 1, is at most 0.1. The model keeps it, and its lowest value, beside the parameters.
"""

import jax
import jax.numpy as jnp
from flax import nnx

from benchsuite import Case, Criterion, Measure, Schedule, Stream, hookimpl

from .torch_defaults import cross_entropy, linear
from .torch_optimizers import OPTIMIZERS


class Tested(nnx.Module):
    """2 → 8 → 1 with a logit at the end, and the running mean of its loss."""

    def __init__(self, rngs, *, units=8, activation=nnx.sigmoid):
        self.hidden, self.output = linear(2, units, rngs), linear(units, 1, rngs)
        self.running, self.lowest = nnx.Variable(jnp.ones(())), nnx.Variable(jnp.ones(()))
        self.activation = activation


def random_rows(key, n):
    rows = jax.random.bernoulli(key, shape=(n, 2))
    return rows.astype(jnp.float32), (rows[:, :1] ^ rows[:, 1:]).astype(jnp.float32)


def watched(model, batch):
    x, y = batch
    loss = cross_entropy(model.output(model.activation(model.hidden(x))), y)
    model.running[...] = 0.99 * model.running[...] + 0.01 * jax.lax.stop_gradient(loss)
    model.lowest[...] = jnp.fmin(model.lowest[...], model.running[...])
    return loss


@hookimpl
def benchsuite_cases():
    for name, optimizer in OPTIMIZERS.items():
        yield Case(
            name=f"xor-pytorch-{name}",
            summary=f"PyTorch's test of its optimisers: {name} learns XOR with eight sigmoid units.",
            source="https://github.com/pytorch/pytorch/blob/main/test/cpp/api/optim.cpp",
            model=Tested,
            dataset=Stream(random_rows, batch_size=4, evaluation_size=64),
            objective=watched,
            optimizer=optimizer,
            schedule=Schedule(steps=3001, evaluate_every=3001, seeds=1000),  # a prime number
            metrics={"lowest": Measure(lambda model, _: model.lowest[...])},
            criterion=Criterion("lowest", at_most=0.1),
            family="optimiser-tests",
            tags=("small", "classification"),
        )
