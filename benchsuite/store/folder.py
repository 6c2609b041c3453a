"""Run folders: a small JSON file for the run and one for each case, beside the arrays of the case's rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import CaseError, StoreError
from benchsuite.results import FAILED, NOT_RUN, UNFINISHED, Plan, RoundResult, SeedTable, Summary, Surface, Untrained
from benchsuite.seeds import SeedNumbers
from benchsuite.store import arrays
from benchsuite.store.documents import (
    NO_ROOM,
    SCHEMA,
    CaseFile,
    LoadFile,
    RunFile,
    decode_file,
    load_case,
    readable,
    reading,
    store_file,
    unknown_schema,
)
from benchsuite.store.location import (
    CASE,
    ROOT,
    ROUNDS,
    RUN,
    case_folder,
    case_names,
    ensure_folder,
    is_folder_name,
    lock_folder,
    make_folder,
    run_folders,
)
from benchsuite.store.migrations import read_schema_4
from benchsuite.system import files, machine


class RunFolder:
    """One run on disk. Rounds are the truth; JSON files hold their definition and summaries.

    Files are read when they are needed, once. A folder of schema 4 is converted in memory, and on disk by the first
    write.

    Args:
        path: the folder, which must hold a run; make one with `create`.

    Raises:
        StoreError: there is no run, it cannot be read, or another version wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.compact = False  #: whether rounds are written compressed, with the curves of R² and the criterion alone
        self._open()

    def _open(self) -> None:
        """Read run.json, and forget all other files."""
        self._run, legacy = _read_run(self.path / RUN)
        self._converted = legacy is not None  # in memory, but not on disk
        self._complete = legacy is not None  # whether all cases are in memory
        self._cases: dict[str, CaseFile] = legacy or {}

    @classmethod
    def create(cls, path: Path | None, about: Mapping[str, Any], settings: Mapping[str, Any]) -> RunFolder:
        """Make a new run.

        Args:
            path: its folder; by default a new one in `.benchsuite`, named after the time.
            about: the machine, as `machine.describe` gives it.
            settings: the options of the run.

        Raises:
            StoreError: the folder cannot be written, or holds a run already.
        """
        now = datetime.now(UTC)
        path = path or make_folder(ROOT, now)
        options = {name: str(v) if isinstance(v, Path | SeedNumbers) else v for name, v in settings.items()}
        run = RunFile(now.isoformat(timespec="seconds"), machine.commit(), dict(about), options)
        ensure_folder(path)
        with lock_folder(path):  # another run may begin in the same folder at the same moment
            if any(any(path.glob(pattern)) for pattern in (RUN, f"*/{CASE}", f"*/{ROUNDS}")):
                raise StoreError(
                    f"{path} holds a run already", "add --resume to continue it, or name another --run-dir"
                )
            store_file(path / RUN, run)
        if not (path.parent / ".gitignore").exists() and path.parent == ROOT:
            files.write(path.parent / ".gitignore", b"*\n", NO_ROOM)
        return cls(path)

    @classmethod
    def latest(cls) -> RunFolder:
        """Open the newest run in `.benchsuite` that has begun a case, or in which one failed.

        Raises:
            StoreError: there is none.
        """
        for path in run_folders():
            run = cls(path)
            if run.plans or run._run.failures:
                return run
        raise StoreError(f"there is no run in {ROOT.resolve()}", "start one, or name its folder")

    @contextlib.contextmanager
    def locked(self) -> Iterator[RunFolder]:
        """Keep other runs from writing into the folder; what they wrote before is read first.

        Raises:
            StoreError: another run is writing into it.
        """
        with lock_folder(self.path):
            for folder in (self.path, *self.path.iterdir()):
                if folder.is_dir() and not folder.is_symlink():
                    files.remove_unfinished(folder)
            self._open()
            yield self

    @property
    def created(self) -> str:
        """When the run was begun, as ISO 8601."""
        return self._run.created

    @property
    def commit(self) -> str | None:
        """The commit of the working folder; None outside a repository."""
        return self._run.commit

    @property
    def load_was_measured(self) -> bool:
        """Whether the load of the machine was measured before and after."""
        return self._run.load is not None

    @property
    def machine(self) -> dict[str, Any]:
        """The machine of the run, as `machine.describe` gives it."""
        return dict(self._run.machine)

    @property
    def settings(self) -> dict[str, Any]:
        """The options that the run was begun with."""
        return dict(self._run.settings)

    @property
    def timing_warnings(self) -> list[str]:
        """Why the timing of this run is not reliable; empty where the load was not measured."""
        return list(self._run.load.timing_warnings) if self._run.load else []

    @property
    def inapplicable(self) -> list[tuple[str, str, str]]:
        """The requested treatments that do not apply: (case, treatment, reason)."""
        return [(case, name, why) for case, found in self._run.inapplicable.items() for name, why in found.items()]

    @property
    def labels(self) -> dict[str, tuple[str, str]]:
        """The treatments that are calls: name → (option, text), which select one again."""
        return dict(self._run.labels)

    @property
    def plans(self) -> list[Plan]:
        """The plans of the cases, in the order of start.

        Raises:
            StoreError: the file of a case is damaged.
        """
        return [case.plan for case in self._all()]

    @property
    def summaries(self) -> dict[str, Summary]:
        """The summaries of the cases, or of the values of their sweeps, by id.

        While a case runs they cover at least half of its finished seeds.

        Raises:
            StoreError: the file of a case is damaged.
        """
        return {summary.id: summary for case in self._all() for summary in case.summaries}

    def summaries_of(self, id: str) -> list[Summary]:  # noqa: A002  # as it is called everywhere
        """Return the summaries of one case, or of each value of its sweep; none before its first round.

        Raises:
            StoreError: its file is damaged.
        """
        case = self._case(id)
        return list(case.summaries) if case else []

    def plan(self, id: str) -> Plan | None:  # noqa: A002  # as it is called everywhere
        """Return the plan of the case called `id`; None where it has not been started.

        Raises:
            StoreError: its file is damaged.
        """
        case = self._case(id)
        return case.plan if case else None

    def _case(self, name: str) -> CaseFile | None:
        if name not in self._cases and not self._complete and is_folder_name(name):
            folder = case_folder(self.path, name)
            if (folder / CASE).exists():
                self._cases[name] = load_case(folder, CASE)
        return self._cases.get(name)

    def _all(self) -> list[CaseFile]:
        if not self._complete:
            for name in case_names(self.path):
                self._case(name)
            self._complete = True
        return sorted(self._cases.values(), key=lambda case: (case.number, case.plan.id))

    def write_load(self, before: Mapping[str, Any], after: Mapping[str, Any], timing_warnings: Sequence[str]) -> None:
        """Write the load of the machine before and after, and why it makes the timing doubtful."""
        self._write_run(load=LoadFile(dict(before), dict(after), list(timing_warnings)))

    def write_inapplicable(self, inapplicable: Iterable[tuple[str, str, str]]) -> None:
        """Write which treatments do not apply: (case, treatment, reason)."""
        found: dict[str, dict[str, str]] = {case: dict(why) for case, why in self._run.inapplicable.items()}
        for case, treatment, why in inapplicable:
            found.setdefault(case, {})[treatment] = why
        if found != self._run.inapplicable:
            self._write_run(inapplicable=found)

    def write_labels(self, labels: Mapping[str, tuple[str, str]]) -> None:
        """Write how the treatments that are calls were selected; see `labels`."""
        if not labels.items() <= self._run.labels.items():
            self._write_run(labels={**self._run.labels, **labels})

    @property
    def requested(self) -> list[str]:
        """The ids of the cases to train, and of those that were trained besides."""
        plans = (plan.id for plan in self.plans)
        return list(dict.fromkeys([*self._run.requested, *plans, *self._run.failures]))

    def write_requested(self, names: Iterable[str]) -> None:
        """Write the ids of the cases to train, after those of an earlier session in this folder."""
        requested = list(dict.fromkeys([*self.requested, *names]))
        if requested != self._run.requested:
            self._write_run(requested=requested)

    def write_failure(self, name: str, reason: str) -> None:
        """Write why a case was not trained to the end; an empty reason removes that of an earlier try."""
        failures = {other: why for other, why in self._run.failures.items() if other != name}
        failures |= {name: reason} if reason else {}
        if failures != self._run.failures:
            self._write_run(failures=failures)

    @property
    def untrained(self) -> list[Untrained]:
        """The requested cases that failed, were not run, or lack seeds.

        Raises:
            StoreError: the file of a case is damaged.
        """
        return [untrained for name in self.requested if (untrained := self._untrained(name))]

    def _untrained(self, name: str) -> Untrained | None:
        if name in self._run.failures:
            return Untrained.of(name, self._run.failures[name], FAILED)
        case = self._case(name)
        if case is None or not case.summaries:
            return Untrained.of(name, "it was not trained", NOT_RUN)
        if min(summary.seeds for summary in case.summaries) < case.plan.seeds:
            done = sum(len(round_result.seeds) for round_result in self.round_results(name))
            return Untrained.of(name, f"{done:,} of {case.plan.seeds:,} seeds were trained", UNFINISHED)
        return None

    def _write_run(self, **changes: Any) -> None:
        self._prepare()
        self._run = store_file(self.path / RUN, replace(self._run, **changes))

    def write_plan(self, plan: Plan) -> None:
        """Write the plan of a case.

        Raises:
            CaseError: it could not be read again.
            StoreError: it cannot be written, or rows of the case have no plan.
        """
        before = self._case(plan.id)
        if before is None:
            if any(case_folder(self.path, plan.id).glob(ROUNDS)):
                raise StoreError(f"{self.path / plan.id} holds rows without a plan", f"restore its {CASE}")
            before = CaseFile(1 + max((case.number for case in self._all()), default=-1), plan)
        self._write_case(replace(before, plan=plan))

    def write_summaries(self, summaries: Iterable[Summary]) -> None:
        """Write the summaries of a case, or of each value of its sweep.

        Raises:
            CaseError: they could not be read again, or belong to no case of the run.
            StoreError: they cannot be written.
        """
        for name, found in groupby(summaries, self._plan_id):
            if (case := self._case(name)) is None:
                raise CaseError(f"{name[:80]!r} has a summary but no plan", "write its plan first")
            self._write_case(replace(case, summaries=list(found)))

    def _plan_id(self, summary: Summary) -> str:
        """The id of the plan that a summary belongs to; values of a sweep have one of their own, or share one."""
        return next((name for name in summary.plan_ids if self._case(name)), summary.plan_ids[-1])

    def _write_case(self, case: CaseFile) -> None:
        self._prepare()
        self._cases[case.plan.id] = store_file(case_folder(self.path, case.plan.id) / CASE, case)

    def write_round(self, case: str, round_result: RoundResult) -> None:
        """Write the rows of a finished round.

        Raises:
            StoreError: they cannot be written; the rounds before are kept.
            CaseError: they could not be read again.
        """
        plan = self.plan(case)
        with readable(f"the rows of {case}"):
            round_result.check(plan)
        self._prepare()
        criterion = plan.parsed_criterion if plan and self.compact else None
        curves = {"metric.r2", f"metric.{criterion.metric}"} if criterion else None
        arrays.save_round(self._folder(case), round_result, curves)

    def round_results(self, case: str) -> list[RoundResult]:
        """Read the finished rounds of `case`, in the order of their first seeds.

        Raises:
            StoreError: a file is damaged, or two hold the same seed.
        """
        return arrays.load_rounds(self._folder(case), self.plan(case))

    def write_starts(self, case: str, rows: SeedTable, curves: Mapping[str, np.ndarray]) -> None:
        """Write the rows of the named starts.

        Raises:
            StoreError: they cannot be written.
        """
        self._prepare()
        arrays.save_starts(self._folder(case), rows, curves)

    def starts(self, case: str) -> SeedTable | None:
        """Read the rows of the named starts of `case`; None where they have not been trained.

        Raises:
            StoreError: their file is damaged.
        """
        return arrays.load_starts(self._folder(case), self.plan(case))

    def write_surfaces(self, case: str, surfaces: Sequence[Surface]) -> None:
        """Write the loss surfaces of `case`.

        Raises:
            StoreError: they cannot be written.
        """
        self._prepare()
        arrays.save_surfaces(self._folder(case), surfaces)

    def surfaces(self, case: str) -> list[Surface]:
        """Read the loss surfaces of `case`; none where they have not been stored.

        Raises:
            StoreError: the file is damaged.
        """
        return arrays.load_surfaces(self._folder(case))

    def _folder(self, case: str) -> Path:
        """Return the folder of a case, which never lies outside of the run's."""
        self._demand_folder()
        return case_folder(self.path, case)

    def _demand_folder(self) -> None:
        if not self.path.is_dir():  # a new one in its place would seem to hold all rows
            raise StoreError(f"{self.path} is gone", "do not move a folder during its run; start a new one")

    def _prepare(self) -> None:
        """Convert a folder of schema 4 before the first write; run.json last, so that a crash leaves one of both."""
        self._demand_folder()
        if self._converted:
            for name, content in self._cases.items():
                store_file(case_folder(self.path, name) / CASE, content)
            store_file(self.path / RUN, self._run)
            self._converted = False


def _read_run(path: Path) -> tuple[RunFile, dict[str, CaseFile] | None]:
    """Read run.json; of schema 4, with the cases in it."""
    with reading(path):
        content = files.read(path)
        schema = files.schema_of(content)
        if schema == SCHEMA:
            return decode_file(content, RunFile), None
        if schema == 4:  # noqa: PLR2004  # its only reader
            return read_schema_4(content)
    raise unknown_schema(path, schema)
