"""Run the selected cases: open executor and folder, train, and collect what happened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Self, TypeVar

from benchsuite.case import Case
from benchsuite.data import release_data
from benchsuite.errors import BenchsuiteError, CaseError, OptionError, StoreError, describe_exception, wrap_errors
from benchsuite.execution.audience import Audience, emit_warning
from benchsuite.execution.executors import Executor, open_executor
from benchsuite.execution.forecast import RUNS, Forecast, estimated_bytes, forecast_runs
from benchsuite.execution.runner import CaseRun, Progress, open_folder
from benchsuite.plugins import (
    CaseFinished,
    JsonLinesLog,
    Registry,
    RunObserver,
    RunStarted,
    label_calls,
    load_registry,
    recall_labels,
    select_cases,
    select_treatments,
    select_variants,
)
from benchsuite.results import Summary, schedule_for
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store import RunFolder, run_folders
from benchsuite.system import machine
from benchsuite.variants import Ladder, Treatment, Variant, list_inapplicable

_Named = TypeVar("_Named", Case, Treatment)

#: Makes the progress display of a case from its position in the run, such as "2/6" (empty for a single case).
ShowProgress = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class SessionResult:
    """What happened in a session.

    Args:
        folder: the run folder.
        summaries: of every case with a finished round.
        failures: errors of the cases that could not be trained to the end.
        interrupt: the interrupt that ended the session, if one did.
    """

    folder: RunFolder
    summaries: Sequence[Summary]
    failures: Sequence[BenchsuiteError]
    interrupt: KeyboardInterrupt | None = None


@dataclass
class Session:
    """One run of the selected cases; a context manager, which closes the executor and unlocks the folder.

    Variants, executor and folder are made when they are first used; until then the settings can be replaced.

    Args:
        registry: the plugins.
        training: how to train.
        output: where to save the results.
        names: of the cases or ladders, or the objects themselves; by default those that the settings select.
        treatments: objects, besides those that the settings name.
        observers: besides those of plugins and the log.
        surfaces: whether to save the loss over the parameters, for an HTML page.
        compact: whether to save rows compressed, with the learning curves of R² and the criterion alone.
        seed_factor: multiplies the number of seeds of each case, unless the settings give one.
        configure: prepares JAX for the training; called before a plugin is imported.
        summaries: of the cases trained so far; the last try of a case counts.
        tries: how often each case was trained.
        chosen: the ids of the variants to train; all by default.
        warn: called with the failure of an observer.
    """

    registry: Registry
    training: TrainingSettings
    output: OutputSettings
    names: Sequence[str | Case | Ladder] = ()
    treatments: Sequence[Treatment] = ()
    observers: Sequence[RunObserver] = ()
    surfaces: bool = False
    compact: bool = False
    seed_factor: int = 1
    warn: Callable[[str], None] = emit_warning
    configure: Callable[[], None] = machine.configure
    summaries: list[Summary] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    chosen: Sequence[str] | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.training = recall_labels(self.training, self.registry.treatments, _stored_call)

    @classmethod
    def open(cls, training: TrainingSettings, output: OutputSettings, *names: str | Case | Ladder, **how: Any) -> Self:
        """List the plugins; those that are used will be imported.

        Args:
            training: how to train.
            output: where to save the results; surfaces are saved for a report.
            names: of the cases or ladders, or the objects themselves.
            how: further fields of the session.
        """
        configure = partial(machine.configure, training.platform if output.plan else training.own_platform)
        how.setdefault("surfaces", output.report is not None)
        return cls(load_registry(before_import=configure), training, output, names, configure=configure, **how)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the executor, unlock the folder and free the data of all cases."""
        self._open.close()
        _release_data([])

    @cached_property
    def variants(self) -> list[Variant]:
        """The cases, untreated and treated.

        Raises:
            OptionError: a case, treatment or sweep does not exist, or applies to no case.
        """
        self.configure()
        cases = [case for one in self._selected for case in self._cases_of(one)]
        with self.registry.left_out_named():
            named = select_treatments(self.training.treatment, self.training.optimizer, self.registry.treatments)
        treatments = [*named, *self.treatments]
        return select_variants(_each_once("case", cases), _each_once("treatment", treatments), self.training)

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the variants, for which no plugin is imported where cases are selected by name and not changed.

        Raises:
            OptionError: as `variants`.
        """
        return self._selected_names if self._is_plain else [variant.id for variant in self.variants]

    @property
    def _is_plain(self) -> bool:
        """Whether the variants are the cases themselves, selected by name."""
        changed = self.training.treatment or self.training.optimizer or self.training.sweep or self.treatments
        return not changed and all(isinstance(one, str) for one in self.names)

    @property
    def _selected(self) -> Sequence[str | Case | Ladder]:
        if not all(isinstance(one, str) for one in self.names):
            return self.names
        if not self._is_plain:
            return self._selected_names
        return [name for name in self._selected_names if self.chosen is None or name in self.chosen]

    @cached_property
    def _selected_names(self) -> list[str]:
        """The cases that are named, or those of the run to resume, or those with the tags and families."""
        resumed = [] if self.names else self._names_resumed()
        names: Iterable[Any] = self.names or resumed or self.registry.declared
        found = dict.fromkeys(each for name in names for each in self.registry.names(name))
        if resumed:
            return list(found)
        cases = [self.registry.declared[name] for name in found]
        tags, families = self.training.tag, self.training.family
        return [case.name for case in select_cases(cases, tags, families, named=bool(self.names))]

    def _cases_of(self, chosen: str | Case | Ladder) -> Sequence[Case]:
        if isinstance(chosen, Ladder):
            return chosen.make_cases()
        return [chosen] if isinstance(chosen, Case) else self.registry.select(chosen)

    def _names_resumed(self) -> list[str]:
        """The names of the cases of the run to resume; none where a new run begins."""
        if not self.output.resume:
            return []
        folder = RunFolder(self.output.run_dir) if self.output.run_dir else RunFolder.latest()
        return list(dict.fromkeys(re.split("[+@]", requested)[0] for requested in folder.requested))

    def check(self) -> None:
        """Check the environment and the selection before anything is created.

        Raises:
            OptionError: JAX is set up such that no case trains; or a case, treatment, sweep or dataset does not exist,
                or applies to no case.
        """
        machine.check_settings()
        self.registry.check_dataset(self.training.dataset)
        self.variants  # noqa: B018  # selects and checks them

    @property
    def cases(self) -> list[Case]:
        """The cases to train: the variants that apply."""
        return [variant.treated for variant in self.variants if variant.treated]

    def forecasts(self, cases: Sequence[Case] | None = None) -> list[Forecast]:
        """Estimate the costs of the cases (all of them by default)."""
        return forecast_runs(self.cases if cases is None else cases, self.training)

    def estimated_bytes(self, ids: Container[str] | None = None) -> int:
        """Estimate the most bytes that the rows and curves of the cases with these ids take (all by default)."""
        cases = [case for case in self.cases if ids is None or case.id in ids]
        return sum(estimated_bytes(case, self._training_of(case)) for case in cases)

    @cached_property
    def executor(self) -> Executor:
        """The executor, open until the session is closed."""
        left_out = [plugin.place for plugin in self.registry.left_out]
        of_objects = bool(self.treatments) or not all(isinstance(one, str) for one in self.names)
        return self._open.enter_context(open_executor(self.training, left_out, of_objects=of_objects))

    @cached_property
    def folder(self) -> RunFolder:
        """The run folder, created or resumed, and locked until the session is closed."""
        folder = self._open.enter_context(open_folder(self.training, self.output, self.executor).locked())
        folder.compact = self.compact
        folder.write_inapplicable(list_inapplicable(self.variants))
        folder.write_labels(label_calls(self.training.treatment, self.training.optimizer))
        variants = [v for v in self.variants if v.applies and (self.chosen is None or v.id in self.chosen)]
        folder.write_requested(variant.id for variant in variants)
        for variant in variants:
            if variant.error:
                folder.write_failure(variant.id, variant.error.message)
        cases = [case.id for case in self.cases]
        self._audience.run_started(RunStarted(str(folder.path), cases, folder.settings, folder.machine))
        return folder

    @cached_property
    def _audience(self) -> Audience:
        log = [JsonLinesLog(self.output.log)] if self.output.log else []
        return Audience([*self.registry.observers, *log, *self.observers], self.warn)

    @contextmanager
    def case_run(self, case: Case, progress: Progress) -> Iterator[CaseRun]:
        """Open the run of one case, and collect its summaries at the end, also after an error.

        Raises:
            BenchsuiteError: the case, its data, device or folder cannot be used.
        """
        self.tries[case.id] += 1
        with self._end_reported(case) as found:
            run = CaseRun(case, self._training_of(case), self.folder, progress, self.executor)
            run.on_round = self._audience.round_finished
            try:
                yield run
                if self.surfaces:
                    run.write_surfaces()
            finally:
                if run.has_rows:
                    found.extend(run.summaries())
                    self._count(found)
                self._ended.add(case.id)
                _release_data(other for other in self.cases if other.id not in self._ended)

    def _count(self, summaries: Sequence[Summary]) -> None:
        """Add the summaries of a case in place of those of an earlier try."""
        ids = {summary.id for summary in summaries}
        self.summaries = [*(summary for summary in self.summaries if summary.id not in ids), *summaries]

    @contextmanager
    def _end_reported(self, case: Case) -> Iterator[list[Summary]]:
        """Write why a case fails, or remove what an earlier try has written; announce its end with its summaries."""
        found, error = list[Summary](), ""
        try:
            yield found
            self.folder.write_failure(case.id, "")
        except BaseException as raised:
            error = raised.message if isinstance(raised, BenchsuiteError) else describe_exception(raised)
            if isinstance(raised, BenchsuiteError):
                self._write_failure(case, raised)
            raise
        finally:
            self._audience.case_finished(CaseFinished(case.id, [one.to_json() for one in found], error))

    def _write_failure(self, case: Case, failure: BenchsuiteError) -> None:
        with suppress(BenchsuiteError):  # a folder that cannot be written must not hide the failure
            self.folder.write_failure(case.id, failure.message)

    def run(self, show_progress: ShowProgress, on_failure: Callable[[BenchsuiteError], None]) -> SessionResult:
        """Train every case; a failure of one does not affect the others, and an interrupt keeps finished rounds.

        Args:
            show_progress: makes the progress display of each case.
            on_failure: called with each error when it occurs.

        Raises:
            BenchsuiteError: an option, the executor or the folder cannot be used.
        """
        self.check()
        folder = self.folder
        failures: list[BenchsuiteError] = []
        interrupt: KeyboardInterrupt | None = None
        for variant in self.variants:
            if variant.applies and variant.error:
                failures.append(variant.error)
                on_failure(variant.error)
                self._audience.case_finished(CaseFinished(variant.id, [], variant.error.message))
        try:
            for number, case in enumerate(self.cases, start=1):
                place = f"{number}/{len(self.cases)}" if len(self.cases) > 1 else ""
                if failure := self._train(case, show_progress(place)):
                    failures.append(failure)
                    on_failure(failure)
        except KeyboardInterrupt as raised:
            interrupt = raised
        return SessionResult(folder, self.summaries, failures, interrupt)

    def _train(self, case: Case, showing: AbstractContextManager[Progress]) -> BenchsuiteError | None:
        hint = "run it with pytest to see the traceback, and report it: this error should have been handled"
        try:
            with (
                showing as progress,
                wrap_errors(lambda raised: CaseError(f"case {case.id} failed: {raised}", hint)),
                self.case_run(case, progress) as run,
            ):
                for _ in run.round_results():
                    pass
        except BenchsuiteError as error:
            self._write_failure(case, error)  # again, as it may have another cause than an error of the suite
            return error
        return None

    def _training_of(self, case: Case) -> TrainingSettings:
        if self.training.seeds or self.training.half_width or self.seed_factor == 1:
            return self.training
        _, schedule = schedule_for(case, self.training.protocol)
        return replace(self.training, seeds=self.seed_factor * schedule.seeds)


def _stored_call(label: str) -> tuple[str, str] | None:
    """The option and the text of a treatment in `.benchsuite` that tables call `label`, from the newest run."""
    for path in run_folders()[:RUNS]:
        with suppress(StoreError):  # a damaged run is reported where it is read by name
            if found := RunFolder(path).labels.get(label):
                return found
    return None


def _each_once(what: str, items: Sequence[_Named]) -> list[_Named]:
    """Drop repetitions of cases or treatments.

    Raises:
        OptionError: two that differ have the same name.
    """
    found: dict[str, _Named] = {}
    for item in items:
        if found.setdefault(item.name, item) is not item:
            raise OptionError(f"two {what}s are named {item.name}", "rename one of them")
    return list(found.values())


def _release_data(remaining: Iterable[Case]) -> None:
    """Free the data in this process that no remaining case uses."""
    release_data(case.dataset for case in remaining)
