"""What the cases on mixtures of Gaussians share: networks, simultaneous updates, and the source's rule for modes.

Source: https://github.com/fjxmlzn/PacGAN, synthetic_data_experiments, without packing.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchsuite import Case, Claim, Criterion, Diagnostic, Figure, Measure, Schedule, Split, Table

EXAMPLES, SHOWN, HIDDEN, PIECES, SIZE = 100_000, 2_500, 400, 5, 200

_normal = nnx.initializers.normal(0.02)


class Generator(nnx.Module):
    """2-400-400-400-400-2 ReLU with batch normalisation, and a bias in the last layer only."""

    def __init__(self, rngs):
        sizes = [2, *[HIDDEN] * 4]
        self.hidden = nnx.List([
            nnx.Linear(n, HIDDEN, use_bias=False, kernel_init=_normal, rngs=rngs) for n in sizes[:-1]
        ])  # fmt: skip
        self.norms = nnx.List([nnx.BatchNorm(HIDDEN, momentum=0.95, epsilon=1e-4, rngs=rngs) for _ in sizes[:-1]])
        self.output = nnx.Linear(HIDDEN, 2, kernel_init=_normal, rngs=rngs)

    def __call__(self, z):
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            z = nnx.relu(norm(layer(z)))
        return self.output(z)


class Critic(nnx.Module):
    """2-200-200-200-1, each unit the largest of five."""

    def __init__(self, rngs):
        sizes = (2, SIZE, SIZE)
        self.hidden = nnx.List([nnx.Linear(n, SIZE * PIECES, kernel_init=_normal, rngs=rngs) for n in sizes])
        self.output = nnx.Linear(SIZE, 1, kernel_init=_normal, rngs=rngs)

    def __call__(self, x):
        for layer in self.hidden:
            x = layer(x).reshape(-1, SIZE, PIECES).max(2)
        return self.output(x)


class Gan(nnx.Module):
    """Generator and critic, with random numbers of their own."""

    def __init__(self, rngs):
        self.generator, self.critic, self.rngs = Generator(rngs), Critic(rngs), rngs


def both_losses(gan, real):
    """The sum of both losses; each network sees the other as a constant, and both move at once, as in the source."""
    made = gan.generator(jax.random.normal(gan.rngs.noise(), real.shape))
    shown = jnp.concatenate([real, jax.lax.stop_gradient(made)])
    on_real, on_made = jnp.split(gan.critic(shown), 2)
    critic = (nnx.softplus(-on_real) + nnx.softplus(on_made)).mean()
    graph, state = nnx.split(gan.critic)
    frozen = nnx.merge(graph, jax.tree.map(jax.lax.stop_gradient, state))
    generator = nnx.softplus(-frozen(made)).mean()
    return critic + generator, {"critic": critic, "generator": generator}


def counts(gan, means, deviation):
    """The samples within three deviations of each mode, of 2,500 from the same noise for all seeds."""
    samples = gan.generator(jax.random.normal(jax.random.key(0), (SHOWN, 2)))
    distances = jnp.sqrt(((samples[:, None] - means) ** 2).sum(2))
    close = jax.nn.one_hot(distances.argmin(1), len(means)) * (distances.min(1) < 3 * deviation)[:, None]
    return close.sum(0)


def mixture(name, summary, means, deviation, *, captured, error):
    """Return the case of modes of which the source's ten runs captured so many, with a standard error."""
    means = np.array(means, np.float32)

    def load(_):
        rng = np.random.default_rng(0)
        rows = means[rng.integers(len(means), size=EXAMPLES + SHOWN)]
        rows = np.float32(rows + deviation * rng.normal(size=rows.shape))
        return Split(rows[:EXAMPLES], rows[EXAMPLES:])

    def modes(gan, _):
        return (counts(gan, means, deviation) > 0).sum()

    def quality(gan, _):
        return counts(gan, means, deviation).sum() / SHOWN

    spread = error * 10**0.5
    return Case(
        name=name,
        summary=summary,
        source="https://github.com/fjxmlzn/PacGAN/tree/master/synthetic_data_experiments",
        model=Gan,
        dataset=Table(name, load=load, batch_size=100),
        objective=both_losses,
        optimizer=partial(optax.adam, learning_rate=1e-4, b1=0.8),
        schedule=Schedule(epochs=400, evaluate_every=10, seeds=10),
        quick=Schedule(epochs=2, seeds=2),
        metrics={"modes": Measure(modes)},
        criterion=Criterion("modes", at_least=len(means)),
        claims=[Claim(f"{captured} ± {error} of {len(means)} modes.", Figure("modes", captured, spread, of_runs=10))],
        diagnostics=[Diagnostic("quality", "Share of samples within three deviations of a mode.", quality)],
        family="generative",
        tags=("long", "game"),
    )
