"""The six settings of PyTorch's test, as optax transformations of the same formulas."""

import jax
import jax.numpy as jnp
import optax


def _decayed(*transformations, weight_decay=1e-6):
    """Add weight decay to the gradient, as PyTorch's classic optimisers do."""
    return optax.chain(optax.add_decayed_weights(weight_decay), *transformations)


def sgd(learning_rate=0.1, momentum=0.9, weight_decay=1e-6):
    return _decayed(optax.sgd(learning_rate, momentum, nesterov=True), weight_decay=weight_decay)


def adagrad(learning_rate=1.0, weight_decay=1e-6, decay=1e-3):
    rate = optax.scale_by_learning_rate(lambda step: learning_rate / (1 + decay * step))
    return _decayed(optax.scale_by_rss(0.0, eps=1e-20), rate, weight_decay=weight_decay)


def rmsprop(learning_rate=0.1):
    return optax.rmsprop(learning_rate, decay=0.99, eps=1e-8, eps_in_sqrt=False, centered=True)


def rmsprop_momentum(learning_rate=0.1, momentum=0.9, weight_decay=1e-6):
    scaled = optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False)
    traced = optax.trace(momentum)
    return _decayed(scaled, traced, optax.scale_by_learning_rate(learning_rate), weight_decay=weight_decay)


def adam(learning_rate=0.1, weight_decay=1e-6):
    return _decayed(optax.adam(learning_rate), weight_decay=weight_decay)


def amsgrad(learning_rate=0.1, weight_decay=1e-6):
    """Keep the largest second moment before its bias is corrected; optax keeps the corrected one."""
    return _decayed(_scale_by_amsgrad(), optax.scale_by_learning_rate(learning_rate), weight_decay=weight_decay)


def _scale_by_amsgrad(b1=0.9, b2=0.999, eps=1e-8):
    def init(parameters):
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return jnp.zeros((), int), zeros, zeros, zeros

    def update(gradient, state, parameters=None):
        del parameters
        count, first, second, largest = state
        count += 1
        first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, first, gradient)
        second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g**2, second, gradient)
        largest = jax.tree.map(jnp.maximum, largest, second)
        scale = jnp.sqrt(1 - b2**count) / (1 - b1**count)
        change = jax.tree.map(lambda m, v: scale * m / (jnp.sqrt(v) + eps * jnp.sqrt(1 - b2**count)), first, largest)
        return change, (count, first, second, largest)

    return optax.GradientTransformation(init, update)


#: Name in the cases → the optimiser.
OPTIMIZERS = {
    "sgd": sgd,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "rmsprop-momentum": rmsprop_momentum,
    "adam": adam,
    "amsgrad": amsgrad,
}
