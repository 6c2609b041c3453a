"""Tables of the rate at each value of an option: of a sweep, or of a ladder of cases."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from benchsuite import stats
from benchsuite.report import count, interval, percent
from benchsuite.report.terminal.grid import Column
from benchsuite.report.terminal.tables import Sheet, failures, median_steps, warning_notes
from benchsuite.results import Summary

#: Width of the plateau in rate, below the best rate.
TOLERANCE = 0.05

_BAR = 20


def sweep_tables(summaries: Sequence[Summary]) -> Iterator[Sheet]:
    """Return a table for each swept option with the plateau of its rate; of several options, for all combinations."""
    for name, swept in group_sweeps(summaries).items():
        options = swept_options(swept[0])
        best = describe_plateau(swept, options[0]) if len(options) == 1 else describe_best(swept)
        yield Sheet(f"{name} from {_span(swept)}", swept, (*_rates(*options), *_STEPS), [best, *warning_notes(swept)])


def _rates(*options: str) -> tuple[Column, ...]:
    return (
        *(Column(option, partial(_value, option), style="bold") for option in options),
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


def ladder_tables(summaries: Sequence[Summary]) -> Iterator[Sheet]:
    """A table for each ladder of cases, with a row for each value of its option."""
    for name, rungs in group_ladders(summaries).items():
        (option,) = swept_options(rungs[0])
        low, high = (_written(values_of(rungs[place])[option]) for place in (0, -1))
        published = any(published_rate(summary) is not None for summary in rungs)
        columns = (*_rates(option), *([_PUBLISHED] if published else []), *_STEPS)
        meanings = ["published: the share of starts that succeed according to the source"] if published else []
        yield Sheet(f"The ladder {name}: {option} from {low} to {high}", rungs, columns, meanings)


def published_rate(summary: Summary) -> float | None:
    """The rate that the source gives for an untreated case of a ladder, or None."""
    return None if summary.published is None or summary.treatment else 1 - summary.published


def group_ladders(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """The summaries of ladders with several cases, by ladder and treatment, in the order of the values."""
    found: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.ladder_name and not summary.setting:
            treatment = f"+{summary.treatment}" if summary.treatment else ""
            found.setdefault(_marked(summary.ladder_name + treatment, summary), []).append(summary)
    return {name: _ascending(of) for name, of in found.items() if len(of) > 1}


def _ascending(summaries: Sequence[Summary]) -> list[Summary]:
    return sorted(summaries, key=lambda summary: tuple(values_of(summary).values()))


def group_sweeps(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    """Group the summaries of swept values by case and options, in the order of the values."""
    swept: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.setting:
            swept.setdefault(f"{_name(summary)}: {' × '.join(swept_options(summary))}", []).append(summary)
    return {name: _ascending(of) for name, of in swept.items()}


def group_curves(swept: Sequence[Summary]) -> tuple[str, dict[str, list[Summary]]]:
    """Split the combinations of swept values into curves over the option with most values.

    Returns:
        The option, and {values of the other options: summaries}, such as "momentum = 0.9"; empty text for none.
    """
    counts = {option: len({values_of(summary)[option] for summary in swept}) for option in swept_options(swept[0])}
    option = max(counts, key=counts.__getitem__)
    curves: dict[str, list[Summary]] = {}
    for summary in swept:
        curves.setdefault(_setting({**values_of(summary)}, but=option), []).append(summary)
    return option, curves


def _setting(values: Mapping[str, float], but: str = "") -> str:
    return ", ".join(f"{option} = {_written(value)}" for option, value in values.items() if option != but)


def _written(value: float) -> str:
    """Format a value so that it can be typed again."""
    return repr(value).removesuffix(".0")


def _value(option: str, summary: Summary) -> str:
    return _written(values_of(summary)[option])


def swept_options(summary: Summary) -> list[str]:
    """The names of the options that were swept over, or that of the ladder."""
    return list(values_of(summary))


def values_of(summary: Summary) -> Mapping[str, float]:
    """The options that were swept over with their values, or that of the ladder."""
    return summary.setting or summary.rung


def _name(summary: Summary) -> str:
    return _marked(summary.id.partition("@")[0], summary)


def _marked(name: str, summary: Summary) -> str:
    return name + "".join(summary.label.partition(" (")[1:])


def _span(swept: Sequence[Summary]) -> str:
    options, number = swept_options(swept[0]), f"{len(swept)} values"
    ends = [sorted({values_of(summary)[option] for summary in swept}) for option in options]
    spans = " × ".join(f"{_written(values[0])} to {_written(values[-1])}" for values in ends)
    return f"{spans}, {number if len(options) == 1 else f'{len(swept)} combinations'}, {swept[0].seeds:,} seeds"


def rank(summary: Summary) -> tuple[float, float]:
    """A key that sorts by rate, and equal rates by the fewest expected steps per success."""
    steps = summary.time_to_success["expected_running_time"]
    return summary.rate, -(steps or math.inf)


def describe_best(swept: Sequence[Summary]) -> str:
    """Describe the best combination of values, and how many are near it."""
    best = max(swept, key=rank)
    if not best.rate:
        return "no seed converged at any combination"
    near = sum(summary.rate >= best.rate - TOLERANCE for summary in swept)
    what = "combinations" if len(swept[0].setting) > 1 else "values"
    return (
        f"best: {percent(best.rate)} at {_setting(best.setting)}{_ties(swept, best)};"
        f" rate within {100 * TOLERANCE:.0f} points of it at {near} of {len(swept)} {what}; {CHOSEN}"
    )


def _ties(swept: Sequence[Summary], best: Summary) -> str:
    tied = sum(summary.rate == best.rate for summary in swept)
    return f", with the fewest expected steps of {tied} that tie" if tied > 1 else ""


#: What the best value of a sweep is worth.
CHOSEN = "chosen on these seeds, so test it on others"


def describe_plateau(swept: Sequence[Summary], option: str) -> str:
    """Describe the plateau: the range of values of an option in which the rate stays near its best."""
    rates = [summary.rate for summary in swept]
    best = max(swept, key=rank)
    if not best.rate:
        return f"no seed converged at any value of {option}"
    first, last = stats.plateau(rates, TOLERANCE)
    low, high = (swept[place].setting[option] for place in (first, last))
    ratio = f", a factor of {high / low:.3g}" if low > 0 and high > low else ""
    ends = " and ".join(
        side for side, open_end in (("lower", first == 0), ("upper", last == len(swept) - 1)) if open_end
    )
    beyond = f"; open at the {ends} end of the sweep" if ends else ""
    at, points = _written(best.setting[option]) + _ties(swept, best), f"{100 * TOLERANCE:.0f} points"
    return (
        f"best: {percent(best.rate)} at {option} = {at}; plateau: rate within {points} of its best"
        f" from {_written(low)} to {_written(high)}{ratio}{beyond}; {CHOSEN}"
    )
