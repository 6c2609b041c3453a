"""The generator gives jax.random's own numbers, and each seed its own, whatever it is drawn beside."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchsuite.engine import prng


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_hash_is_threefry(key: tuple[int, int], counter: tuple[int, int], words: tuple[int, int]) -> None:
    """The known answers for threefry2x32 with 20 rounds that come with Random123."""
    found = prng.hash_2x32(jnp.array(key, jnp.uint32), *(jnp.uint32(word) for word in counter))
    assert tuple(map(int, found)) == words


def test_wide_numbers_are_those_of_jax() -> None:
    """A float64 case draws the numbers that JAX's own generator draws."""
    with jax.enable_x64(True):
        ours, theirs = (jax.random.normal(key, (9,)) for key in (prng.key(7), jax.random.key(7)))

        assert ours.dtype == jnp.float64
        assert (ours == theirs).all()


def test_bits_and_uniform_numbers_are_exact_on_any_device() -> None:
    """Keys and bits take integer operations; a uniform number is its bits by a power of two, not rounded."""
    key = prng.data_key("line", 7)
    traced = jax.make_jaxpr(lambda seed: jax.random.bits(prng.data_key("line", seed), (8,)))(jnp.uint32(7))
    made = {out.aval.dtype for equation in traced.jaxpr.eqns for out in equation.outvars}

    assert not any(jnp.issubdtype(dtype, jnp.floating) for dtype in made)
    bits, numbers = jax.random.bits(key, (1000,)), jax.random.uniform(key, (1000,))
    np.testing.assert_array_equal(np.float64(numbers), np.float64(bits >> 9) / 2**23)
