"""What a page tells, in its order: what was measured, how many learnt it, how the others failed, how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.text import Text

from benchsuite.comparison.gate import LEVEL
from benchsuite.comparison.runs import Change
from benchsuite.report.figures.changes import differences
from benchsuite.report.figures.errors import largest_error, r2
from benchsuite.report.figures.figure import Figure
from benchsuite.report.figures.learning import learning_curves
from benchsuite.report.figures.rates import outcomes, rates
from benchsuite.report.figures.starts import starts
from benchsuite.report.figures.times import costs, rounds, success
from benchsuite.report.figures.treatments import heatmap, swept
from benchsuite.report.terminal.changes import changes_table
from benchsuite.report.terminal.findings import claims, diagnostics, groups
from benchsuite.report.terminal.findings import starts as named_starts
from benchsuite.report.terminal.header import header_of
from benchsuite.report.terminal.overview import CASE
from benchsuite.report.terminal.tables import Column, Sheet, count
from benchsuite.report.terminal.treatments import Inapplicable, treatments
from benchsuite.results.claims import NOT_JUDGED
from benchsuite.results.outcome import DEFINITIONS
from benchsuite.results.result import Result
from benchsuite.results.summary import Record
from benchsuite.store.folder import RunFolder

#: Wide enough that no table is cut into several.
WIDTH = 10_000


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Args:
        name: unique on the page; links lead to it.
        title: above it.
        parts: figures, tables, and paragraphs.
    """

    name: str
    title: str
    parts: Sequence[Figure | Sheet | str]


@dataclass(frozen=True)
class Story:
    """All that a page is made from.

    Args:
        runs: the run folders.
        results: of all of them.
        reference: what they are compared with, by name; empty for nothing.
        changes: what has changed since.
    """

    runs: Sequence[RunFolder]
    results: Sequence[Result]
    reference: str = ""
    changes: Sequence[Change] = ()

    @property
    def plain(self) -> list[Result]:
        """The results of cases as they are, neither treated nor swept."""
        return [result for result in self.results if not result.record.treatment and not result.record.setting]

    @property
    def records(self) -> list[Record]:
        """The figures of cases as they are."""
        return [result.record for result in self.plain]

    @property
    def inapplicable(self) -> list[Inapplicable]:
        """The treatments that make no sense."""
        return [item for run in self.runs for item in run.inapplicable]


def sections(story: Story) -> list[Section]:
    """All sections that have something to show."""
    told = [
        Section("measured", "What was measured on what", _measured(story)),
        Section("learnt", "How many learnt it", list(_learnt(story))),
        Section("failed", "How the others failed", list(_failed(story))),
        Section("time", "How long it took", list(_time(story))),
        Section("error", "How small an error, how often", list(_error(story))),
        Section("learning", "How they learn", list(_learning(story))),
        Section("starts", "Where the starts lead", list(_starts(story))),
        Section("treatments", "What treatments change", list(_treated(story))),
        Section("claims", "What the sources say", list(_claims(story))),
        Section("changes", f"What has changed since {story.reference}", list(_changed(story))),
    ]
    return [section for section in told if section.parts]


def _measured(story: Story) -> list[Sheet | str]:
    facts = [_facts(run) for run in story.runs]
    names = list(dict.fromkeys(name for fact in facts for name in fact))
    machines = [Column("", lambda name: name, "left", "bold")]
    for place, run in enumerate(story.runs):
        title = run.path.name if len(story.runs) > 1 else "this run"
        machines.append(Column(title, partial(_fact, facts[place]), "left", folds=True))
    told = ["\n".join(header_of(run)) for run in story.runs]
    cases = story.records or [result.record for result in story.results]
    return [*dict.fromkeys(told), Sheet("The cases", cases, _CASES), Sheet("The machine in full", names, machines)]


_CASES = (
    CASE,
    Column("source", lambda r: r.source, "left", folds=True),
    Column("protocol", lambda r: r.protocol, "left"),
    Column("data", lambda r: r.dataset + (", a STAND-IN" if r.stand_in else ""), "left"),
    Column("success is", lambda r: r.criterion, "left"),
    Column("random starts", lambda r: count(r.seeds)),
    Column("version", lambda r: r.version, "left"),
)


