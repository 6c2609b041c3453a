"""The hooks that a plugin may implement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from benchsuite.case import Case

PROJECT = "benchsuite"

#: Marks a function of a plugin as the implementation of the hook it is named after.
hookimpl = pluggy.HookimplMarker(PROJECT)
_hookspec = pluggy.HookspecMarker(PROJECT)


@_hookspec
def benchsuite_cases() -> Iterable[Case]:  # type: ignore[empty-body]  # a hook specification has no body
    """Supply cases. Names must be unique among all plugins.

    Example:
        A module `line.py`, found through the entry point ``line = "line"`` of group ``benchsuite``::

            import jax
            import optax
            from flax import nnx
            from benchsuite import Case, Schedule, Stream, hookimpl

            def noisy_line(key, n):
                x, noise = jax.random.normal(key, (2, n, 1))
                return x, 3 * x + 1 + 0.01 * noise

            @hookimpl
            def benchsuite_cases():
                yield Case(
                    name="line",
                    summary="A linear unit learns a line.",
                    source="https://example.org/line",
                    model=lambda rngs: nnx.Linear(1, 1, rngs=rngs),
                    dataset=Stream(noisy_line, batch_size=32),
                    optimizer=optax.sgd(0.1),
                    schedule=Schedule(steps=200, evaluate_every=20),
                )
    """
