"""Make a board: train what its rows lack, and compute its figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchsuite.case import Case, case_version
from benchsuite.errors import BenchsuiteError, OptionError, near_matches
from benchsuite.execution import ShowProgress
from benchsuite.plugins import Registry
from benchsuite.results import schedule_for
from benchsuite.settings import TrainingSettings
from benchsuite.standings.board import FIGURES, Board, BoardDefinition, rows_of
from benchsuite.system import files
from benchsuite.tuning import BoardOptions, BoardTraining, Entry

#: Settings of the training that rows depend on.
_TRAINING = ("protocol", "precision", "dtype", "dataset")


@dataclass(frozen=True)
class Contest:
    """Entries, cases and options of a board that is made or continued in a folder.

    Args:
        registry: the plugins.
        training: how to train.
        options: of the board.
        entries: to add to it.
        cases: to add to it.
        folder: of the board.
    """

    registry: Registry
    training: TrainingSettings
    options: BoardOptions
    entries: Sequence[Entry]
    cases: Sequence[Case]
    folder: Path

    @cached_property
    def definition(self) -> BoardDefinition:
        """The definition of the board, with the entries and cases that the folder has already.

        Raises:
            OptionError: there are fewer than two entries or no cases, names are not unique, or something differs from
                what the folder has.
            StoreError: the folder is damaged.
        """
        names = [entry.name for entry in self.entries]
        if twice := [name for name in names if names.count(name) > 1]:
            raise OptionError(f"two entries are named {twice[0]}", "give them names, in TOML files")
        training = {name: getattr(self.training, name) for name in _TRAINING}
        given = BoardDefinition(
            self.options, self.entries, {case.name: self._about(case) for case in self.cases}, training
        )
        before = BoardDefinition.read(self.folder)
        definition = before.extended(given) if before else given
        names = [entry.name for entry in definition.entries]
        if len(names) < 2:  # noqa: PLR2004  # one cannot be compared
            raise OptionError(f"{len(names)} entry is given; a comparison needs two", "add another entry")
        if not definition.cases:
            raise OptionError("no case is given", "name one")
        reference = definition.options.reference
        if reference and reference not in names:
            raise OptionError(f"the reference {reference!r} is no entry", near_matches(reference, names))
        return definition

    def _about(self, case: Case) -> dict[str, str]:
        _, schedule = schedule_for(case, self.training.protocol)
        return {"family": case.family or case.name, "version": case_version(case, schedule)}

    def prepared(self, show: ShowProgress, on_failure: Callable[[BenchsuiteError], None]) -> BoardTraining:
        """Check all that can be checked before training.

        Raises:
            OptionError: an entry cannot be made, or applies to no case.
        """
        definition = self.definition
        made = {entry.name: entry for entry in self.entries}
        entries = [made.get(entry.name, entry) for entry in definition.entries]
        known = {case.name: case for case in self.cases}
        cases = [known.get(name) or self.registry.case(name) for name in definition.cases]
        rows = rows_of(self.folder, entries)
        training = BoardTraining(
            self.registry, self.training, definition.options, entries, cases, rows, show, on_failure
        )
        training.check()
        return training

    def make(self, show: ShowProgress, on_failure: Callable[[BenchsuiteError], None]) -> Board:
        """Train what is missing, and compute the board.

        Raises:
            OptionError: an entry, case or option cannot be used.
            StoreError: the folder cannot be read or written.
            KeyboardInterrupt: it was interrupted; the same call continues.
        """
        training = self.prepared(show, on_failure)
        self.definition.write(self.folder)
        training.train()
        return write_figures(self.folder)


def write_figures(folder: Path) -> Board:
    """Compute the figures of a board from its rows, and write them as JSON.

    Raises:
        StoreError: there is no board, or it cannot be read or written.
    """
    board = Board.open(folder)
    files.write(folder / FIGURES, board.to_text().encode(), "make room, or choose another folder")
    return board


def differs_from_rows(folder: Path) -> bool:
    """Whether the figures that are stored differ from those that the rows give by more than the rounding of sums.

    Raises:
        StoreError: there is no board, or it cannot be read.
    """
    path, now = folder / FIGURES, Board.open(folder).to_text()
    try:
        return not _alike(json.loads(path.read_text(encoding="utf-8")), json.loads(now))
    except (FileNotFoundError, ValueError):  # there are none, or not as JSON
        return True


def _alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same but for the last bits of numbers, which differ between processors."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)
