"""Tables of the changes of rates and speeds since a reference run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.comparison import LEVEL, CaseChange, Difference, Gate, RunResults, compare_runs
from benchsuite.report import count, per_second, percent, points
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.tables import Sheet, directed_p_value
from benchsuite.store import RunFolder, read_results

_MEANINGS = (
    "change: this run minus the reference, in percentage points; paired by seed where the seeds are the same",
    "fixed: seeds that failed in the reference and converged now; regressed: the reverse",
    "p: two-sided, ↑ of a rise and ↓ of a drop, by Holm's method over all cases",
    "tests: McNemar's exact test of pairs, Fisher's of others, Mann-Whitney of speeds",
    "ratio of speeds: of the geometric means of the rounds, with Welch's interval",
    "visible: smallest detectable drop; paired: if no seed is fixed; unpaired: with a power of 80 %",
)


def compare_tables(reference: RunFolder, now: RunFolder, texts: Sequence[str]) -> tuple[RenderableType, list[str]]:
    """Return the tables of changes between two runs, and the reasons for failed gates.

    Args:
        reference: run to compare with.
        now: run to compare.
        texts: gates, see `Gate.parse`.

    Raises:
        OptionError: the syntax of a gate is wrong.
        StoreError: a run is damaged.
    """
    gates = [Gate.parse(text) for text in texts]
    level = min((gate.level for gate in gates), default=LEVEL)
    before, after = (RunResults.of(folder, read_results(folder)) for folder in (reference, now))
    found = compare_runs(before, after, level)
    fallen = [reason for gate in gates for reason in gate.falls(found)]
    blind = [Prose(f"gate: {why}", "yellow") for gate in gates if (why := gate.blind(found))]
    return Group(*changes_table(found, str(reference.path), level), *blind), fallen


def changes_table(changes: Sequence[CaseChange], reference: str, level: float) -> Iterator[Sheet]:
    """Return the table of rates and the table of speeds with their legends.

    Args:
        changes: of every case.
        reference: name of the reference run.
        level: adjusted p-value up to which a difference is coloured.
    """
    rates = [
        Column("case", lambda c: c.label, "left", "bold", folds=True),
        Column("reference", lambda c: percent(c.rate.before) if c.rate else "-"),
        Column("rate", lambda c: percent(c.rate.after) if c.rate else "-", style="bold"),
        Column("change, points", lambda c: _difference(c.rate, level)),
        Column("95 % interval", lambda c: points(*c.rate.interval) if c.rate and c.rate.interval else "-"),
        Column("p", lambda c: _p(c.rate)),
        Column("fixed", lambda c: _paired(c.rate, "fixed")),
        Column("regressed", lambda c: _paired(c.rate, "regressed")),
        Column("visible, points", lambda c: points(-c.rate.visible) if c.rate and c.rate.visible is not None else "-"),
    ]
    speeds = [
        Column("case", lambda c: c.label, "left", "bold", folds=True),
        Column("reference, seeds/s", lambda c: per_second(c.speed.before) if c.speed else "-"),
        Column("seeds/s", lambda c: per_second(c.speed.after) if c.speed else "-", style="bold"),
        Column("ratio", lambda c: _ratio(c.speed, level)),
        Column("95 % interval", lambda c: _range(c.speed)),
        Column("p", lambda c: _p(c.speed)),
    ]
    yield Sheet(f"Changes since {reference}", changes, rates, _MEANINGS)
    yield Sheet("Speed", changes, speeds, _incomparable(changes))


def _difference(difference: Difference | None, level: float) -> Text:
    if difference is None:
        return Text("not comparable", "yellow")
    return Text(points(difference.after - difference.before), _style(difference, level))


def _ratio(difference: Difference | None, level: float) -> Text:
    if difference is None:
        return Text("not comparable", "yellow")
    if difference.interval is None:
        return Text("-")  # a single round
    return Text(f"× {math.sqrt(math.prod(difference.interval)):.2f}", _style(difference, level))


def _range(difference: Difference | None) -> str:
    return "{:.2f} to {:.2f}".format(*difference.interval) if difference and difference.interval else "-"


def _p(difference: Difference | None) -> str:
    if difference is None:
        return "-"
    return directed_p_value(difference.adjusted_p_value, difference.after - difference.before)


def _paired(difference: Difference | None, what: str) -> str:
    return count(difference.seeds[what]) if difference and difference.seeds is not None else "-"


def _style(difference: Difference, level: float) -> str:
    if difference.adjusted_p_value > level:
        return "dim"
    return "bold red" if difference.worse else "bold green"


def _incomparable(changes: Sequence[CaseChange]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for change in changes:
        for what, why in (("rate", change.rate_incomparable), ("speed", change.speed_incomparable)):
            if why and not (what == "speed" and why == change.rate_incomparable):
                reasons.setdefault(f"{what} not comparable: {why}", []).append(change.label)
    return [f"{why} ({', '.join(labels)})" for why, labels in reasons.items()]
