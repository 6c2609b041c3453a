"""Datasets: a stream draws new examples at every step, a table has a finite number of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from benchsuite.case.schedule import EPOCHS, STEPS
from benchsuite.errors import require
from benchsuite.names import NAME, is_count, is_name

if TYPE_CHECKING:
    import jax

#: A batch as the model sees it: inputs and targets, examples along the first axis; any tree of arrays for an objective.
Batch = Any


def _as_they_are(rows: Any) -> Any:
    return rows


@dataclass(frozen=True, eq=False)
class Stream:
    """An infinite dataset: new examples are drawn on the device at every step.

    Args:
        draw: (key, n) → n rows, an array or a tree of arrays with n examples along the first axis; a pure JAX function.
        batch_size: examples in each optimiser step.
        evaluation_size: examples that all seeds are evaluated on, drawn once for the case.
        prepare: rows → (x, y), examples along the first axis, or the batch of an objective, any tree of arrays; by
            default the rows. Compute targets here instead of in `draw`: rows are kept in memory, while random numbers
            that both x and y depend on are drawn twice unless they are rows.

    Raises:
        CaseError: an argument is not a function, or not a positive whole number.
    """

    draw: Callable[[jax.Array, int], Any]
    batch_size: int
    evaluation_size: int = 4096
    prepare: Callable[[Any], Batch] = _as_they_are

    def __post_init__(self) -> None:
        require(callable(self.draw), "Stream.draw is not a function", "give a function (key, n) -> rows")
        require(callable(self.prepare), "Stream.prepare is not a function", "give a function rows -> (x, y)")
        for name in ("batch_size", "evaluation_size"):
            value = getattr(self, name)
            require(is_count(value), f"Stream.{name} is {value!r}", "give a whole number of at least 1")

    #: The unit of the schedule.
    unit = STEPS

    #: A stream has no files.
    download = None

    @property
    def definition(self) -> dict[str, Any]:
        """The names and numbers that define the examples, as plain JSON values."""
        sizes = {"batch_size": self.batch_size, "evaluation_size": self.evaluation_size}
        return {"dataset": self.name, **sizes, "files": {}}

    @property
    def name(self) -> str:
        """The name of the examples: the names of the functions that draw and prepare them."""
        as_drawn = inspect.unwrap(self.prepare) is _as_they_are  # a treatment may have wrapped it
        functions = [self.draw] if as_drawn else [self.draw, self.prepare]
        names = [getattr(function, "__name__", type(function).__name__) for function in functions]
        return "_".join(name for name in names if is_name(name)) or "data"


class Split(NamedTuple):
    """Training and evaluation examples: arrays, or trees of arrays, with the examples along the first axis."""

    train: Any
    test: Any


@dataclass(frozen=True)
class Download:
    """The files of a dataset, and the addresses to download them from.

    Args:
        mirrors: base addresses, tried in order; each ends in "/".
        sha256: file name → digest of the uncompressed content, since mirrors compress differently.
    """

    mirrors: Sequence[str]
    sha256: Mapping[str, str]

    def __post_init__(self) -> None:
        require(
            isinstance(self.mirrors, list | tuple) and bool(self.mirrors),
            f"Download.mirrors is {self.mirrors!r}",
            "give a list of at least one base address",
        )
        for mirror in self.mirrors:
            require(
                isinstance(mirror, str) and mirror.endswith("/"),
                f"Download has the mirror {mirror!r}",
                'give a base address that ends in "/"',
            )
        for name in self.sha256:
            require(NAME.fullmatch(name) is not None, f"Download names the file {name!r}", "give a plain file name")


@dataclass(frozen=True, eq=False)
class Table:
    """A finite dataset, loaded when it is first needed, and reshuffled for every seed and epoch.

    The last batch of an epoch may be shorter; its gradient is that of its own mean.

    Args:
        name: name of the dataset, and of the folder with its files.
        load: {file name: uncompressed content} → Split; the mapping is empty without `download`.
        batch_size: examples in each optimiser step.
        prepare: rows → (x, y), or the batch of an objective, applied on the device; by default the rows.
        download: the files that `load` needs.
        stand_in: () → Split of the same shape, synthetic data for machines without the files; their results are
            labelled and never compared with those of the files.

    Raises:
        CaseError: an argument is not a function, a valid name or a positive whole number.
    """

    name: str
    load: Callable[[Mapping[str, bytes]], Split]
    batch_size: int
    prepare: Callable[[Any], Batch] = _as_they_are
    download: Download | None = None
    stand_in: Callable[[], Split] | None = None

    def __post_init__(self) -> None:
        require(is_name(self.name), f"Table.name is {self.name!r}", "use letters, digits and single - _ or .")
        require(callable(self.load), "Table.load is not a function", "give a function (files) -> Split")
        require(is_count(self.batch_size), f"Table.batch_size is {self.batch_size!r}", "give a whole number ≥ 1")
        require(callable(self.prepare), "Table.prepare is not a function", "give a function rows -> (x, y)")
        require(
            self.stand_in is None or callable(self.stand_in), "Table.stand_in is not a function", "give one or None"
        )

    #: The unit of the schedule.
    unit = EPOCHS

    @property
    def definition(self) -> dict[str, Any]:
        """The names and numbers that define the examples, as plain JSON values."""
        files = dict(self.download.sha256) if self.download else {}
        return {"dataset": self.name, "batch_size": self.batch_size, "evaluation_size": None, "files": files}
