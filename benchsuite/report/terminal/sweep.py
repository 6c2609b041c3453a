"""Tables of the rate at each value of a swept option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchsuite import stats
from benchsuite.report.terminal.tables import Column, Sheet, count, failures, interval, median_steps, percent
from benchsuite.results import Summary

#: Width of the plateau in rate, below the best rate.
TOLERANCE = 0.05

_BAR = 20


def sweep_tables(summaries: Sequence[Summary]) -> Iterator[Sheet]:
    """Return a table for each swept option with the plateau of its rate."""
    for name, swept in group_sweeps(summaries).items():
        option = option_of(swept[0])
        columns = [
            Column(option, partial(_value, option), style="bold"),
            Column("rate", lambda summary: percent(summary.rate), style="bold"),
            Column("95 % interval", lambda summary: interval(summary.rate_interval)),
            Column("", lambda summary: "█" * round(_BAR * summary.rate), "left"),
            Column("median steps\nto success", median_steps),
            Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
            Column("failed as", lambda r: failures(r.outcomes).replace("\n", ", "), "left", folds=True),
        ]
        yield Sheet(f"{name} from {_span(swept)}", swept, columns, [describe_plateau(swept)])


def group_sweeps(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """Group the summaries of swept values by case and option, in the order of the values."""
    swept: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.setting:
            swept.setdefault(f"{_name(summary)}: {option_of(summary)}", []).append(summary)
    return {name: sorted(of, key=lambda summary: summary.setting[option_of(summary)]) for name, of in swept.items()}


def _written(value: float) -> str:
    """Format a value so that it can be typed again."""
    return repr(value).removesuffix(".0")


def _value(option: str, summary: Summary) -> str:
    return _written(summary.setting[option])


def option_of(summary: Summary) -> str:
    """Return the name of the swept option."""
    (option,) = summary.setting
    return option


def _name(summary: Summary) -> str:
    marks = summary.label.partition(" (")[1:]
    return summary.id.partition("@")[0] + "".join(marks)


def _span(swept: Sequence[Summary]) -> str:
    low, high = (summary.setting[option_of(summary)] for summary in (swept[0], swept[-1]))
    return f"{_written(low)} to {_written(high)}, {len(swept)} values side by side, {swept[0].seeds:,} seeds"


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
