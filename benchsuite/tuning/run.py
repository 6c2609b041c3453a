"""Train the entries of a board: their settings on tune seeds, then the chosen ones on judge seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchsuite.case import Case, Schedule
from benchsuite.errors import BenchsuiteError, OptionError
from benchsuite.execution import Session, ShowProgress, open_folder
from benchsuite.plugins import Registry
from benchsuite.seeds import SeedNumbers
from benchsuite.settings import CORE, OutputSettings, TrainingSettings
from benchsuite.tuning.choice import choose_settings
from benchsuite.tuning.entry import DEFAULT, SETTING, Entry
from benchsuite.tuning.options import BoardOptions
from benchsuite.tuning.rows import JUDGING, TUNING, TWICE, EntryRows
from benchsuite.tuning.settings import EntryTreatments
from benchsuite.variants import Treatment


@dataclass(frozen=True)
class WorkPart:
    """Trainings that are done in one session: some cases with one treatment of an entry.

    Args:
        entry: the name of the entry.
        stage: TUNING, JUDGING or TWICE.
        treatment: of the entry.
        settings: that are trained side by side.
        cases: ids of the cases.
        seeds: of each setting.
    """

    entry: str
    stage: str
    treatment: Treatment
    settings: Sequence[int]
    cases: Sequence[str]
    seeds: SeedNumbers

    @property
    def trainings(self) -> int:
        """The number of trainings."""
        return len(self.settings) * len(self.cases) * len(self.seeds)


@dataclass
class BoardTraining:
    """Trains what the rows of a board lack.

    Args:
        registry: the plugins.
        training: how to train.
        options: of the board.
        entries: of the board.
        cases: of the board.
        rows: entry → its rows.
        show: makes the progress display of each case.
        on_failure: called with each error when it occurs.
    """

    registry: Registry
    training: TrainingSettings
    options: BoardOptions
    entries: Sequence[Entry]
    cases: Sequence[Case]
    rows: Mapping[str, EntryRows]
    show: ShowProgress
    on_failure: Callable[[BenchsuiteError], None]
    _treatments: dict[str, EntryTreatments] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._treatments = {one.name: EntryTreatments(one, self.registry.treatments) for one in self.entries}

    def check(self) -> None:
        """Check that every entry can be made and applies to a case, before anything is trained.

        Raises:
            OptionError: one does not, or the budget is too small.
        """
        for entry in self.entries:
            entry.check_libraries()
            self._treatments[entry.name].check(self.cases)
            if entry.space:
                self.options.tuned_on(self.options.settings, len(self.cases))

    def train(self) -> None:
        """Train all that is missing.

        Raises:
            KeyboardInterrupt: it was interrupted; finished rounds are kept.
        """
        for entry in self.entries:
            for parts in (self._tuning, self._judging):
                for part in parts(entry):
                    self._train(part)

    def missing(self) -> list[WorkPart]:
        """List what is missing; of entries that are not tuned yet, the judging of as many settings as rules."""
        found: list[WorkPart] = []
        for entry in self.entries:
            tuning = list(self._tuning(entry))
            found += tuning
            found += self._assumed(entry) if tuning else self._judging(entry)
        return found

    def estimate(self, part: WorkPart) -> float | None:
        """Estimate the seconds of a part from rows of the same cases in the board, compilation included.

        None where one of its cases has none yet.
        """
        stored = [one for rows in self.rows.values() for stage in (JUDGING, TUNING) for one in rows.results(stage)]
        times = {one.summary.case: one.summary for one in stored}
        if not times.keys() >= set(part.cases):
            return None
        trainings = len(part.settings) * len(part.seeds) * (2 if part.stage == TWICE else 1)  # in usual lengths
        found = [times[case] for case in part.cases]
        return sum(one.trace_seconds + one.compile_seconds + trainings / one.seeds_per_second for one in found)

    @property
    def _numbers(self) -> Sequence[int]:
        return range(1, self.options.settings + 1)

    @property
    def _tunes(self) -> bool:
        return any(rules.number for rules in self.options.rules)

    def _tuning(self, entry: Entry) -> Iterator[WorkPart]:
        if not (entry.space and self._tunes):
            return
        seeds = self.options.tuned_on(self.options.settings, len(self.cases))
        for treatment, settings in self._treatments[entry.name].together(self._numbers):
            cases = [case.id for case in self.cases]
            yield from self._left(WorkPart(entry.name, TUNING, treatment, settings, cases, seeds))

    def _judging(self, entry: Entry) -> Iterator[WorkPart]:
        wanted: dict[int, list[Case]] = {}
        tuning = self.rows[entry.name].tuning(self.options.settings)
        for rules in self.options.rules:
            for name, setting in choose_settings(entry, rules, tuning).items():
                cases = wanted.setdefault(setting, [])
                cases += [case for case in self.cases if name in ("", case.id) and case not in cases]
        for setting, cases in sorted(wanted.items()):
            yield from self._judged(entry, setting, cases)

    def _assumed(self, entry: Entry) -> Iterator[WorkPart]:
        """The judging of an entry whose settings are not chosen yet."""
        for place, rules in enumerate(self.options.rules):
            if rules.number or entry.default is not None:
                yield from self._judged(entry, place + 1 if rules.number else DEFAULT, self.cases)

    def _judged(self, entry: Entry, setting: int, cases: Sequence[Case]) -> Iterator[WorkPart]:
        """The judging of a setting, and of the cases with the tag core after twice the steps."""
        alone, core = self._treatments[entry.name].alone(setting), [case for case in cases if CORE in case.tags]
        for stage, of in ((JUDGING, cases), (TWICE, core if self.options.twice else [])):
            names = [case.id for case in of]
            yield from self._left(WorkPart(entry.name, stage, alone, [setting], names, self.options.judge_seeds))

    def _left(self, part: WorkPart) -> Iterator[WorkPart]:
        """The part without the cases that are finished; nothing where all are."""
        done = self.rows[part.entry].finished(part.stage, part.treatment.name, part.settings, part.seeds)
        if left := [case for case in part.cases if case not in done]:
            yield replace(part, cases=left)

    def _train(self, part: WorkPart) -> None:
        swept = f"{SETTING}={','.join(map(str, part.settings))}"
        fixed: Any = dict.fromkeys(("treatment", "optimizer", "tag", "family"), ())
        training = replace(self.training, seeds=part.seeds, half_width=None, sweep=(swept,), **fixed)
        rows = self.rows[part.entry]
        output = OutputSettings(run_dir=rows.folder(part.stage), resume=rows.exists(part.stage))
        cases = [case for case in self.cases if case.id in part.cases]
        if part.stage == TWICE:
            cases = [twice_as_long(case) for case in cases]
        names = [case.name if self.registry.cases.get(case.name) is case else case for case in cases]
        try:
            with Session(self.registry, training, output, names, [part.treatment], compact=True) as session:
                result = session.run(self.show, self.on_failure)
        except OptionError as error:  # it applies to none of these cases, or fails on all of them
            folder = open_folder(training, replace(output, resume=rows.exists(part.stage)))
            for case in cases:
                folder.write_failure(f"{case.id}+{part.treatment.name}", error.message)
            self.on_failure(error)
            return
        finally:
            rows.forget()
        if result.interrupt:
            raise result.interrupt


def twice_as_long(case: Case) -> Case:
    """Double the length of a case in all of its protocols."""

    def doubled(schedule: Schedule) -> Schedule:
        return replace(schedule, **{schedule.unit: 2 * schedule.length})

    return replace(case, schedule=doubled(case.schedule), quick=case.quick and doubled(case.quick))
