"""A small generative adversarial network on five modes of a line; the share of lost modes is ours."""

import jax
import optax
from flax import nnx

from benchsuite import Case, Criterion, Player, Schedule, Stream, hookimpl

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
        family="generative",
        tags=("small", "game"),
    )
