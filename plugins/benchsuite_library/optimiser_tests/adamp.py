"""AdamP, which optax lacks: Adam's step, without the part along the weights where that only scales them."""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from benchsuite import Treatment, hookimpl


def adamp(learning_rate=1e-3, b1=0.9, b2=0.999, *, eps=1e-8, weight_decay=0.0, delta=0.1, wd_ratio=0.1):
    """AdamP (arXiv 2006.08217): project by unit, else by layer, where gradient and weights are orthogonal."""
    adam = optax.scale_by_adam(b1, b2, eps)

    def update(gradient, state, parameters):
        steps, state = adam.update(gradient, state)
        change = partial(_change, learning_rate=learning_rate, decay=weight_decay, delta=delta, ratio=wd_ratio, eps=eps)
        return jax.tree.map(change, steps, gradient, parameters), state

    return optax.GradientTransformation(adam.init, update)


def _change(step, gradient, weights, *, learning_rate, decay, delta, ratio, eps):
    shrink = 1.0
    if weights.ndim > 1:
        units, layer = tuple(range(weights.ndim - 1)), None  # flax has the units along the last axis
        by_unit, by_layer = (_is_orthogonal(gradient, weights, axes, delta, eps) for axes in (units, layer))
        projected = jnp.where(by_unit, _without(step, weights, units, eps), _without(step, weights, layer, eps))
        step = jnp.where(by_unit | by_layer, projected, step)
        shrink = jnp.where(by_unit | by_layer, ratio, 1.0)
    return -learning_rate * (step + decay * shrink * weights)


def _is_orthogonal(gradient, weights, axes, delta, eps):
    lengths = (_norm(gradient, axes) + eps) * (_norm(weights, axes) + eps)
    cosine = abs((gradient * weights).sum(axes, keepdims=True)) / lengths
    return cosine.max() < delta / (weights.size / cosine.size) ** 0.5


def _without(step, weights, axes, eps):
    """Remove the part along the weights."""
    direction = weights / (_norm(weights, axes) + eps)
    return step - direction * (direction * step).sum(axes, keepdims=True)


def _norm(x, axes):
    return jnp.sqrt((x**2).sum(axes, keepdims=True))


def with_adamp(case, learning_rate=1e-3, weight_decay=0.0):
    return case.with_optimizer(partial(adamp, learning_rate=learning_rate, weight_decay=weight_decay))


@hookimpl
def benchsuite_treatments():
    yield Treatment(
        "adamp", "AdamP at its usual learning rate of 0.001.", "https://arxiv.org/abs/2006.08217", with_adamp
    )
