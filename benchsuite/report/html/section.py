"""Sections of the page of a run, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.text import Text

from benchsuite.comparison import LEVEL, CaseChange
from benchsuite.report.figures import (
    ChartFigure,
    changes_figure,
    cost_figure,
    ladder_figures,
    largest_error_figure,
    learning_figure,
    outcomes_figure,
    r2_figure,
    rates_figure,
    rounds_figure,
    starts_figures,
    success_figure,
    sweep_figures,
    treatments_figure,
)
from benchsuite.report.terminal import (
    CASE,
    Column,
    Inapplicable,
    Sheet,
    changes_table,
    claims_table,
    constant_notes,
    count,
    diagnostics_table,
    groups_table,
    header_lines_of,
    metrics_table,
    near_table,
    treatment_tables,
    untrained_tables,
)
from benchsuite.report.terminal import starts_table as named_starts
from benchsuite.results import DEFINITIONS, NOT_JUDGED, Result, Summary, summaries_judged_together
from benchsuite.store import RunFolder

#: Width at which no table is split.
WIDTH = 10_000


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Args:
        name: unique on the page; target of links.
        title: heading.
        parts: figures, tables, and paragraphs.
    """

    name: str
    title: str
    parts: Sequence[ChartFigure | Sheet | str]


@dataclass(frozen=True)
class ReportContent:
    """The content of a page.

    Args:
        runs: the run folders.
        results: of all runs.
        reference: name of the reference run; empty for none.
        changes: since the reference.
    """

    runs: Sequence[RunFolder]
    results: Sequence[Result]
    reference: str = ""
    changes: Sequence[CaseChange] = ()

    @property
    def plain(self) -> list[Result]:
        """The results of cases that are neither treated nor swept."""
        return [result for result in self.results if not result.summary.treatment and not result.summary.setting]

    @property
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


def sections(report: ReportContent) -> list[Section]:
    """Return the sections that have content."""
    made = [
        Section("measured", "Setup", _measured(report)),
        Section("learnt", "Convergence rate", list(_learnt(report))),
        Section("untrained", "Not trained to the end", _untitled(untrained_tables(report.inapplicable))),
        Section("failed", "Outcomes", list(_failed(report))),
        Section("ladders", "Ladders", list(_ladders(report))),
        Section("time", "Time", list(_time(report))),
        Section("error", "Final errors", list(_error(report))),
        Section("learning", "Learning curves", list(_learning(report))),
        Section("starts", "Starts", list(_starts(report))),
        Section("treatments", "Treatments", list(_treated(report))),
        Section("claims", "Claims of the sources", list(_claims(report))),
        Section("changes", f"Changes since {report.reference}", list(_changed(report))),
    ]
    return [section for section in made if section.parts]


def _untitled(sheets: Iterable[Sheet]) -> list[Sheet]:
    """The tables without their titles, which their section has."""
    return [replace(sheet, title="") for sheet in sheets]


def _measured(report: ReportContent) -> list[Sheet | str]:
    facts = [_facts(run) for run in report.runs]
    names = list(dict.fromkeys(name for fact in facts for name in fact))
    machines = [Column("", lambda name: name, "left", "bold")]
    for place, run in enumerate(report.runs):
        title = run.path.name if len(report.runs) > 1 else "this run"
        machines.append(Column(title, partial(_fact, facts[place]), "left", folds=True))
    headers = ["\n".join(header_lines_of(run)) for run in report.runs]
    cases = report.summaries or [result.summary for result in report.results]
    return [*dict.fromkeys(headers), Sheet("Cases", cases, _CASES), Sheet("Machine", names, machines)]


_CASES = (
    CASE,
    Column("source", lambda r: r.source, "left", folds=True),
    Column("protocol", lambda r: r.protocol, "left"),
    Column("data", lambda r: r.dataset + (" (STAND-IN)" if r.stand_in else ""), "left"),
    Column("criterion", lambda r: r.criterion, "left"),
    Column("random starts", lambda r: count(r.seeds)),
    Column("version", lambda r: r.version, "left"),
)


def _fact(facts: Mapping[str, Any], name: str) -> str:
    return str(facts.get(name, "-"))


