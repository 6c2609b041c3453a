"""The rows of an entry: run folders of its tuning and of its judging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.results import NOT_RUN, Result, Untrained
from benchsuite.seeds import SeedNumbers
from benchsuite.store import RunFolder, read_results
from benchsuite.tuning.entry import SETTING

#: The stages of a board: choose settings, judge them, and judge them after twice the steps.
TUNING, JUDGING, TWICE = "tuning", "judging", "twice"

#: case → setting → its results.
Settled = Mapping[str, Mapping[int, Result]]


@dataclass
class EntryRows:
    """What is stored of an entry.

    Args:
        path: its folder.
    """

    path: Path
    _read: dict[str, list[Result]] = field(default_factory=dict)

    def folder(self, stage: str) -> Path:
        """The run folder of a stage."""
        return self.path / stage

    def exists(self, stage: str) -> bool:
        """Whether the stage has begun."""
        return (self.folder(stage) / "run.json").exists()

    def forget(self) -> None:
        """Read the files again when they are needed."""
        self._read.clear()

    def results(self, stage: str) -> list[Result]:
        """The results of a stage; none before it has begun.

        Raises:
            StoreError: a file is damaged.
        """
        if stage not in self._read:
            self._read[stage] = read_results(RunFolder(self.folder(stage))) if self.exists(stage) else []
        return self._read[stage]

    def tuning(self, settings: int) -> dict[str, dict[int, Result]]:
        """The tuned settings of each case, up to a number; those of a case that lacks seeds of one are left out."""
        found: dict[str, dict[int, Result]] = {}
        for result in self.results(TUNING):
            if (setting := _setting(result)) <= settings:
                found.setdefault(result.summary.case, {})[setting] = result
        seeds = {case: {len(result.rows) for result in of.values()} for case, of in found.items()}
        most = max((max(numbers) for numbers in seeds.values()), default=0)
        return {case: of for case, of in found.items() if len(of) == settings and seeds[case] == {most}}

    def judging(self, case: str, setting: int | None, stage: str = JUDGING) -> Result | None:
        """The judged rows of a setting, or those of twice the steps; None where there are none."""
        of_case = (result for result in self.results(stage) if result.summary.case == case)
        return next((result for result in of_case if _setting(result) == setting), None)

    def finished(self, stage: str, treatment: str, settings: Sequence[int], seeds: SeedNumbers) -> set[str]:
        """The cases of which all seeds of all settings of a treatment are stored."""
        found: dict[str, set[int]] = {}
        for result in self.results(stage):
            summary = result.summary
            if summary.treatment == treatment and np.isin(seeds.as_array(), result.rows.seeds).all():
                found.setdefault(summary.case, set()).add(_setting(result))
        return {case for case, stored in found.items() if stored >= set(settings)}

    def reason(self, case: str) -> str:
        """Why a case lacks judged rows: it failed, does not apply, was stopped or was not run."""
        for stage in (JUDGING, TUNING):
            if not self.exists(stage):
                continue
            folder = RunFolder(self.folder(stage))
            found = [item for item in folder.untrained if item.case == case and item.treatment]
            found += [Untrained(*item) for item in folder.inapplicable if item[0] == case and item[1]]
            if found:
                return f"{found[0].state}{' in tuning' if stage == TUNING else ''}: {found[0].reason}"
        return NOT_RUN

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the libraries that the rows were made with."""
        for stage in (JUDGING, TUNING):
            if self.exists(stage):
                machine: dict[str, Any] = RunFolder(self.folder(stage)).machine
                return {name: str(value) for name, value in machine.get("versions", {}).items() if value}
        return {}


def _setting(result: Result) -> int:
    """The number of the setting of a result."""
    return int(result.summary.setting[SETTING])
