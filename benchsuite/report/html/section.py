"""Sections of the page of a run, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchsuite.comparison import LEVEL
from benchsuite.report import count, metric_name, percent
from benchsuite.report.figures import (
    ChartFigure,
    changes_figure,
    cost_figure,
    ladder_figures,
    largest_error_figure,
    learning_figure,
    r2_figure,
    rounds_figure,
    starts_figures,
    success_figure,
    sweep_figures,
)
from benchsuite.report.html.claims import ClaimGroup, claim_groups
from benchsuite.report.html.content import ReportContent
from benchsuite.report.html.matrix import Matrix
from benchsuite.report.terminal import (
    CASE,
    Column,
    Sheet,
    changes_table,
    diagnostics_table,
    groups_table,
    metrics_table,
    near_table,
    untrained_tables,
)
from benchsuite.report.terminal import starts_table as named_starts
from benchsuite.results import DEFINITIONS, REFUTED, Result, Summary
from benchsuite.store import RunFolder

#: From this number of cases on, figures are drawn when their panel is opened.
MANY = 10


@dataclass(frozen=True)
class Fold:
    """A part of a section that can be opened.

    Args:
        title: heading, shown when closed.
        parts: as in a section.
        name: unique on the page, target of links; empty for none.
        case: label of the only case that it shows, or empty.
        note: shown beside the title.
        is_open: whether it is open at first.
    """

    title: str
    parts: Sequence[Part]
    name: str = ""
    case: str = ""
    note: str = ""
    is_open: bool = False


Part = ChartFigure | Sheet | Matrix | ClaimGroup | Fold | str


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Args:
        name: unique on the page; target of links.
        title: heading.
        parts: figures, tables, matrices, claims, paragraphs, and what can be opened.
        style: class of the style sheet for its parts.
    """

    name: str
    title: str
    parts: Sequence[Part]
    style: str = "parts"


def sections(report: ReportContent) -> list[Section]:
    """Return the sections that have content."""
    many = len(report.plain) >= MANY
    shown = [result.summary for result in report.results]
    made = [
        Section("changes", f"Changes since {report.reference}", list(_changed(report))),
        Section("untrained", "Not trained to the end", _untitled(untrained_tables(report.inapplicable))),
        Section("claims", "Claims of the sources", list(_claims(report)), "stack"),
        Section("treatments", "Treatments", list(filter(None, [report.matrix])), "stack"),
        Section("ladders", "Ladders", ladder_figures(shown)),
        Section("sweeps", "Sweeps", sweep_figures(shown)),
        Section("distributions", "Steps and errors", _folded("Charts of all cases", list(_spread(report)), many)),
        Section("cases", "Cases", [_panel(result, is_open=not many) for result in report.plain], "panels"),
        Section("time", "Time", _folded("Charts of all cases", list(_time(report)), many)),
        Section("setup", "Setup", _setup(report)),
    ]
    return [section for section in made if section.parts]


def figures_of(parts: Iterable[Part]) -> Iterator[ChartFigure]:
    """Yield all figures among parts."""
    for part in parts:
        if isinstance(part, ChartFigure):
            yield part
        elif isinstance(part, Fold):
            yield from figures_of(part.parts)


def _folded(title: str, parts: list[Part], many: bool) -> list[Part]:
    return [Fold(title, parts)] if many and parts else parts


def _untitled(sheets: Iterable[Sheet]) -> list[Sheet]:
    """The tables without their titles, which their section has."""
    return [replace(sheet, title="") for sheet in sheets]


def _changed(report: ReportContent) -> Iterator[Part]:
    changes = report.changes
    if changes is None:
        return
    if changes.changed:
        rate, speed = changes_table(changes.changed, changes.reference, LEVEL)
        yield changes_figure(changes.changed, rate) or replace(rate, title="Rates")
        yield speed
    if changes.same:
        rate, speed = changes_table(changes.same, changes.reference, LEVEL)
        unchanged = [replace(rate, title="Rates"), speed]
        yield Fold(f"{len(changes.same)} unchanged", unchanged)


def _claims(report: ReportContent) -> Iterator[Part]:
    for group in claim_groups(report.summaries):
        yield group if group.verdict == REFUTED else Fold(group.title, [group])


def _spread(report: ReportContent) -> Iterator[Part]:
    if report.summaries:
        yield success_figure(report.summaries)
        yield from filter(None, (r2_figure(report.plain), largest_error_figure(report.plain)))


def _panel(result: Result, *, is_open: bool) -> Fold:
    summary = result.summary
    parts: list[Part] = [_described(summary), *_figures(result), *_tables(summary)]
    return Fold(summary.label, parts, panel_name(summary.label), summary.label, percent(summary.rate), is_open)


def panel_name(label: str) -> str:
    """Return the target of links to the panel of a case."""
    return f"case-{label}"


def _described(summary: Summary) -> str:
    outcomes = ", ".join(f"{n:,} {name}" for name, n in summary.outcomes.items() if n)
    data = f"{summary.dataset} (STAND-IN)" if summary.stand_in else summary.dataset
    return (
        f"{summary.source}\n{metric_name(summary.criterion)}; {summary.protocol} protocol; {data}; "
        f"of {summary.seeds:,} random starts {outcomes}"
    )


def _figures(result: Result) -> Iterator[ChartFigure]:
    figure = learning_figure(result)
    yield from ([figure] if figure else [])
    yield from starts_figures(result)


def _tables(summary: Summary) -> Iterator[Sheet]:
    """The tables of one case, without the column of its name."""
    for of in (groups_table, near_table, diagnostics_table, metrics_table, named_starts):
        sheet = of([summary])
        if sheet.rows:
            yield replace(sheet, columns=sheet.columns[1:])


def _time(report: ReportContent) -> Iterator[Part]:
    if not report.summaries:
        return
    if warnings := report.timing_warnings:
        yield f"The machine was disturbed, the times are not those of a quiet one: {'; '.join(warnings)}"
    yield cost_figure(report.summaries)
    if rounds := rounds_figure(report.summaries):
        yield rounds


def _setup(report: ReportContent) -> list[Part]:
    facts = [_facts(run) for run in report.runs]
    names = list(dict.fromkeys(name for fact in facts for name in fact))
    machines = [Column("", lambda name: name, "left", "bold")]
    for place, run in enumerate(report.runs):
        title = run.path.name if len(report.runs) > 1 else "this run"
        machines.append(Column(title, partial(_fact, facts[place]), "left", folds=True))
    cases = report.summaries or [result.summary for result in report.results]
    seen = {name for summary in cases for name, n in summary.outcomes.items() if n}
    outcomes = [(outcome.value, meaning) for outcome, meaning in DEFINITIONS.items() if outcome.value in seen]
    return [
        Sheet("Outcomes", outcomes, _OUTCOMES),
        Sheet("Cases", cases, _CASES),
        Sheet("Machine", names, machines),
    ]


_OUTCOMES = (
    Column("outcome", lambda item: item[0], "left", "bold"),
    Column("meaning", lambda item: item[1], "left", folds=True),
)

_CASES = (
    CASE,
    Column("source", lambda r: r.source, "left", folds=True),
    Column("protocol", lambda r: r.protocol, "left"),
    Column("data", lambda r: r.dataset + (" (STAND-IN)" if r.stand_in else ""), "left"),
    Column("criterion", lambda r: metric_name(r.criterion), "left"),
    Column("seeds", lambda r: count(r.seeds)),
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