def _facts(run: RunFolder) -> dict[str, Any]:
    machine, settings = run.machine, run.settings
    versions = {name: value for name, value in machine.get("versions", {}).items() if value}
    return {
        "started": run.created,
        "device": f"{machine.get('device_count', '?')} × {machine.get('platform', '?')}, {machine.get('device', '?')}",
        "driver": machine.get("driver") or "-",
        "host": f"{machine.get('cpu', '?')}, {machine.get('cores', '?')} cores, {machine.get('memory_gib', '?')} GiB",
        "system": machine.get("os", "?"),
        "Python": machine.get("python", "?"),
        **versions,
        "type of numbers": str(settings.get("dtype") or "float32"),
        "precision": f"{settings.get('precision', '?')} precision of matrix products",
        "commit of the working folder": run.commit or "-",
        "timing warnings": _validity(run),
    }


def _validity(run: RunFolder) -> str:
    if not run.load_was_measured:
        return "load was not measured"
    return "; ".join(run.timing_warnings) or "none"


def _learnt(report: ReportContent) -> Iterator[ChartFigure | Sheet | str]:
    stand_in = [summary for summary in report.summaries if summary.stand_in]
    if report.summaries:
        yield rates_figure(report.summaries)
    yield from constant_notes(report.summaries)
    if stand_in:
        yield (
            "On STAND-IN data (synthetic, in place of the real files), not comparable with other results: "
            + "; ".join(sorted({f"{summary.label}, because {summary.data_origin}" for summary in stand_in}))
        )


def _failed(report: ReportContent) -> Iterator[ChartFigure | Sheet | str]:
    if not report.summaries:
        return
    yield outcomes_figure(report.summaries)
    seen = {name for summary in report.summaries for name, n in summary.outcomes.items() if n}
    yield Sheet(
        "Definitions of the outcomes",
        [(outcome.value, meaning) for outcome, meaning in DEFINITIONS.items() if outcome.value in seen],
        (Column("outcome", lambda item: item[0], "left", "bold"), Column("meaning", lambda item: item[1], "left")),
    )
    sheets = (of(report.summaries) for of in (groups_table, near_table, diagnostics_table))
    yield from (sheet for sheet in sheets if sheet.rows)


def _ladders(report: ReportContent) -> list[ChartFigure]:
    return ladder_figures([result.summary for result in report.results])


def _time(report: ReportContent) -> Iterator[ChartFigure]:
    if report.summaries:
        yield success_figure(report.summaries)
        yield cost_figure(report.summaries)
        if even := rounds_figure(report.summaries):
            yield even


def _error(report: ReportContent) -> Iterator[ChartFigure | Sheet]:
    if report.plain:
        yield from filter(None, (r2_figure(report.plain), largest_error_figure(report.plain)))
    sheet = metrics_table(report.summaries)
    if sheet.rows:
        yield sheet


def _learning(report: ReportContent) -> Iterator[ChartFigure]:
    yield from filter(None, map(learning_figure, report.plain))


def _starts(report: ReportContent) -> Iterator[ChartFigure | Sheet]:
    for result in report.plain:
        yield from starts_figures(result)
    sheet = named_starts(report.summaries)
    if sheet.rows:
        yield sheet


def _treated(report: ReportContent) -> Iterator[ChartFigure | Sheet | str]:
    summaries = [result.summary for result in report.results]
    if glance := treatments_figure(summaries, report.inapplicable):
        yield glance
    swept = sweep_figures(summaries)
    yield from swept
    yield from dict.fromkeys("\n".join(figure.sheet.meanings) for figure in swept)
    for part in treatment_tables(report.results, report.inapplicable, WIDTH):
        if isinstance(part, Sheet):
            yield part
        elif isinstance(part, Text):
            yield part.plain.strip()


def _claims(report: ReportContent) -> Iterator[Sheet | str]:
    """The judged claims before those that this run cannot judge."""
    for title, silent in (("", False), ("Claims not judged in this run", True)):
        sheet = claims_table(
            [
                replace(summary, claims=[c for c in summary.claims if (c["verdict"] == NOT_JUDGED) == silent])
                for summary in report.summaries
            ]
        )
        if sheet.rows:
            yield replace(sheet, title=title)


def _changed(report: ReportContent) -> Iterator[ChartFigure | Sheet]:
    if report.changes:
        rate, speed = changes_table(report.changes, report.reference, LEVEL)
        figure = changes_figure(report.changes, rate)
        yield figure or rate
        yield speed
