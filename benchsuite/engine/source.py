"""Examples on the device: what the engine does differently for streams and for tables.

`source_of` chooses the class for a dataset, once; everything else in the engine treats all datasets alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from benchsuite import data
from benchsuite.case import Case, Schedule, Split, Stream, Table
from benchsuite.engine import prng
from benchsuite.engine.model import blamed, guard
from benchsuite.engine.objective import Metrics
from benchsuite.errors import CaseError, wrap_errors
from benchsuite.settings import AUTO

#: Examples of a table that are checked together.
_CHECKED_TOGETHER = 10_000


#: (state, batch) → (state, metrics before the update)
Step = Callable[[Any, Any], tuple[Any, Metrics]]

#: (key, state, period, data) → (state, metrics of the period)
Period = Callable[[jax.Array, Any, jax.Array, Split], tuple[Any, Metrics]]


class Source(Protocol):
    """Loads the examples of a case, and gives them to an optimiser step."""

    def load(self, case: Case, choice: str = AUTO, folder: Path | None = None) -> data.Loaded:
        """Draw or load the examples; the arguments are those of `data.load_table`."""

    def steps_per_unit(self, rows: Split) -> int:
        """Count the optimiser steps in one unit of the schedule: a step or an epoch."""

    def check(self, case: Case, rows: Split) -> None:
        """Check that batches can be made of the examples."""

    def prepare(self, rows: Any) -> Any:
        """Make a batch of rows."""

    def period(self, every: int, step: Step, rows: Split) -> Period:
        """Make the function that trains from one evaluation to the next, `every` units of the schedule."""

    def batch(self, case: str, seed: int, step: int) -> Any:
        """Draw the rows that a seed trains on at a step; None where rows are not drawn."""

    def examples(self, case: Case, rows: Split) -> Iterator[tuple[str, Any, int]]:
        """Iterate over examples in parts that fit into memory: what they are, the rows, and how many are expected."""

    def shortened(self, case: Case, rows: Split, steps: int, batches: int, seeds: int) -> Case:
        """Make the case with two evaluations after few steps, or on few batches of a table and a short one."""


@singledispatch
def source_of(dataset: Any) -> Source:
    """Choose the source for the kind of a dataset.

    Raises:
        CaseError: it is neither a stream nor a table.
    """
    raise CaseError(f"a dataset is a {type(dataset).__name__}", "use a Stream or a Table")


@source_of.register
def _(dataset: Stream) -> Source:
    return StreamSource(dataset)


@source_of.register
def _(dataset: Table) -> Source:
    return TableSource(dataset)


@source_of.register
def _(dataset: None) -> Source:
    del dataset
    return NullSource()


@dataclass(frozen=True)
class NullSource:
    """No examples: the batch is (), and the schedule counts steps."""

    def load(self, case: Case, choice: str = AUTO, folder: Path | None = None) -> data.Loaded:
        """Load nothing."""
        del choice, folder
        return data.Loaded(Split((), ()), case.data_name, "no data")

    def steps_per_unit(self, rows: Split) -> int:
        """Count the optimiser steps in a step: 1."""
        del rows
        return 1

    def check(self, case: Case, rows: Split) -> None:
        """Accept everything: there is nothing to check."""

    def prepare(self, rows: Any) -> Any:
        """Return the empty batch."""
        return rows

    def period(self, every: int, step: Step, rows: Split) -> Period:
        """Make the function that trains for `every` steps; training metrics are means over them."""
        del rows

        def run_steps(key: jax.Array, state: Any, period: jax.Array, _: Split) -> tuple[Any, Metrics]:
            del key, period
            state, metrics = jax.lax.scan(lambda state, _: step(state, ()), state, length=every)
            return state, jax.tree.map(jnp.mean, metrics)

        return run_steps

    def batch(self, case: str, seed: int, step: int) -> Any:
        """Draw nothing."""

    def examples(self, case: Case, rows: Split) -> Iterator[tuple[str, Any, int]]:
        """Iterate over nothing."""
        del case, rows
        yield from ()

    def shortened(self, case: Case, rows: Split, steps: int, batches: int, seeds: int) -> Case:
        """Make the case with two evaluations, at most `steps` steps apart."""
        del rows, batches
        return _few_steps(case, steps, seeds)


def _few_steps(case: Case, steps: int, seeds: int) -> Case:
    every = min(case.schedule.evaluate_every, steps)
    return replace(case, schedule=Schedule(steps=2 * every, evaluate_every=every, seeds=seeds), quick=None)


@dataclass(frozen=True)
class StreamSource:
    """Examples that are drawn at every step."""

    stream: Stream

    def load(self, case: Case, choice: str = AUTO, folder: Path | None = None) -> data.Loaded:
        """Draw the examples that every seed is evaluated on.

        Raises:
            CaseError: drawing them fails.
        """
        del choice, folder
        key = prng.evaluation_key(case.name)
        hint = "call draw(key, n) of the Stream by hand to see the traceback"
        rows = guard(case, "data", lambda: self.stream.draw(key, self.stream.evaluation_size), hint)
        for leaf in jax.tree.leaves(rows) or [rows]:
            if not isinstance(leaf, jax.Array):
                raise CaseError(f"case {case.id}: its data contain a {type(leaf).__name__}", "draw arrays of JAX")
        return data.Loaded(Split(None, jax.device_get(rows)), self.stream.name, "drawn on the device")

    def steps_per_unit(self, rows: Split) -> int:
        """Count the optimiser steps in a step: 1."""
        del rows
        return 1

    def check(self, case: Case, rows: Split) -> None:
        """Accept any stream: batches of any size can be drawn."""

    def prepare(self, rows: Any) -> Any:
        """Make a batch of rows by the function of the stream."""
        return blamed("dataset's prepare", self.stream.prepare)(rows)

    def period(self, every: int, step: Step, rows: Split) -> Period:
        """Make the function that trains for `every` steps; training metrics are means over them."""
        del rows
        stream, drawn = self.stream, blamed("dataset's draw", self.stream.draw)

        def run_steps(key: jax.Array, state: Any, period: jax.Array, _: Split) -> tuple[Any, Metrics]:
            def draw(number: jax.Array) -> Any:
                return drawn(jax.random.fold_in(key, number), stream.batch_size)

            def run_step(state: Any, number: jax.Array) -> tuple[Any, Metrics]:
                return step(state, self.prepare(drawn_once(draw, number)))

            state, metrics = jax.lax.scan(run_step, state, period * every + jnp.arange(every))
            return state, jax.tree.map(jnp.mean, metrics)

        return run_steps

    def batch(self, case: str, seed: int, step: int) -> Any:
        """Draw the rows that a seed trains on at a step, on the host."""
        key = jax.random.fold_in(prng.data_key(case, seed), step)
        return jax.device_get(self.stream.draw(key, self.stream.batch_size))

    def examples(self, case: Case, rows: Split) -> Iterator[tuple[str, Any, int]]:
        """Iterate over a batch and the evaluation examples."""
        key = jax.random.fold_in(prng.data_key(case.name, 0), 0)
        yield "a batch", self.stream.draw(key, self.stream.batch_size), self.stream.batch_size
        yield "the evaluation data", rows.test, self.stream.evaluation_size

    def shortened(self, case: Case, rows: Split, steps: int, batches: int, seeds: int) -> Case:
        """Make the case with two evaluations, at most `steps` steps apart."""
        del rows, batches
        return _few_steps(case, steps, seeds)


@dataclass(frozen=True)
class TableSource:
    """Examples that are loaded once, and reshuffled for every seed and epoch."""

    table: Table

    def load(self, case: Case, choice: str = AUTO, folder: Path | None = None) -> data.Loaded:
        """Load the examples.

        Raises:
            DataError: the files are missing or damaged.
            CaseError: the table's function fails, or returns something other than arrays of one length.
        """
        failed = f"case {case.name}: loading {self.table.name} failed"
        with wrap_errors(lambda raised: CaseError(f"{failed}: {raised}", "fix the table's load")):
            loaded = data.load_table(self.table, choice, folder)
        if not isinstance(loaded.split, Split):
            raise CaseError(
                f"case {case.name}: {self.table.name} is a {type(loaded.split).__name__}", "return a Split from load"
            )
        for name, rows in loaded.split._asdict().items():
            lengths = {getattr(leaf, "shape", ())[:1] for leaf in jax.tree.leaves(rows)}
            if len(lengths) != 1 or lengths & {(), (0,)}:
                raise CaseError(
                    f"case {case.name}: the {name} rows of {self.table.name} have the lengths {sorted(lengths)}",
                    "give every array the same number of examples along its first axis, and at least one",
                )
        return loaded

    def steps_per_unit(self, rows: Split) -> int:
        """Count the optimiser steps in an epoch; a short last batch is one of them."""
        return -(-_count(rows.train) // self.table.batch_size)

    def check(self, case: Case, rows: Split) -> None:
        """Check that the table has enough rows for one batch.

        Raises:
            CaseError: it has fewer.
        """
        count = _count(rows.train)
        if self.table.batch_size > count:
            raise CaseError(
                f"case {case.id}: batches of {self.table.batch_size} from {count} training examples",
                f"choose a batch_size of at most {count}",
            )

    def prepare(self, rows: Any) -> Any:
        """Make a batch of rows by the function of the table."""
        return blamed("dataset's prepare", self.table.prepare)(rows)

    def period(self, every: int, step: Step, rows: Split) -> Period:
        """Make the function that trains for `every` epochs, each over all rows in a new order.

        The training metrics are those of the last epoch: means over examples, each batch before its update, as Keras
        reports them (`BaseLogger` in keras/callbacks.py of 2.2.4). The short last batch is a step of its own.
        """
        table, count = self.table, _count(rows.train)
        size = table.batch_size
        full, short = divmod(count, size)

        def run_epochs(key: jax.Array, state: Any, period: jax.Array, rows: Split) -> tuple[Any, Metrics]:
            def run_batch(state: Any, chosen: jax.Array) -> tuple[Any, Metrics]:
                return step(state, self.prepare(jax.tree.map(lambda column: column[chosen], rows.train)))

            def run_epoch(state: Any, number: jax.Array) -> tuple[Any, Metrics]:
                order = jax.random.permutation(jax.random.fold_in(key, number), count)
                state, metrics = jax.lax.scan(run_batch, state, order[: full * size].reshape(full, size))
                total = jax.tree.map(lambda batches: batches.sum() * size, metrics)
                if short:
                    state, last = run_batch(state, order[full * size :])
                    total = jax.tree.map(lambda so_far, batch: so_far + batch * short, total, last)
                return state, jax.tree.map(lambda value: value / count, total)

            state, metrics = jax.lax.scan(run_epoch, state, period * every + jnp.arange(every))
            return state, jax.tree.map(lambda epochs: epochs[-1], metrics)

        return run_epochs

    def batch(self, case: str, seed: int, step: int) -> Any:
        """Draw nothing: all seeds train on the same rows, in another order."""

    def examples(self, case: Case, rows: Split) -> Iterator[tuple[str, Any, int]]:
        """Iterate over all rows, in parts."""
        del case
        for what, part in (("the training data", rows.train), ("the evaluation data", rows.test)):
            count = _count(part)
            for first in range(0, count, _CHECKED_TOGETHER):
                last = min(first + _CHECKED_TOGETHER, count)
                yield what, _cut(part, first, last), last - first

    def shortened(self, case: Case, rows: Split, steps: int, batches: int, seeds: int) -> Case:
        """Make the case with two epochs of so many batches and a short one, evaluated on all rows."""
        del steps
        split = Split(_cut(rows.train, 0, batches * self.table.batch_size + 1), rows.test)
        few = replace(self.table, load=lambda _: split, download=None, stand_in=None)
        return replace(case, dataset=few, schedule=Schedule(epochs=2, seeds=seeds), quick=None)


def _count(rows: Any) -> int:
    return len(jax.tree.leaves(rows)[0])


def _cut(rows: Any, first: int, last: int) -> Any:
    return jax.tree.map(lambda column: column[first:last], rows)


def drawn_once(draw: Callable[[jax.Array], Any], number: jax.Array) -> Any:
    """Call `draw` with a number of at least 0, and keep XLA from repeating the call for each use of its result.

    On a CPU, where XLA ignores optimisation barriers, only a branch prevents the repetition; on other platforms a
    branch would make the host wait for the device.
    """

    def in_branch(number: jax.Array) -> Any:
        def empty(_: jax.Array) -> Any:
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(draw, number))

        return jax.lax.cond(number >= 0, draw, empty, number)

    def behind_barrier(number: jax.Array) -> Any:
        return jax.lax.optimization_barrier(draw(number))

    return jax.lax.platform_dependent(number, cpu=in_branch, default=behind_barrier)
