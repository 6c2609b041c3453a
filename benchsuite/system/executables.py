"""Compile a program for one device of a kind and load it for the others: undocumented parts of JAX, see `compat`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

#: The function of JAX that adds the options of a compilation to the key of its cache, and its argument.
_FUNCTION, _ARGUMENT = "_hash_serialized_compile_options", "strip_device_assignment"

#: Held while JAX has another function, which threads that compile at the same time would put back.
_REPLACED = Lock()


@contextmanager
def shared_by_devices() -> Iterator[None]:
    """Let one entry of JAX's compilation cache serve all devices of a kind inside the context.

    JAX does so on GPUs; on a CPU, where each core is a device, the number of the device is part of the key of an entry,
    and every core would compile the same program. Where this version of JAX has other functions nothing is changed.
    """
    from jax._src import cache_key

    with _REPLACED:
        function = getattr(cache_key, _FUNCTION, None)
        if function is None or _ARGUMENT not in inspect.signature(function).parameters:
            yield
            return
        setattr(cache_key, _FUNCTION, partial(_without_devices, function))
        try:
            yield
        finally:
            setattr(cache_key, _FUNCTION, function)


def _without_devices(function: Callable[..., None], hashed: Any, options: Any, **_: bool) -> None:
    function(hashed, options, **{_ARGUMENT: True})
