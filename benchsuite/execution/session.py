"""Run the selected cases: open executor and folder, train, and collect what happened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from benchsuite.case import Case
from benchsuite.data import release_data
from benchsuite.errors import BenchsuiteError, CaseError, StoreError, wrap_errors
from benchsuite.execution.executors import Executor, open_executor
from benchsuite.execution.forecast import RUNS, Forecast, forecast_runs
from benchsuite.execution.runner import CaseRun, Observer, open_folder
from benchsuite.plugins import Registry, label_calls, recall_labels, select_treatments, select_variants
from benchsuite.results import Summary, schedule_for
from benchsuite.settings import UNSET_VALUES, OutputSettings, TrainingSettings
from benchsuite.store import RunFolder, run_folders
from benchsuite.system import machine
from benchsuite.variants import Variant, list_inapplicable

#: Makes the observer of a case from its position in the run, such as "2/6" (empty for a single case).
Observe = Callable[[str], AbstractContextManager[Observer]]

#: Options of earlier versions that a run folder may hold -> their present names.
_RENAMED = {"engine": "executor", "convergence_compare": "compare", "convergence_compare_fail": "compare_fail"}


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
        names: of the cases or families; all by default.
        surfaces: whether to save the loss over the parameters, for an HTML page.
        seed_factor: multiplies the number of seeds of each case, unless the settings give one.
        summaries: of the cases trained so far; the last try of a case counts.
        tries: how often each case was trained.
        chosen: the ids of the variants to train; all by default.
    """

    registry: Registry
    training: TrainingSettings
    output: OutputSettings
    names: Sequence[str] = ()
    surfaces: bool = False
    seed_factor: int = 1
    summaries: list[Summary] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    chosen: Sequence[str] | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.training = recall_labels(self.training, self.registry.treatments, _stored_call)

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
        names = self.names or self._names_resumed() or self.registry.cases
        selected = [case for name in names for case in self.registry.select(name)]
        cases = list({case.name: case for case in selected}.values())
        with self.registry.left_out_named():
            chosen = select_treatments(self.training.treatment, self.training.optimizer, self.registry.treatments)
        return select_variants(cases, chosen, self.training)

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

    @cached_property
    def executor(self) -> Executor:
        """The executor, open until the session is closed."""
        left_out = [plugin.place for plugin in self.registry.left_out]
        return self._open.enter_context(open_executor(self.training, left_out))

    @cached_property
    def folder(self) -> RunFolder:
        """The run folder, created or resumed, and locked until the session is closed."""
        folder = self._open.enter_context(open_folder(self.training, self.output, self.executor).locked())
        folder.write_inapplicable(list_inapplicable(self.variants))
        folder.write_labels(label_calls(self.training.treatment, self.training.optimizer))
        variants = [v for v in self.variants if v.applies and (self.chosen is None or v.id in self.chosen)]
        folder.write_requested(variant.id for variant in variants)
        for variant in variants:
            if variant.error:
                folder.write_failure(variant.id, variant.error.message)
        return folder

    @contextmanager
    def case_run(self, case: Case, observer: Observer) -> Iterator[CaseRun]:
        """Open the run of one case, and collect its summaries at the end, also after an error.

        Raises:
            BenchsuiteError: the case, its data, device or folder cannot be used.
        """
        self.tries[case.id] += 1
        with self._failure_written(case):
            run = CaseRun(case, self._training_of(case), self.folder, observer, self.executor)
            try:
                yield run
                if self.surfaces:
                    run.write_surfaces()
            finally:
                if run.has_rows:
                    self._count(run.summaries())
                self._ended.add(case.id)
                _release_data(other for other in self.cases if other.id not in self._ended)

    def _count(self, summaries: Sequence[Summary]) -> None:
        """Add the summaries of a case in place of those of an earlier try."""
        ids = {summary.id for summary in summaries}
        self.summaries = [*(summary for summary in self.summaries if summary.id not in ids), *summaries]

    @contextmanager
    def _failure_written(self, case: Case) -> Iterator[None]:
        """Write into the folder why a case fails, or remove what an earlier try has written."""
        try:
            yield
        except BenchsuiteError as error:
            self._write_failure(case, error)
            raise
        self.folder.write_failure(case.id, "")

    def _write_failure(self, case: Case, failure: BenchsuiteError) -> None:
        with suppress(BenchsuiteError):  # a folder that cannot be written must not hide the failure
            self.folder.write_failure(case.id, failure.message)

    def run(self, observe: Observe, on_failure: Callable[[BenchsuiteError], None]) -> SessionResult:
        """Train every case; a failure of one does not affect the others, and an interrupt keeps finished rounds.

        Args:
            observe: makes the observer of each case.
            on_failure: called with each error when it occurs.

        Raises:
            BenchsuiteError: an option, the executor or the folder cannot be used.
        """
        self.check()
        folder = self.folder
        failures = [variant.error for variant in self.variants if variant.applies and variant.error]
        interrupt: KeyboardInterrupt | None = None
        for error in failures:
            on_failure(error)
        try:
            for number, case in enumerate(self.cases, start=1):
                place = f"{number}/{len(self.cases)}" if len(self.cases) > 1 else ""
                if failure := self._train(case, observe(place)):
                    failures.append(failure)
                    on_failure(failure)
        except KeyboardInterrupt as raised:
            interrupt = raised
        return SessionResult(folder, self.summaries, failures, interrupt)

    def _train(self, case: Case, observing: AbstractContextManager[Observer]) -> BenchsuiteError | None:
        hint = "run it with pytest to see the traceback, and report it: this error should have been handled"
        try:
            with (
                observing as observer,
                wrap_errors(lambda raised: CaseError(f"case {case.id} failed: {raised}", hint)),
                self.case_run(case, observer) as run,
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


def _release_data(remaining: Iterable[Case]) -> None:
    """Free the data in this process that no remaining case uses."""
    release_data(case.dataset for case in remaining)


def read_settings(values: Mapping[str, Any]) -> tuple[TrainingSettings, OutputSettings]:
    """Read settings from option -> value; those of the run to resume are the defaults.

    Raises:
        StoreError: there is no run to resume.
        OptionError: a value cannot be used.
    """
    if values.get("resume"):
        values = _resumed(values)
    return TrainingSettings.parse(values), OutputSettings.parse(values)


def _resumed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the run to resume, changed by those that are given now."""
    run_dir = values.get("run_dir")
    folder = RunFolder(Path(run_dir)) if run_dir else RunFolder.latest()
    now = {name: value for name, value in values.items() if value not in UNSET_VALUES}
    then = {_RENAMED.get(name, name): value for name, value in folder.settings.items()}
    then["report"] = None  # where to write a report must be given again
    if "executor" in now:
        then |= {"scheduler": None, "workers": None}  # they belong to the former executor
    if now.keys() & {"seeds", "half_width"}:
        then |= {"seeds": None, "half_width": None}
    return then | now | {"run_dir": folder.path}
