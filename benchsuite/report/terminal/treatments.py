"""What treatments do, as tables for a terminal: each beside the untreated case, what it costs, and all at a glance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import RenderableType
from rich.text import Text

from benchsuite.comparison.treatments import Comparison, compare
from benchsuite.report.terminal.tables import (
    UNTREATED,
    Column,
    Sheet,
    count,
    failures,
    interval,
    p_value,
    percent,
    points,
    seconds,
)
from benchsuite.results.result import Result
from benchsuite.results.summary import Record

#: (case, treatment, why it makes no sense)
Inapplicable = tuple[str, str, str]

#: Below this adjusted p-value a difference is shown in colour.
_LEVEL = 0.05

_MEANINGS = (
    "difference: treated minus untreated on the same seeds, in points of a hundred, with Newcombe's interval",
    "p: McNemar's exact test, adjusted by Holm for all comparisons of the run",
    "cured: failed untreated and converged treated; broken: the other way round",
    "their first seeds can be looked at with `benchsuite replay CASE --treatment … --seed N`",
    "step: device time for one step of one seed, failed ones too; × as a multiple of the untreated case's in this run",
)
_ALONE = "-: the run has no seeds of the untreated case to compare with"


def treatments(results: Sequence[Result], inapplicable: Sequence[Inapplicable], width: int) -> Iterator[RenderableType]:
    """The tables, and what their words mean; none where nothing was treated.

    Args:
        results: of the run.
        inapplicable: which treatments, or sweeps of them, make no sense for which cases.
        width: of the terminal.
    """
    compared, trained = compare(results), {result.record.case for result in results}
    inapplicable = [item for item in inapplicable if item[0] in trained]
    for label in dict.fromkeys(comparison.record.untreated_label for comparison in compared):
        of = sorted((c for c in compared if c.record.untreated_label == label), key=lambda c: -c.record.rate)
        style = "red" if of[0].record.stand_in else ""
        yield _differences(label, of, style)
        yield _costs(of, style)
    if compared:
        alone = [_ALONE] if any(comparison.untreated is None for comparison in compared) else []
        yield Text("\n".join([*_MEANINGS, *alone]), "dim")
        yield from _heatmaps([result.record for result in results], inapplicable, width)
    if inapplicable:
        yield Text("\n".join(["", *_reasons(inapplicable)]), "dim")


def _untreated(comparison: Comparison) -> str:
    record = comparison.untreated
    if record is None:
        return f"{UNTREATED}: -"
    cost = f"{seconds(step_seconds(record))} a step, {seconds(record.device_seconds_per_converged)} per converged"
    return f"{UNTREATED}: {percent(record.rate)}, {interval(record.rate_interval)} of {record.seeds:,} seeds; {cost}"


_TREATMENT = Column("treatment", lambda c: c.record.treatment, "left", folds=True)


def _differences(label: str, compared: Sequence[Comparison], style: str) -> Sheet:
    columns = [
        _TREATMENT,
        Column("rate", lambda c: percent(c.record.rate), style="bold"),
        Column("95 % interval", lambda c: interval(c.record.rate_interval)),
        Column("difference", _difference),
        Column("95 % interval", lambda c: points(*c.difference_interval) if c.difference_interval else "-"),
        Column("p", lambda c: p_value(c.adjusted_p_value)),
    ]
    return Sheet(f"What treatments change: {label}", compared, columns, [_untreated(compared[0])], style)


def _difference(comparison: Comparison) -> Text:
    if comparison.difference is None:
        return Text("-", "dim")
    clear = comparison.adjusted_p_value is not None and comparison.adjusted_p_value < _LEVEL
    style = ("bold green" if comparison.difference > 0 else "bold red") if clear else "dim"
    return Text(points(comparison.difference), style)


def _costs(compared: Sequence[Comparison], style: str) -> Sheet:
    def step(comparison: Comparison) -> str:
        took, untreated = step_seconds(comparison.record), comparison.untreated
        return f"{seconds(took)} × {took / step_seconds(untreated):.2f}" if untreated else seconds(took)

    columns = [
        _TREATMENT,
        Column("seeds", lambda c: count(c.seeds or c.record.seeds)),
        Column("cured", lambda c: _changed(c, c.cured, c.cured_seeds), "left", folds=True),
        Column("broken", lambda c: _changed(c, c.broken, c.broken_seeds), "left", folds=True),
        Column("failed as", lambda c: failures(c.record.outcomes), "left"),
        Column("step", step),
        Column("device time\nper converged", lambda c: seconds(c.record.device_seconds_per_converged)),
    ]
    return Sheet("", compared, columns, style=style)


def _changed(comparison: Comparison, total: int, seeds: Sequence[int]) -> str:
    if comparison.untreated is None:
        return "-"
    named = ", ".join([*map(str, seeds), *(["…"] if total > len(seeds) else [])])
    return f"{total:,}" + (f": {named}" if named else "")


def step_seconds(record: Record) -> float:
    """The device time of one step of one seed."""
    return record.device_seconds / record.seeds / float(record.time_to_success["censored_at"])


#: Columns that a cell of the heatmap takes, and the name before it.
_CELL, _NAME = 17, 24


def _heatmaps(records: Sequence[Record], inapplicable: Sequence[Inapplicable], width: int) -> Iterator[Sheet]:
    """The rate at a glance, with as many cases beside each other as there is room for."""
    cells = cells_of(records)
    cases = list(dict.fromkeys(case for case, _ in cells))
    rows = list(dict.fromkeys([name for _, name in cells] + [name for _, name, _ in inapplicable]))
    refused = {(case, name) for case, name, _ in inapplicable}

    def cell(case: str, name: str) -> Text:
        if record := cells.get((case, name)):
            low, high = math.floor(100 * record.rate_interval[0]), math.ceil(100 * record.rate_interval[1])
            return Text(f" {percent(record.rate):>7} {f'{low}–{high}':>6} ", _shade(record.rate))
        return Text("does not apply" if (case.partition(" (")[0], name) in refused else "", "dim")

    at_once = max(1, (width - _NAME) // _CELL)
    for first in range(0, len(cases), at_once):
        columns = [Column("treatment", lambda name: name or UNTREATED, "left", "bold", folds=True)]
        shown = cases[first : first + at_once]
        columns += [Column(case.replace(" (", "\n("), partial(cell, case)) for case in shown]
        yield Sheet("The rate at a glance", rows, columns)


def cells_of(records: Sequence[Record]) -> dict[tuple[str, str], Record]:
    """The records that have a place in a table of cases × treatments, by (case with its marks, treatment)."""
    return {(record.untreated_label, record.treatment): record for record in records if not record.setting}


def _shade(rate: float) -> str:
    """A background from dark to light blue-green as the rate grows, with letters that can be read on it."""
    low, high = (38, 42, 61), (143, 222, 175)
    red, green, blue = (round(a + (b - a) * rate) for a, b in zip(low, high, strict=True))
    letters = "black" if rate > 1 / 2 else "white"
    return f"{letters} on rgb({red},{green},{blue})"


def _reasons(inapplicable: Sequence[Inapplicable]) -> list[str]:
    """Why, with the cases of which the same is true in one line."""
    cases: dict[tuple[str, str], list[str]] = {}
    for case, treatment, why in inapplicable:
        cases.setdefault((treatment, why), []).append(case)
    return [f"{name or UNTREATED} does not apply to {', '.join(of)}: {why}" for (name, why), of in cases.items()]
