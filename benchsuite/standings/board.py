"""A board: its definition, its rows, and all figures that are computed from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.errors import OptionError, StoreError
from benchsuite.results import Result
from benchsuite.standings.cell import Cell
from benchsuite.standings.pairs import adjust_pairs, all_pairs, compare_entries
from benchsuite.standings.score import (
    THRESHOLDS,
    EntryCost,
    EntryScore,
    OrderCheck,
    Ranking,
    check_order,
    cost_of,
    pair_ranks,
)
from benchsuite.system import files
from benchsuite.tuning import TWICE, BoardOptions, Entry, EntryRows, Rules, Space, choose_settings, rates_of_best

if TYPE_CHECKING:
    import numpy as np

DEFINITION, FIGURES, ROWS = "definition.json", "board.json", "rows"

_HINT = "make room, or choose another folder"


@dataclass(frozen=True)
class BoardDefinition:
    """What a board compares, and how.

    Args:
        options: rules, seeds and reference.
        entries: in the order in which they were added.
        cases: case → its family and version, which says whether rows still belong to it.
        training: the settings of the training that rows depend on.
    """

    options: BoardOptions
    entries: Sequence[Entry]
    cases: Mapping[str, Mapping[str, str]]
    training: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return {
            "options": self.options.to_json(),
            "training": dict(self.training),
            "cases": {name: dict(about) for name, about in self.cases.items()},
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def read(cls, folder: Path) -> BoardDefinition | None:
        """Read the definition of a board; None where there is none.

        Raises:
            StoreError: it is damaged.
        """
        path = folder / DEFINITION
        if not path.exists():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            entries = [Entry(**{**one, "space": Space.parse(one["space"])}) for one in values["entries"]]
            return cls(BoardOptions.parse(values["options"]), entries, values["cases"], values["training"])
        except (OSError, ValueError, KeyError, TypeError, OptionError) as error:
            raise StoreError(f"{path} cannot be read: {error}", "restore it, or start another board") from error

    def write(self, folder: Path) -> None:
        """Write it into the folder of the board.

        Raises:
            StoreError: it cannot be written.
        """
        content = json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"
        files.write(folder / DEFINITION, content.encode(), _HINT)

    def extended(self, other: BoardDefinition) -> BoardDefinition:
        """Add the new entries and cases of another definition; rows that exist keep their meaning.

        Raises:
            OptionError: an entry, case, seed or setting of the training differs.
        """
        for what, before, now in self._differences(other):
            raise OptionError(
                f"the board has {what} {before}, and now {now} is given", "choose another folder, or omit the change"
            )
        names = {entry.name for entry in self.entries}
        added = [entry for entry in other.entries if entry.name not in names]
        rules = sorted({*self.options.rules, *other.options.rules})
        reference, twice = other.options.reference or self.options.reference, other.options.twice or self.options.twice
        options = replace(self.options, rules=rules, reference=reference, twice=twice)
        return replace(self, options=options, entries=[*self.entries, *added], cases={**self.cases, **other.cases})

    def _differences(self, other: BoardDefinition) -> list[tuple[str, Any, Any]]:
        mine, theirs = self.options.to_json(), other.options.to_json()
        options = ("settings", "tune_seeds", "judge_seeds", "budget")
        found = [(name.replace("_", " "), mine[name], theirs[name]) for name in options]
        found += [(name, value, other.training.get(name)) for name, value in self.training.items()]
        found += [
            (f"case {name} in version", about["version"], other.cases[name]["version"])
            for name, about in self.cases.items()
            if name in other.cases
        ]
        entries = {entry.name: entry.to_json() for entry in other.entries}
        found += [
            (f"entry {entry.name} as", entry.to_json(), entries[entry.name])
            for entry in self.entries
            if entry.name in entries
        ]
        return [(what, before, now) for what, before, now in found if before != now]


@dataclass(frozen=True, eq=False)
class Board:
    """All figures of a board, computed from its rows.

    Args:
        definition: what is compared.
        rows: entry → its rows.
    """

    definition: BoardDefinition
    rows: Mapping[str, EntryRows]

    @classmethod
    def open(cls, folder: Path) -> Board:
        """Open the board in a folder.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        definition = BoardDefinition.read(folder)
        if definition is None:
            raise StoreError(f"there is no board in {folder}", "name the entries to make one")
        return cls(definition, rows_of(folder, definition.entries))

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries by name."""
        return {entry.name: entry for entry in self.definition.entries}

    @cached_property
    def rankings(self) -> list[Ranking]:
        """The entries under each set of rules."""
        return [self._ranking(rules) for rules in self.definition.options.rules]

    @cached_property
    def best_rates(self) -> dict[str, list[float]]:
        """Entry → the expected rate of the best of 1, 2, … settings; only entries whose tuning is complete."""
        settings = self.definition.options.settings
        found = {}
        for name in self.rows:
            tuned = self._tuned(name)
            if tuned.keys() >= self.definition.cases.keys():
                found[name] = rates_of_best(tuned, range(1, settings + 1))
        return found

    @cached_property
    def notes(self) -> list[str]:
        """What a reader must know: missing cells, and libraries of different versions."""
        found = [
            f"{cell.entry} is not ranked ({ranking.rules}): {cell.case}: {cell.reason}"
            for ranking in self.rankings
            for score in ranking.scores
            for cell in score.cells
            if not cell.is_complete
        ]
        versions = {name: rows.versions for name, rows in self.rows.items() if rows.versions}
        for library in dict.fromkeys(library for of in versions.values() for library in of):
            by_version: dict[str, list[str]] = {}
            for entry, of in versions.items():
                by_version.setdefault(of.get(library, "none"), []).append(entry)
            if len(by_version) > 1:
                parts = (f"{', '.join(entries)} with {library} {version}" for version, entries in by_version.items())
                found.append(f"libraries of different versions: {'; '.join(parts)}")
        if len(self.definition.cases) == 1:
            found.append("a single case: the board says nothing about others")
        return found

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return {
            "definition": self.definition.to_json(),
            "notes": self.notes,
            "rankings": [ranking.to_json() for ranking in self.rankings],
            "best_rates": self.best_rates,
        }

    def to_text(self) -> str:
        """All figures as JSON text."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"

    def _tuned(self, entry: str) -> dict[str, dict[int, Result]]:
        return self.rows[entry].tuning(self.definition.options.settings)

    def _cells(self, entry: Entry, rules: Rules) -> list[Cell]:
        if not rules.number and entry.default is None:
            why = "no default setting is declared"
            return [
                Cell(entry.name, case, about["family"], None, "", None, 0, why)
                for case, about in self.definition.cases.items()
            ]
        chosen = choose_settings(entry, rules, self._tuned(entry.name))
        return [self._cell(entry, case, chosen.get(case, chosen.get(""))) for case in self.definition.cases]

    def _cell(self, entry: Entry, case: str, setting: int | None) -> Cell:
        rows, wanted = self.rows[entry.name], len(self.definition.options.judge_seeds)
        result = None if setting is None else rows.judging(case, setting)
        reason = "" if result and len(result.rows) >= wanted else rows.reason(case)
        options = "" if setting is None else entry.label(setting)
        family = self.definition.cases[case]["family"]
        return Cell(entry.name, case, family, setting, options, result, wanted, reason)

    def _ranking(self, rules: Rules) -> Ranking:
        cells = {name: self._cells(entry, rules) for name, entry in self.entries.items()}
        scores = [EntryScore(name, of, self._cost(name, of, rules)) for name, of in cells.items()]
        whole = {score.entry: cells[score.entry] for score in scores if score.is_complete}
        pairs = adjust_pairs(all_pairs(whole), together=True)
        ranks = pair_ranks(list(whole), pairs)
        scores = [replace(score, rank=ranks.get(score.entry)) for score in scores]
        scores.sort(key=lambda score: -1.0 if score.score is None else score.score, reverse=True)
        return Ranking(rules, scores, pairs, self._against(cells), self._checks(whole, pairs))

    def _against(self, cells: Mapping[str, Sequence[Cell]]) -> list[Any]:
        reference = self.definition.options.reference
        if reference not in cells:
            return []
        others = (compare_entries(of, cells[reference]) for name, of in cells.items() if name != reference)
        return adjust_pairs([pair for pair in others if pair], together=False)

    def _cost(self, entry: str, cells: Sequence[Cell], rules: Rules) -> EntryCost:
        cost, tuned = cost_of(cells), self._tuned(entry) if rules.number else {}
        used = [one for of in tuned.values() for number, one in of.items() if number <= rules.number]
        return replace(
            cost,
            tune_trainings=sum(len(one.rows) for one in used),
            tune_steps=sum(float(len(one.rows) * one.summary.time_to_success["censored_at"]) for one in used),
            tune_seconds=sum(one.summary.device_seconds for one in used),
        )

    def _checks(self, cells: Mapping[str, Sequence[Cell]], pairs: Sequence[Any]) -> list[OrderCheck]:
        definitions: dict[str, Callable[[Cell], Any]] = {
            f"R² ≥ {bound:g}": partial(Cell.at_threshold, bound=bound) for bound in THRESHOLDS
        }
        found = [check_order(name, cells, pairs, success) for name, success in definitions.items()]
        steady = {name: of for name, of in cells.items() if not self.entries[name].is_decaying}
        if len(steady) > 1 and all(cell.at_share(0.5) is not None for of in steady.values() for cell in of):
            kept = [pair for pair in pairs if pair.entry in steady and pair.reference in steady]
            found.append(check_order("half the steps", steady, kept, partial(Cell.at_share, share=0.5)))
        found.append(self._check_twice(cells, pairs))
        return [check for check in found if check] if len(cells) > 1 else []

    def _check_twice(self, cells: Mapping[str, Sequence[Cell]], pairs: Sequence[Any]) -> OrderCheck | None:
        """Check the order after twice the steps in the cases where all entries have such rows."""
        longer = {
            (name, cell.case): replace(cell, result=self.rows[name].judging(cell.case, cell.setting, TWICE))
            for name, of in cells.items()
            for cell in of
        }
        cases = [case for case in self.definition.cases if all(longer[name, case].is_complete for name in cells)]

        def success(cell: Cell) -> np.ndarray | None:
            return longer[cell.entry, cell.case].converged if cell.case in cases else None

        where = f"twice the steps in {len(cases)} case{'' if len(cases) == 1 else 's'}"
        return check_order(where, cells, pairs, success) if cases else None


def rows_of(folder: Path, entries: Sequence[Entry]) -> dict[str, EntryRows]:
    """The rows of each entry of a board: its name → its rows."""
    return {entry.name: EntryRows(folder / ROWS / entry.name) for entry in entries}
