"""Random keys, and JAX's generator threefry2x32 with its rounds unrolled: the same numbers in less time.

On a CPU, JAX rolls the rounds into loops that write every number to memory. Unrolled, XLA fuses them with the
operations that use the numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import define_prng_impl

#: A counter-based generator: a seed's numbers do not depend on the seeds trained beside it, as they would with "rbg".
NAME = "threefry2x32"

_START, _DATA = 0, 1

_PARITY = np.uint32(0x1BD11BDA)
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))

_UINT = {8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}


def key(seed: int) -> jax.Array:
    """Make the key of `seed`, which gives the numbers of `jax.random.key(seed)`.

    Exception: `jax.random.poisson` accepts JAX's own keys only.
    """
    return jax.random.key(seed, impl=IMPLEMENTATION)


def _fold_in_name(key: jax.Array, name: str) -> jax.Array:
    return jax.random.fold_in(key, _number_of(name))


def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def seed_key(case: str, seed: jax.Array | int) -> jax.Array:
    """Make the key of one seed of a case, on which all of its random numbers depend."""
    return jax.random.fold_in(_fold_in_name(key(0), case), seed)


def start_key(case: str, seed: jax.Array | int) -> jax.Array:
    """Make the key that initialises the model of one seed of a case."""
    return jax.random.fold_in(seed_key(case, seed), _START)


def data_key(case: str, seed: jax.Array | int) -> jax.Array:
    """Make the key that draws or shuffles the training examples of one seed of a case."""
    return jax.random.fold_in(seed_key(case, seed), _DATA)


def evaluation_key(case: str) -> jax.Array:
    """Make the key that draws the evaluation examples of a case, which all seeds share."""
    return _evaluation_key(np.uint32(_number_of(case)))


@jax.jit  # one program for all cases, in place of one for each of its steps
def _evaluation_key(case: jax.Array) -> jax.Array:
    return jax.random.fold_in(_fold_in_name(key(0), "evaluation"), case)


@jax.jit
def hash_2x32(key: jax.Array, high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two words of random bits for each counter.

    Args:
        key: (2,) words.
        high: the counters' upper words.
        low: the counters' lower words, of the same shape.

    Source: J. Salmon, M. Moraes, R. Dror, D. Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC'11.
    """
    words = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    high, low = high + words[0], low + words[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            high = high + low
            low = ((low << bits) | (low >> (32 - bits))) ^ high
        high = high + words[(group + 1) % 3]
        low = low + words[(group + 2) % 3] + np.uint32(group + 1)
    return high, low


def _seed(seed: jax.Array) -> jax.Array:
    return jnp.stack([jnp.uint32(0), jnp.asarray(seed).astype(jnp.uint32)])


def _fold_in(key: jax.Array, data: int | jax.Array) -> jax.Array:
    return jnp.stack(hash_2x32(key, jnp.uint32(0), jnp.asarray(data).astype(jnp.uint32)))


def _split(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jnp.stack(_words(key, shape), axis=-1)


def _random_bits(key: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    high, low = _words(key, shape)
    if width not in _UINT:  # 64, which only a float64 case draws
        return (high.astype(jnp.uint64) << 32) | low.astype(jnp.uint64)
    return (high ^ low).astype(_UINT[width])


def _words(key: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    counters = jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    return hash_2x32(key, jnp.zeros_like(counters), counters)


IMPLEMENTATION: Hashable = define_prng_impl(
    key_shape=(2,), seed=_seed, split=_split, random_bits=_random_bits, fold_in=_fold_in, name=NAME, tag="fry"
)
