"""A case made ready to train: its schedule under the chosen protocol, and its data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial

import jax
import numpy as np

from benchsuite.case import Case, Schedule, Split, Stream, Table
from benchsuite.engine import data
from benchsuite.engine.loop import Data, Training, draw_evaluation_data, make_training
from benchsuite.errors import CaseError, wrap_errors
from benchsuite.results import case_label, schedule_for
from benchsuite.settings import TrainingSettings


@dataclass(frozen=True)
class Problem:
    """A case under a protocol, with its data on the host.

    Args:
        case: what to train.
        protocol: "source" or "quick".
        schedule: that of the protocol.
        data: the examples, as NumPy arrays.
        dataset: what the data are called.
        origin: where they come from, or why they are a stand-in.
        stand_in: whether they are one.
    """

    case: Case
    protocol: str
    schedule: Schedule
    data: Data
    dataset: str
    origin: str
    stand_in: bool

    @classmethod
    def load(cls, case: Case, settings: TrainingSettings) -> Problem:
        """Choose the schedule and load the data.

        Raises:
            DataError: the data cannot be had, or are damaged.
        """
        protocol, schedule = schedule_for(case, settings.protocol)
        if isinstance(case.dataset, Stream):
            rows = Data(None, jax.device_get(draw_evaluation_data(case, case.dataset)))
            return cls(case, protocol, schedule, rows, case.dataset.name, "drawn on the device", False)
        loaded = _loaded(case, case.dataset, settings)
        rows = Data(loaded.split.train, loaded.split.test)
        return cls(case, protocol, schedule, rows, loaded.label, loaded.origin, loaded.stand_in)

    @cached_property
    def training(self) -> Training:
        """The training of one seed, checked once.

        Raises:
            CaseError: a function of the case fails on its data, or gives a wrong shape.
        """
        return make_training(self.case, self.schedule, self.data)

    @cached_property
    def facts(self) -> dict[str, float]:
        """The case's diagnostics of its data, by name.

        Raises:
            CaseError: one of them fails.
        """
        facts = {}
        for diagnostic in self.case.diagnostics:
            if diagnostic.of_data is not None:
                with wrap_errors(partial(self._diagnostic_failed, diagnostic.name)):
                    facts[diagnostic.name] = float(diagnostic.of_data(Split(*self.data)))
        return facts

    def _diagnostic_failed(self, name: str, raised: str) -> CaseError:
        told = f"case {self.case.name}: its diagnostic {name!r} failed: {raised}"
        return CaseError(told, "let of_data turn a Split into a number")

    @cached_property
    def digest(self) -> str:
        """A digest of the examples that seeds are trained on and judged by; for a stream, of the latter."""
        digest = hashlib.sha256()
        for leaf in map(np.ascontiguousarray, jax.tree.leaves(self.data)):
            digest.update(f"{leaf.dtype.str} {leaf.shape} ".encode())
            digest.update(leaf.tobytes())
        return digest.hexdigest()[:16]

    @property
    def label(self) -> str:
        """The case with all that keeps its figures apart from others."""
        return case_label(self.case.id, self.protocol, self.stand_in)


def _loaded(case: Case, table: Table, settings: TrainingSettings) -> data.Loaded:
    failed = f"case {case.name}: loading {table.name} failed"
    with wrap_errors(lambda raised: CaseError(f"{failed}: {raised}", "mend the table's load")):
        loaded = data.load(table, settings.dataset, settings.data_dir)
    if not isinstance(loaded.split, Split):
        raise CaseError(f"case {case.name}: {table.name} is a {type(loaded.split).__name__}", "let load return a Split")
    for name, rows in loaded.split._asdict().items():
        lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(rows)}
        if len(lengths) != 1 or lengths & {(), (0,)}:
            raise CaseError(
                f"case {case.name}: the {name} rows of {table.name} have the lengths {sorted(lengths)}",
                "give every array the same number of examples along its first axis, and at least one",
            )
    return loaded
