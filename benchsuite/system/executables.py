"""Compile a program for one device of a kind and load it for the others: undocumented parts of JAX, see `compat`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shared_by_devices() -> Iterator[None]:
    """Let one entry of JAX's compilation cache serve all devices of a kind inside the context.

    JAX does so on GPUs; on a CPU, where each core is a device, the number of the device is part of the key of an entry,
    and every core would compile the same program. Where this version of JAX has other functions nothing is changed.
    """
    from jax._src import cache_key

    keyed = getattr(cache_key, "_hash_serialized_compile_options", None)
    if keyed is None:
        yield
        return
    cache_key._hash_serialized_compile_options = lambda hashed, options, **_: keyed(  # noqa: SLF001
        hashed, options, strip_device_assignment=True
    )
    try:
        yield
    finally:
        cache_key._hash_serialized_compile_options = keyed  # noqa: SLF001