def _fact(facts: Mapping[str, Any], name: str) -> str:
    return str(facts.get(name, "-"))


def _facts(run: RunFolder) -> dict[str, Any]:
    machine, settings = run.machine, run.settings
    versions = {name: value for name, value in machine.get("versions", {}).items() if value}
    return {
        "begun": run.content["created"],
        "device": f"{machine.get('device_count', '?')} × {machine.get('platform', '?')}, {machine.get('device', '?')}",
        "driver": machine.get("driver") or "-",
        "host": f"{machine.get('cpu', '?')}, {machine.get('cores', '?')} cores, {machine.get('memory_gib', '?')} GiB",
        "system": machine.get("os", "?"),
        "Python": machine.get("python", "?"),
        **versions,
        "precision": f"float32, {settings.get('precision', '?')} precision of matrix products",
        "commit of the working folder": run.content.get("commit") or "-",
        "validity of the timing": _validity(run),
    }


def _validity(run: RunFolder) -> str:
    if "conditions" not in run.content:
        return "not watched"
    return "; ".join(run.doubts) or "nothing disturbed it"


def _learnt(story: Story) -> Iterator[Figure | Sheet | str]:
    stand_in = [record for record in story.records if record.stand_in]
    if story.records:
        yield rates(story.records)
    if stand_in:
        yield (
            "On STAND-IN data, drawn by the suite in place of the real files, and not comparable with any other: "
            + "; ".join(sorted({f"{record.label}, because {record.data_origin}" for record in stand_in}))
        )


def _failed(story: Story) -> Iterator[Figure | Sheet | str]:
    if not story.records:
        return
    yield outcomes(story.records)
    seen = {name for record in story.records for name, n in record.outcomes.items() if n}
    yield Sheet(
        "What the words mean",
        [(outcome.value, meaning) for outcome, meaning in DEFINITIONS.items() if outcome.value in seen],
        (Column("outcome", lambda item: item[0], "left", "bold"), Column("meaning", lambda item: item[1], "left")),
    )
    yield from (sheet for sheet in (groups(story.records), diagnostics(story.records)) if sheet.rows)


def _time(story: Story) -> Iterator[Figure]:
    if story.records:
        yield success(story.records)
        yield costs(story.records)
        if even := rounds(story.records):
            yield even


def _error(story: Story) -> Iterator[Figure]:
    if story.plain:
        yield from filter(None, (r2(story.plain), largest_error(story.plain)))


def _learning(story: Story) -> Iterator[Figure]:
    yield from filter(None, map(learning_curves, story.plain))


def _starts(story: Story) -> Iterator[Figure | Sheet]:
    for result in story.plain:
        yield from starts(result)
    sheet = named_starts(story.records)
    if sheet.rows:
        yield sheet


def _treated(story: Story) -> Iterator[Figure | Sheet | str]:
    records = [result.record for result in story.results]
    if glance := heatmap(records):
        yield glance
    for figure in swept(records):
        yield figure
        yield "\n".join(figure.sheet.meanings)
    for part in treatments(story.results, story.inapplicable, WIDTH):
        if isinstance(part, Sheet):
            yield part
        elif isinstance(part, Text):
            yield part.plain.strip()


def _claims(story: Story) -> Iterator[Sheet | str]:
    """The judged ones before those of which the run says nothing."""
    for title, silent in (("", False), ("Of these this run says nothing", True)):
        sheet = claims(
            [
                replace(record, claims=[c for c in record.claims if (c["verdict"] == NOT_JUDGED) == silent])
                for record in story.records
            ]
        )
        if sheet.rows:
            yield replace(sheet, title=title)


def _changed(story: Story) -> Iterator[Figure | Sheet]:
    if story.changes:
        rate, speed = changes_table(story.changes, story.reference, LEVEL)
        figure = differences(story.changes, rate)
        yield figure or rate
        yield speed
