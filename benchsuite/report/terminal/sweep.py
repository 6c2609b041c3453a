"""Tables of the rate at each value of an option: of a sweep, or of a family of cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from benchsuite import stats
from benchsuite.report.terminal.tables import (
    Column,
    Sheet,
    count,
    failures,
    interval,
    median_steps,
    percent,
    warning_notes,
)
from benchsuite.results import Summary

#: Width of the plateau in rate, below the best rate.
TOLERANCE = 0.05

_BAR = 20


def sweep_tables(summaries: Sequence[Summary]) -> Iterator[Sheet]:
    """Return a table for each swept option with the plateau of its rate."""
    for name, swept in group_sweeps(summaries).items():
        option = option_of(swept[0])
        notes = [describe_plateau(swept), *warning_notes(swept)]
        yield Sheet(f"{name} from {_span(swept)}", swept, (*_rates(option), *_STEPS), notes)


def _rates(option: str) -> tuple[Column, ...]:
    return (
        Column(option, partial(_value, option), style="bold"),
        Column("rate", lambda summary: percent(summary.rate), style="bold"),
        Column("95 % interval", lambda summary: interval(summary.rate_interval)),
        Column("", lambda summary: "█" * round(_BAR * summary.rate), "left"),
    )


_STEPS = (
    Column("median steps\nto success", median_steps),
    Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
    Column("failed as", lambda r: failures(r.outcomes).replace("\n", ", "), "left", folds=True),
)

_PUBLISHED = Column("published", lambda summary: percent(published_rate(summary)))


def family_tables(summaries: Sequence[Summary]) -> Iterator[Sheet]:
    """A table for each family of cases, with a row for each value of its option."""
    for name, rungs in group_families(summaries).items():
        option, low, high = (
            option_of(rungs[0]),
            *(_written(values_of(rungs[place])[option_of(rungs[0])]) for place in (0, -1)),
        )
        published = any(published_rate(summary) is not None for summary in rungs)
        columns = (*_rates(option), *([_PUBLISHED] if published else []), *_STEPS)
        meanings = ["published: the share of starts that succeed according to the source"] if published else []
        yield Sheet(f"The family {name}: {option} from {low} to {high}", rungs, columns, meanings)


def published_rate(summary: Summary) -> float | None:
    """The rate that the source gives for an untreated case of a family, or None."""
    return None if summary.published is None or summary.treatment else 1 - summary.published


def group_families(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """The summaries of families with several cases, by family and treatment, in the order of the values."""
    found: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.family and not summary.setting:
            treatment = f"+{summary.treatment}" if summary.treatment else ""
            found.setdefault(_marked(summary.family + treatment, summary), []).append(summary)
    return {name: _ascending(of) for name, of in found.items() if len(of) > 1}


def _ascending(summaries: Sequence[Summary]) -> list[Summary]:
    return sorted(summaries, key=lambda summary: values_of(summary)[option_of(summary)])


def group_sweeps(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """Group the summaries of swept values by case and option, in the order of the values."""
    swept: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.setting:
            swept.setdefault(f"{_name(summary)}: {option_of(summary)}", []).append(summary)
    return {name: _ascending(of) for name, of in swept.items()}


def _written(value: float) -> str:
    """Format a value so that it can be typed again."""
    return repr(value).removesuffix(".0")


def _value(option: str, summary: Summary) -> str:
    return _written(values_of(summary)[option])


def option_of(summary: Summary) -> str:
    """The name of the option that was swept over, or that of the family."""
    (option,) = values_of(summary)
    return option


def values_of(summary: Summary) -> Mapping[str, float]:
    """The option that was swept over with its value, or that of the family."""
    return summary.setting or summary.rung


def _name(summary: Summary) -> str:
    return _marked(summary.id.partition("@")[0], summary)


def _marked(name: str, summary: Summary) -> str:
    return name + "".join(summary.label.partition(" (")[1:])


def _span(swept: Sequence[Summary]) -> str:
    low, high = (summary.setting[option_of(summary)] for summary in (swept[0], swept[-1]))
    return f"{_written(low)} to {_written(high)}, {len(swept)} values, {swept[0].seeds:,} seeds"


def describe_plateau(swept: Sequence[Summary]) -> str:
    """Describe the plateau: the range of values in which the rate stays near its best."""
    option, rates = option_of(swept[0]), [summary.rate for summary in swept]
    best = int(np.argmax(rates))
    if not rates[best]:
        return f"no seed converged at any value of {option}"
    first, last = stats.plateau(rates, TOLERANCE)
    low, high = (swept[place].setting[option] for place in (first, last))
    ratio = f", a factor of {high / low:.3g}" if low > 0 and high > low else ""
    ends = " and ".join(
        side for side, open_end in (("lower", first == 0), ("upper", last == len(swept) - 1)) if open_end
    )
    beyond = f"; open at the {ends} end of the sweep" if ends else ""
    at, points = _written(swept[best].setting[option]), f"{100 * TOLERANCE:.0f} points"
    return (
        f"best: {percent(rates[best])} at {option} = {at}; plateau: rate within {points} of its best"
        f" from {_written(low)} to {_written(high)}{ratio}{beyond}"
    )
