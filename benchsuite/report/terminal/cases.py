"""Cases: a list of one line each, and the description of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from benchsuite.case import Case, Schedule
from benchsuite.plugins import DeclaredCase, DeclaredLadder
from benchsuite.report import interval, per_second, percent
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.tables import FittedTable, Sheet, table
from benchsuite.variants import Treatment, Variant

if TYPE_CHECKING:
    from benchsuite.execution import EarlierRun

#: A case or a ladder by its name, with its cases.
_Listed = tuple[str, Sequence[DeclaredCase], DeclaredLadder | None]

_HISTORY = (
    Column("run", lambda item: item[0].run, "left", "bold"),
    Column("protocol", lambda item: item[0].plan.protocol, "left"),
    Column("seeds", lambda item: f"{item[1].seeds:,}"),
    Column("rate", lambda item: percent(item[1].rate), style="bold"),
    Column("95 % interval", lambda item: interval(item[1].rate_interval)),
    Column("seeds/s", lambda item: per_second(item[1].seeds_per_second)),
    Column("device", lambda item: item[0].plan.device, "left"),
)


def _task(item: _Listed) -> str:
    _, cases, ladder = item
    return f"{ladder.rungs}: {ladder.summary or cases[0].summary}" if ladder else cases[0].summary


def _each(cases: Sequence[DeclaredCase], text: Callable[[DeclaredCase], str]) -> str:
    """What the cases have in common, or all that they have."""
    return " or ".join(dict.fromkeys(map(text, cases)))


def _length(schedule: Schedule) -> str:
    return f"{schedule.length:,} {_unit(schedule, schedule.length)}"


def _unit(schedule: Schedule, number: int) -> str:
    return schedule.unit if number > 1 else schedule.unit.removesuffix("s")


_COLUMNS = (
    Column("case", lambda item: item[0], "left", "bold"),
    Column("family", lambda item: item[1][0].family, "left"),
    Column("tags", lambda item: ", ".join(item[1][0].tags), "left"),
    Column("seeds", lambda item: _each(item[1], lambda case: f"{case.schedule.seeds:,}")),
    Column("length", lambda item: _each(item[1], lambda case: _length(case.schedule)), "left"),
    Column("data", lambda item: _each(item[1], lambda case: case.data_name), "left"),
    Column("task", _task, "left"),
)

#: Cases that a list names; more are counted.
_NAMED = 6

_IMPORTANCE = ("case", "family", "tags", "task", "seeds", "length", "data")


def case_list(cases: Sequence[DeclaredCase], ladders: Mapping[str, DeclaredLadder]) -> RenderableType:
    """Return the list of cases, a line for each case or ladder."""
    found = groupby(cases, lambda case: case.rung.ladder if case.rung else case.name)
    listed = [(name, list(group), ladders.get(name)) for name, group in found]
    table = FittedTable(listed, _COLUMNS, _IMPORTANCE, "task", "`benchsuite show CASE` shows all of a case")
    rungs = sum(len(of) for _, of, ladder in listed if ladder)
    ladder_count = sum(ladder is not None for _, _, ladder in listed)
    of_ladders = f", {rungs} of them in {ladder_count} ladders" if rungs else ""
    return Group(table, Prose(f"{len(cases)} cases{of_ladders}", "dim"))


def treatment_list(treatments: Sequence[Treatment], variants: Sequence[Variant]) -> RenderableType:
    """Return the list of treatments with their options, sources and the cases that they apply to.

    Args:
        treatments: to list.
        variants: cases with each of them, applied or not.
    """

    def applies(item: Treatment) -> str:
        cases = [variant.treated is not None for variant in variants if variant.treatment == item.name]
        names = [variant.case for variant in variants if variant.treatment == item.name and variant.treated]
        return ", ".join(names) or "-" if len(names) <= _NAMED else f"{len(names)} of {len(cases)} cases"

    columns = [
        Column("treatment", lambda item: item.name, "left", "bold"),
        Column("options", lambda item: _options(item.options), "left", folds=True),
        Column("change and source", lambda item: f"{item.summary}\n{item.source}", "left", folds=True),
        Column("applies to", applies, "left", folds=True),
    ]
    return table(treatments, columns)


def case_description(case: Case, variants: Sequence[Variant], history: Sequence[EarlierRun]) -> RenderableType:
    """Return all that is known of a case, for people.

    Args:
        case: to describe.
        variants: the case with each treatment, applied or not.
        history: earlier runs on this machine, the newest first.
    """
    return Group(
        Prose(f"{case.name}: {case.summary}", "bold"),
        *(Prose(f"{name}: {text}") for name, text in _facts(case) if text),
        *_claims(case),
        *_treatments(variants),
        *_history(history),
        Prose(f"next: `benchsuite run {case.name}`; one seed: `benchsuite replay {case.name} --seed 0`", "dim"),
    )


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    yield "source", case.source
    yield "family", case.family
    yield "tags", ", ".join(case.tags)
    yield "ladder", f"{case.rung.ladder}, {case.rung.option} = {case.rung.value!r}" if case.rung else ""
    yield "data", case.data_name
    yield "source protocol", _protocol(case.schedule)
    yield "quick protocol", _protocol(case.quick) if case.quick else "the same"
    yield "criterion", f"{case.criterion}" + (f" at the {case.criterion.when}" if case.criterion.when == "last" else "")
    yield "type of numbers", case.dtype
    yield "named starts", ", ".join(case.starts)
    yield "groups of starts", ", ".join(case.groups)
    yield "diagnostics", "; ".join(f"{item.name} ({item.reading})" for item in case.diagnostics)
    yield "options of the model", _options(case.model_options)
    yield "options of the optimiser", _options(case.optimizer_options)


def _options(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items() if isinstance(value, int | float | str))


def _protocol(schedule: Schedule) -> str:
    every = f"{schedule.evaluate_every:,} {_unit(schedule, schedule.evaluate_every)}"
    return f"{_length(schedule)}, evaluated every {every}, {schedule.seeds:,} seeds"


def _claims(case: Case) -> Iterator[Prose]:
    if case.claims:
        yield Prose(f"claims of the source, {len(case.claims)}:")
    for claim in case.claims:
        yield Prose(f"- {claim.statement} ({claim.check})")


def _treatments(variants: Sequence[Variant]) -> Iterator[Prose]:
    treated = [variant for variant in variants if variant.treatment]
    yield Prose(f"treatments that apply: {', '.join(v.treatment for v in treated if v.treated) or 'none'}")
    reasons: dict[str, list[str]] = {}
    for variant in treated:
        if variant.error:
            reasons.setdefault(variant.error.message, []).append(variant.treatment)
    yield from (Prose(f"- {', '.join(names)}: {why}", "dim") for why, names in reasons.items())


def _history(history: Sequence[EarlierRun]) -> Iterator[RenderableType]:
    rows = [(run, summary) for run in history for summary in run.summaries if not summary.setting]
    if rows:
        yield Sheet("Earlier runs in .benchsuite", rows, _HISTORY, gap=2)
    else:
        yield Prose("earlier runs in .benchsuite: none")
