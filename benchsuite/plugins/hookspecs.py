"""Specify the hooks that a plugin can implement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from benchsuite.case import Case
    from benchsuite.plugins.observer import RunObserver
    from benchsuite.variants import Ladder, Treatment

PROJECT = "benchsuite"

#: Marks a function of a plugin as the implementation of the hook of the same name.
hookimpl = pluggy.HookimplMarker(PROJECT)
_hookspec = pluggy.HookspecMarker(PROJECT)


@_hookspec
def benchsuite_cases() -> Iterable[Case | Ladder]:  # type: ignore[empty-body]  # a hook specification has no body
    """Supply cases, and ladders of cases, whose names must be unique among all plugins.

    Example:
        A module `line.py`, found through the entry point ``line = "line"`` of group ``benchsuite``::

            from functools import partial
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
                    optimizer=partial(optax.sgd, learning_rate=0.1),
                    schedule=Schedule(steps=200, evaluate_every=20),
                )
    """


@_hookspec
def benchsuite_treatments() -> Iterable[Treatment]:  # type: ignore[empty-body]  # as above
    """Supply treatments: changes for cases of any plugin, with names unique among all plugins.

    Example:
        A module `clipping.py`, found through the entry point ``clipping = "clipping"`` of group ``benchsuite``::

            from dataclasses import replace
            from functools import partial
            import optax
            from benchsuite import DoesNotApply, Treatment, hookimpl

            def clipped(make, norm):
                return optax.chain(optax.clip_by_global_norm(norm), make())

            def clip(case, norm=1.0):
                if not case.optimizer_options:
                    raise DoesNotApply("its optimiser has no options")
                return replace(case, optimizer=partial(clipped, case.optimizer, norm))

            @hookimpl
            def benchsuite_treatments():
                yield Treatment(
                    name="clip",
                    summary="Gradients are clipped to a norm of 1.",
                    source="https://arxiv.org/abs/1211.5063",
                    change=clip,
                )
    """


@_hookspec
def benchsuite_observers() -> Iterable[RunObserver]:  # type: ignore[empty-body]  # as above
    """Supply observers, which are called when a run starts, and after every round and case.

    Example:
        A module `chime.py`, found through the entry point ``chime = "chime"`` of group ``benchsuite``::

            from benchsuite import RunObserver, hookimpl

            class Chime(RunObserver):
                def case_finished(self, event):
                    rates = [summary["rate"] for summary in event.summaries]
                    print(f"{event.case}: {event.error or rates}")

            @hookimpl
            def benchsuite_observers():
                yield Chime()
    """
