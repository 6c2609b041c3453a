"""The generator gives jax.random's own numbers, and each seed its own, whatever it is drawn beside."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.engine import prng

SEEDS = st.integers(0, 2**32 - 1)


def draws(key: jax.Array) -> dict[str, jax.Array]:
    """Something of all kinds."""
    return {
        "folded": jax.random.key_data(jax.random.fold_in(key, 7)),
        "split": jax.random.key_data(jax.random.split(key, (2, 3))),
        "bits": jax.random.bits(key, (3, 5)),
        "bytes": jax.random.bits(key, (7,), jnp.uint8),
        "halves": jax.random.normal(key, (4,), jnp.bfloat16),
        "normals": jax.random.normal(key, (9,)),
        "integers": jax.random.randint(key, (4,), 0, 10),
        "order": jax.random.permutation(key, 11),
    }


@given(SEEDS, SEEDS)
@settings(max_examples=5, deadline=None)
def test_numbers_are_those_of_jax(seed: int, folded: int) -> None:
    """A case draws what it would from the keys of `jax.random`."""
    ours, theirs = (jax.random.fold_in(key, folded) for key in (prng.key(seed), jax.random.key(seed)))
    for (name, drawn), expected in zip(draws(ours).items(), draws(theirs).values(), strict=True):
        np.testing.assert_array_equal(drawn, expected, name)


def test_numbers_do_not_depend_on_the_batch() -> None:
    """As they would with rbg."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(prng.key(0), jnp.arange(5))
    batch = jax.jit(jax.vmap(draws))(keys)
    for number, key in enumerate(keys):
        for name, drawn in draws(key).items():
            np.testing.assert_array_equal(batch[name][number], drawn, name)
