"""What treatments do, as tables for a terminal: each beside the untreated case, what it costs, and all at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from benchsuite.comparison import Comparison, compare
from benchsuite.record import Record
from benchsuite.report.tables import Column, count, interval, part, percent, points, seconds, table
from benchsuite.result import Result

#: (case, treatment, why it makes no sense)
Inapplicable = tuple[str, str, str]

#: Below this adjusted p-value a difference is shown in colour.
_LEVEL = 0.05

#: What the row of the untreated cases is called.
UNTREATED = "untreated"

_MEANINGS = (
    "difference: treated minus untreated on the same seeds, in points of a hundred, with Newcombe's interval",
    "p: McNemar's exact test, adjusted by Holm for all comparisons of the run",
    "cured: failed untreated and converged treated; broken: the other way round",
)
_ALONE = "-: the run has no seeds of the untreated case to compare with"
_COSTS = (
    "step: device time for one step of one seed, failed ones too; as a multiple of the untreated case's in this run",
    "seeds: look at one with `benchsuite replay CASE+TREATMENT --seed N`",
)


def treatments(results: Sequence[Result], inapplicable: Sequence[Inapplicable]) -> Iterator[RenderableType]:
    """The tables, each below its title and above what its words mean; none where nothing was treated."""
    compared = sorted(compare(results), key=lambda c: (c.record.case, c.record.label.count("("), -c.record.rate))
    if not compared:
        return
    alone = [_ALONE] if any(comparison.untreated is None for comparison in compared) else []
    yield from part("What treatments change, seed by seed", _differences(compared), [*_MEANINGS, *alone])
    yield from part("What they cost, and seeds to replay", _costs(compared), _COSTS)
    records = [result.record for result in results if not result.record.setting]
    yield from part("The rate at a glance", _heatmap(records, inapplicable), _reasons(inapplicable))


_CASE = Column("case", lambda c: c.record.label.replace(f"+{c.record.treatment}", "", 1), "left", "bold", once=True)
_TREATMENT = Column("treatment", lambda c: c.record.treatment, "left")


def _differences(compared: Sequence[Comparison]) -> Table:
    return table(
        compared,
        [
            _CASE,
            _TREATMENT,
            Column("seeds", lambda c: count(c.seeds or c.record.seeds)),
            Column("rate", lambda c: percent(c.record.rate), style="bold"),
            Column("95 % interval", lambda c: interval(c.record.rate_interval)),
            Column("difference", _difference),
            Column("95 % interval", lambda c: points(*c.difference_interval) if c.difference_interval else "-"),
            Column("p", lambda c: "-" if c.adjusted_p_value is None else f"{c.adjusted_p_value:.2g}"),
            Column("cured", lambda c: count(c.cured) if c.untreated else "-"),
            Column("broken", lambda c: count(c.broken) if c.untreated else "-"),
        ],
        gap=1,
    )


def _difference(comparison: Comparison) -> Text:
    if comparison.difference is None:
        return Text("-", "dim")
    clear = comparison.adjusted_p_value is not None and comparison.adjusted_p_value < _LEVEL
    style = ("bold green" if comparison.difference > 0 else "bold red") if clear else "dim"
    return Text(points(comparison.difference), style)


def _costs(compared: Sequence[Comparison]) -> Table:
    def multiple(comparison: Comparison) -> str:
        untreated = comparison.untreated
        return f"× {step_seconds(comparison.record) / step_seconds(untreated):.2f}" if untreated else "-"

    def before(comparison: Comparison) -> str:
        return seconds(comparison.untreated.device_seconds_per_converged) if comparison.untreated else "-"

    return table(
        compared,
        [
            _CASE,
            _TREATMENT,
            Column("step", lambda c: seconds(step_seconds(c.record))),
            Column("", multiple),
            Column("device time\nper converged", lambda c: seconds(c.record.device_seconds_per_converged)),
            Column("untreated", before),
            Column("expected steps\nper success", lambda c: count(c.record.time_to_success["expected_running_time"])),
            Column("cured seeds", lambda c: _seeds(c.cured_seeds, c.cured), "left", folds=True),
            Column("broken seeds", lambda c: _seeds(c.broken_seeds, c.broken), "left", folds=True),
        ],
        gap=1,
    )


def step_seconds(record: Record) -> float:
    """The device time of one step of one seed."""
    return record.device_seconds / record.seeds / float(record.time_to_success["censored_at"])


def _seeds(named: Sequence[int], total: int) -> str:
    return ", ".join([*(f"{seed}" for seed in named), *(["…"] if total > len(named) else [])]) or "-"


def _heatmap(records: Sequence[Record], inapplicable: Sequence[Inapplicable]) -> Table:
    cells = cells_of(records)
    cases = list(dict.fromkeys(case for case, _ in cells))
    rows = list(dict.fromkeys([treatment for _, treatment in cells] + [treatment for _, treatment, _ in inapplicable]))
    refused = {(case, treatment) for case, treatment, _ in inapplicable}

    def cell(case: str, treatment: str) -> Text:
        if record := cells.get((case, treatment)):
            low, high = (f"{100 * end:.0f}" for end in record.rate_interval)
            return Text(f" {percent(record.rate):>7} {f'{low}–{high}':>6} ", _shade(record.rate))
        short = case.partition(" (")[0]
        return Text("does not apply" if (short, treatment) in refused else "", "dim")

    columns = [Column("treatment", lambda name: name or UNTREATED, "left", "bold")]
    columns += [Column(case.replace(" (", "\n("), partial(cell, case)) for case in cases]
    return table(rows, columns, gap=1)


def cells_of(records: Sequence[Record]) -> dict[tuple[str, str], Record]:
    """The records that have a place in a table of cases × treatments, by (case with its marks, treatment)."""
    return {
        (record.label.replace(f"+{record.treatment}", "", 1), record.treatment): record
        for record in records
        if not record.setting
    }


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
