"""Eight tanh units learn three periods of a sine: starts that cover too few of its bends miss some of them.

No source has a rate; the first one is ours. Networks learn low frequencies first (arXiv 1806.08734).
"""

from functools import partial

import jax
import jax.numpy as jnp

from benchsuite import Diagnostic, hookimpl

from .nets import Net, fitted


def sine(key, n):
    x = jax.random.uniform(key, (n, 1), minval=-jnp.pi, maxval=jnp.pi)
    return x, jnp.sin(3 * x)


def missed(model, *_):
    """Of the six extremes, those where the prediction is off by more than a half."""
    x = (jnp.arange(6)[:, None] - 2.5) * jnp.pi / 3
    return (abs(model(x) - jnp.sin(3 * x)) > 1 / 2).sum()


@hookimpl
def benchsuite_cases():
    summary = "Eight tanh units learn three periods of a sine."
    reading = "Bends of the sine that the network left out, of six."
    diagnostics = [Diagnostic("missed bends", reading, missed)]
    source = "https://arxiv.org/abs/1806.08734"
    yield fitted("sine", summary, source, sine, partial(Net, units=8), diagnostics=diagnostics)
