"""The content of a page: the results of its runs, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from benchsuite.report import Answer, AnswerRow
from benchsuite.report.html.changes import Changes
from benchsuite.report.html.effects import treatment_matrix
from benchsuite.report.html.matrix import Matrix
from benchsuite.report.terminal import Inapplicable
from benchsuite.results import Result, Summary, summaries_judged_together
from benchsuite.store import RunFolder


@dataclass(frozen=True)
class ReportContent:
    """The content of a page.

    Args:
        runs: the run folders.
        results: of all runs.
        changes: since a reference run; None without one.
    """

    runs: Sequence[RunFolder]
    results: Sequence[Result]
    changes: Changes | None = None

    @property
    def reference(self) -> str:
        """Name of the reference run, or empty."""
        return self.changes.reference if self.changes else ""

    @property
    def plain(self) -> list[Result]:
        """The results of cases that are neither treated nor swept."""
        return [result for result in self.results if not result.summary.treatment and not result.summary.setting]

    @cached_property
    def summaries(self) -> list[Summary]:
        """The summaries of cases that are neither treated nor swept, with their claims judged together."""
        return summaries_judged_together([result.summary for result in self.plain])

    @property
    def inapplicable(self) -> list[Inapplicable]:
        """The treatments that do not apply to a case, and what was not trained to the end."""
        found: list[Inapplicable] = []
        for run in self.runs:
            found += [*run.inapplicable, *run.untrained]
        return found

    @cached_property
    def answer(self) -> Answer:
        """The answer of all runs together."""
        untrained = [item for run in self.runs for item in run.untrained]
        return Answer.of([result.summary for result in self.results], untrained)

    @property
    def families(self) -> list[tuple[str, list[AnswerRow]]]:
        """The rows of the untreated cases by their family, which is empty where no two cases are of one."""
        rows = self.answer.untreated
        if len({row.family or row.case for row in rows}) == len(rows):
            return [("", rows)]
        ordered = sorted(rows, key=lambda row: list(dict.fromkeys(row.family for row in rows)).index(row.family))
        return [(family, list(of)) for family, of in groupby(ordered, key=lambda row: row.family)]

    @property
    def outcomes(self) -> Mapping[str, int]:
        """The outcomes of all seeds of the untreated cases."""
        return sum((Counter(row.outcomes) for row in self.answer.untreated), Counter())

    @property
    def tags(self) -> list[str]:
        """The tags of the untreated cases."""
        return sorted({tag for row in self.answer.untreated for tag in row.tags})

    @property
    def timing_warnings(self) -> list[str]:
        """Reasons to distrust the times, of all runs."""
        return list(dict.fromkeys(warning for run in self.runs for warning in run.timing_warnings))

    @cached_property
    def matrix(self) -> Matrix | None:
        """The effects of all treatments; None if nothing was treated."""
        return treatment_matrix(self.results, self.inapplicable, timed=not self.timing_warnings)

    @property
    def provenance(self) -> str:
        """Protocols, devices and versions in one line."""
        protocols = sorted({result.summary.protocol for result in self.results})
        devices = dict.fromkeys(f"{r.summary.device_count} × {r.summary.device}" for r in self.results)
        versions = dict.fromkeys(_versions(run) for run in self.runs)
        watched = all(run.load_was_measured for run in self.runs)
        timing = "timing disturbed" if self.timing_warnings else "" if watched else "timing not watched"
        days = dict.fromkeys(str(run.created)[:10] for run in self.runs)
        parts = (
            f"{' and '.join(protocols)} protocol",
            ", ".join(devices),
            ", ".join(versions),
            ", ".join(days),
            timing,
        )
        return " · ".join(filter(None, parts))


def _versions(run: RunFolder) -> str:
    versions = run.machine.get("versions", {})
    return ", ".join(f"{name} {versions[name]}" for name in ("benchsuite", "jax") if versions.get(name))
