"""The results of a run, as a mapping from the ids of its cases."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.api.case_result import CaseResult, LandscapePicture
from benchsuite.api.display import NoProgress, open_progress, results_html, results_text
from benchsuite.api.messages import name_keywords, prepare_jax
from benchsuite.api.rows import change_row, summary_row
from benchsuite.case import Case
from benchsuite.comparison import LEVEL, RunResults, compare_runs, compare_treatments
from benchsuite.errors import BenchsuiteError, OptionError, near_matches, printable
from benchsuite.execution import CaseRun, Session, replay_training
from benchsuite.results import (
    LandscapeResult,
    Summary,
    summaries_judged_together,
)
from benchsuite.settings import LOCAL, OutputSettings, TrainingSettings
from benchsuite.store import Frame, RunFolder, curve_frame, read_results, seed_frame, trace_frame

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class ResultNotFoundError(OptionError, KeyError):
    """A run has no results of that case."""

    __str__ = OptionError.__str__


class Results(Mapping[str, CaseResult]):
    """The results of a run: id of a case, such as "relu-bias" or "relu-bias+adam", → its results.

    Args:
        folder: of the run; its rows are the source of every figure.
        training: how the cases were trained.
        cases: id → case, for `replay` and `landscape`; by default those that the plugins supply.
        failures: errors of the cases that were not trained to the end.
    """

    def __init__(
        self,
        folder: RunFolder,
        training: TrainingSettings,
        cases: Mapping[str, Case] | None = None,
        failures: Sequence[BenchsuiteError] = (),
    ) -> None:
        self._folder, self._training, self._given = folder, training, cases
        self.failures = list(failures)
        results = read_results(folder)
        judged = summaries_judged_together([result.summary for result in results])
        self._results = [result._replace(summary=one) for result, one in zip(results, judged, strict=True)]
        self._found = {result.summary.id: CaseResult(result) for result in self._results}

    @property
    def path(self) -> Path:
        """The run folder."""
        return self._folder.path

    @property
    def inapplicable(self) -> list[tuple[str, str, str]]:
        """The treatments that do not apply: (case, treatment, reason)."""
        return self._folder.inapplicable

    def __getitem__(self, name: str) -> CaseResult:
        if name not in self._found:
            raise ResultNotFoundError(f"the run has no results of {name!r}", near_matches(name, self._found))
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def seeds(self) -> Frame:
        """A row for each seed: case, treatment, seed, outcome, steps_to_success, final metrics, start and end."""
        return seed_frame(self._results)

    def curves(self) -> Frame:
        """A row for each stored evaluation: case, treatment, seed, step, metrics and parameters."""
        return curve_frame(self._results)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each seed, as `seeds`.

        Raises:
            OptionError: pandas is not installed.
        """
        return self.seeds().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """A row for each seed, as `seeds`.

        Raises:
            OptionError: polars is not installed.
        """
        return self.seeds().to_polars()

    def to_arrow(self) -> pa.Table:
        """A row for each seed, as `seeds`.

        Raises:
            OptionError: pyarrow is not installed.
        """
        return self.seeds().to_arrow()

    def summary(self) -> Frame:
        """A row for each case and treatment, also for those that failed, were not run, lack seeds or do not apply.

        Rates are shares from 0 to 1 with 95 % intervals; steps are optimiser steps; times are in seconds. `difference`
        is the rate minus that of the untreated case, with Newcombe's interval and the p-value of McNemar's exact test,
        adjusted by Holm's method over all treatments of the run.
        """
        from benchsuite.report import answer_rows

        compared = {one.summary.id: one for one in compare_treatments(self._results)}
        rows = []
        for found in answer_rows(self._summaries, self._folder.untrained):
            row = summary_row(found.summary, compared.get(found.id)) if found.summary else {}
            named = {} if row else {"case": found.case, "treatment": found.treatment}
            rows.append(row | named | ({"status": found.state, "reason": found.reason} if found.state else {}))
        rows += [
            {"case": case, "treatment": treatment, "status": "does not apply", "reason": reason}
            for case, treatment, reason in self.inapplicable
        ]
        return Frame.of_rows(rows)

    @property
    def _summaries(self) -> list[Summary]:
        return [result.summary for result in self._results]

    def compare(self, reference: Results | str | Path, level: float = LEVEL) -> Frame:
        """Compare each case with an earlier run: rates on the same seeds by paired tests, and speeds.

        Args:
            reference: the earlier run, or its folder.
            level: of significance, for the smallest drop that would be detected.

        Returns:
            A row for each case: rates and speeds (seeds per second) before and after, with tests; p-values are adjusted
            over all cases. `why` says why a case cannot be compared.

        Raises:
            StoreError: there is no run in the folder.
        """
        with name_keywords():
            folder = _folder_of(reference)
            before, now = (RunResults.of(run, read_results(run)) for run in (folder, self._folder))
            rows = [change_row(change) for change in compare_runs(before, now, level)]
            return Frame.of_rows(rows, f"changes since {folder.path}")

    def report(self, folder: str | Path, reference: Results | str | Path | None = None) -> Path:
        """Write an HTML page with figures and tables, and a summary in Markdown.

        Args:
            folder: for the page.
            reference: an earlier run whose changes the page shows.

        Returns:
            The page.

        Raises:
            OptionError: the extra `report` is not installed, or no case has a finished round.
        """
        from benchsuite.report import require_extra

        with name_keywords(), prepare_jax(self._training.platform):
            with require_extra("a report"):
                from benchsuite.report.html import write_report
            self._write_surfaces()
            before = None if reference is None else _folder_of(reference)
            page, *_ = write_report([self._folder], Path(folder), before)
            return page

    def _write_surfaces(self) -> None:
        """Save the loss surfaces of the cases that were just trained, which the page shows."""
        if self._training.executor != LOCAL or self._training.time_limit:  # this process may have another device
            return
        for name, case in (self._given or {}).items():
            if name in self._found and self[name].seeds >= self[name].summary.planned_seeds:
                with self._folder.locked():
                    CaseRun(case, self._training, self._folder, NoProgress()).write_surfaces()

    def replay(self, case: str, seed: int = 0, start: str | None = None) -> Frame:
        """Train one seed of a case again, with all of its evaluations.

        Args:
            case: its id.
            seed: which determines the start and the data.
            start: in place of the random one: a start that the case names, or parameters such as "w=-10,b=0".

        Returns:
            A row for each evaluation: step, gradient_norm, train.<metric>, metric.<metric> and parameter.<name>. The
            caption says how the training ended.

        Raises:
            OptionError: the case is not installed, or has no such start.
        """
        from benchsuite.engine import parameter_names

        with name_keywords(), prepare_jax(self._training.platform):
            chosen = self._case(case)
            again = replay_training(chosen, self._training, seed, start, NoProgress())
            return trace_frame(again.trace, parameter_names(chosen), again.title)

    def landscape(self, case: str, seeds: int = 8, grid: int = 128, *, basins: bool = False) -> LandscapePicture:
        """Compute the loss of a case over its parameters, with the paths of its named starts and of some seeds.

        Args:
            case: its id; it has one or two parameters, or a solution.
            seeds: number of paths of random starts.
            grid: points along each axis.
            basins: whether to train a grid of starts, which takes minutes.

        Raises:
            OptionError: the case is not installed, or has no landscape.
        """
        from benchsuite.engine import LandscapeEvaluator, has_landscape
        from benchsuite.results import parameter_values

        with name_keywords(), prepare_jax(self._training.platform), open_progress(shown=None) as show, show("") as live:
            chosen = self._case(case)
            if not has_landscape(chosen):
                raise OptionError(f"{case} has no landscape", "name a case with one or two parameters, or a solution")
            evaluator, found = LandscapeEvaluator(chosen, self._training, grid), None
            live.begin(case, evaluator.starts(seeds, basins=basins), 0)
            paths = evaluator.paths(seeds, live.advance)
            surfaces = evaluator.surfaces(parameter_values(paths))
            for found in evaluator.basins(live.advance) if basins else ():  # noqa: B007  # the last one is whole
                pass
            title = f"{evaluator.problem.label}: {chosen.summary}"
            return LandscapePicture(LandscapeResult(title, surfaces, paths, found, chosen.solution_values))

    def _case(self, name: str) -> Case:
        if name not in self._cases:
            raise OptionError(f"there is no case {name!r}", near_matches(name, self._cases))
        return self._cases[name]

    @cached_property
    def _cases(self) -> Mapping[str, Case]:
        """The cases by id."""
        if self._given is not None:
            return self._given
        names = dict.fromkeys(plan.case for plan in self._folder.plans)
        session = Session.open(self._training, OutputSettings(), *names)
        return {case.id: case for case in session.cases}

    def __repr__(self) -> str:
        if not self:
            return f"no finished round in {self.path}"
        return printable("\n".join([results_text(self._summaries), *self._notes, f"rows of every seed: {self.path}"]))

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(printable(note))}</p>" for note in self._notes)
        return f"{results_html(self._summaries)}{notes}" if self else f"<p>{html.escape(repr(self))}</p>"

    @property
    def _notes(self) -> list[str]:
        """What was not trained, one line each."""
        left = [f"{case}+{treatment} does not apply: {reason}" for case, treatment, reason in self.inapplicable]
        return [*left, *(f"failed: {error.message}" for error in self.failures)]


def _folder_of(run: Results | str | Path) -> RunFolder:
    return RunFolder(run.path if isinstance(run, Results) else Path(run))
