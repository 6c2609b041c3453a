"""Random search, the control that any optimiser should beat."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class SearchState(NamedTuple):
    """The state of a random search: its key, and the start."""

    key: Any
    start: Any


def random_search(scale: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Search around the start at random, with one evaluation of the loss a step beside the current one.

    Each step draws parameters from a normal distribution around the start, and moves there where the loss on the batch
    is lower. Gradients are not used.

    Args:
        scale: standard deviation of the distribution.

    Source: L. A. Rastrigin (1963), The convergence of the random search method in the extremal control of a
    many-parameter system, Automation and Remote Control 24, 1337-1342.
    """

    def init(parameters: Any) -> SearchState:
        bits = [
            jax.lax.bitcast_convert_type(jnp.float32(leaf).sum(), jnp.uint32) for leaf in jax.tree.leaves(parameters)
        ]
        key = jax.random.key(0)
        for one in bits:  # another search for each start
            key = jax.random.fold_in(key, one)
        return SearchState(jax.random.key_data(key), parameters)

    def update(
        gradient: Any, state: SearchState, parameters: Any = None, *, value: Any, value_fn: Any, **_: Any
    ) -> tuple[Any, SearchState]:
        del gradient
        key, own = jax.random.split(jax.random.wrap_key_data(state.key))
        candidate = jax.tree.map(
            lambda leaf, noise: leaf + scale * noise, state.start, optax.tree.random_like(own, state.start)
        )
        better = value_fn(candidate) < value
        updates = jax.tree.map(
            lambda new, old: jnp.where(better, new - old, jnp.zeros_like(old)), candidate, parameters
        )
        return updates, SearchState(jax.random.key_data(key), state.start)

    return optax.GradientTransformationExtraArgs(init, update)
