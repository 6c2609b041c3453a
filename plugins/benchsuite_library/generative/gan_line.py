"""A small generative adversarial network on five modes of a line; the share of lost modes is ours."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchsuite import Case, Criterion, Diagnostic, Player, Schedule, Stream, hookimpl

#: A mode is covered by this share of the samples within this distance of it.
SHARE, WITHIN = 0.02, 0.15


class Gan(nnx.Module):
    """Generator and critic of 16 tanh units each, critic first."""

    def __init__(self, rngs):
        self.generator = nnx.Sequential(nnx.Linear(1, 16, rngs=rngs), nnx.tanh, nnx.Linear(16, 1, rngs=rngs))
        self.critic = nnx.Sequential(nnx.Linear(1, 16, rngs=rngs), nnx.tanh, nnx.Linear(16, 1, rngs=rngs))

    def judge(self, batch):
        return (nnx.softplus(-self.critic(batch[0])) + nnx.softplus(self.critic(self.generator(batch[1])))).mean()

    def fool(self, batch):
        near = abs(self.generator(batch[1]) - jax.numpy.arange(-2, 3)) <= WITHIN
        return nnx.softplus(-self.critic(self.generator(batch[1]))).mean(), {"modes": (near.mean(0) >= SHARE).sum()}


def between(gan, batch):
    samples = gan.generator(batch[1])
    return (abs(samples - jnp.arange(-2, 3)) > WITHIN).all(1).mean()


def staircase(gan):
    """Four steep units at the fifths of the normal distribution make five steps of height 1."""
    first, _, last = gan.generator.layers
    places = jnp.array([-0.8416, -0.2533, 0.2533, 0.8416])
    first.kernel[...] = jnp.zeros((1, 16)).at[0, :4].set(100.0)
    first.bias[...] = jnp.zeros(16).at[:4].set(-100 * places)
    last.kernel[...], last.bias[...] = jnp.zeros((16, 1)).at[:4].set(0.5), jnp.zeros(1)


def draw(key, n):
    mode, noise, z = jax.random.split(key, 3)
    real = jax.random.randint(mode, (n, 1), -2, 3) + 0.05 * jax.random.normal(noise, (n, 1))
    return real, jax.random.normal(z, (n, 1))


@hookimpl
def benchsuite_cases():
    yield Case(
        name="gan-line",
        summary="A generator covers five modes on a line, or loses some.",
        source="https://arxiv.org/abs/1406.2661",
        model=Gan,
        dataset=Stream(draw, batch_size=64, evaluation_size=1024),
        players=[Player(n, n, loss, optax.adam(0.005)) for n, loss in (("critic", Gan.judge), ("generator", Gan.fool))],
        schedule=Schedule(steps=1500, evaluate_every=100, seeds=200),
        criterion=Criterion("modes", at_least=5),
        diagnostics=[Diagnostic("between modes", "Share of samples that belong to no mode.", between)],
        solution=staircase,
        family="generative",
        tags=("small", "game"),
    )
