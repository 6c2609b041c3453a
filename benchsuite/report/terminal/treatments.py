"""Tables of treated cases: paired differences, cost, and a heat map of the rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import RenderableType
from rich.text import Text

from benchsuite.comparison import TreatmentComparison, compare_treatments
from benchsuite.report import count, interval, percent, points, seconds
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.tables import (
    UNTREATED,
    Sheet,
    directed_p_value,
    evaluations_per_step,
    failures,
    warning_notes,
)
from benchsuite.results import INAPPLICABLE, Result, Summary, Untrained

#: (case, treatment, reason why it does not apply), or a case that was not trained to the end.
Inapplicable = tuple[str, str, str] | Untrained

#: Below this adjusted p-value a difference is shown in colour.
_LEVEL = 0.05

_MEANINGS = (
    "change: treated minus untreated on the same seeds, in percentage points, with Newcombe's interval",
    "p: McNemar's exact test, two-sided, ↑ of a rise and ↓ of a drop, adjusted by Holm for all comparisons of the run",
    "fixed: failed untreated and converged treated; regressed: the reverse",
    "replay a listed seed with `benchsuite replay CASE --treatment … --seed N`",
    "step: device time for one step of one seed, failed ones too; ×: relative to the untreated case, with its interval",
)
_ALONE = "-: the run has no seeds of the untreated case to compare with"


def treatment_tables(
    results: Sequence[Result], inapplicable: Sequence[Inapplicable], width: int, *, timed: bool = True
) -> Iterator[RenderableType]:
    """Return the tables with their legend; none if nothing was treated.

    Args:
        results: of the run.
        inapplicable: treatments, or sweeps of them, that do not apply to a case or were not trained to the end.
        width: of the terminal.
        timed: whether times may be compared; not after warnings about the timing of the run.
    """
    compared, trained = compare_treatments(results, timed=timed), {result.summary.case for result in results}
    untrained = [item for item in map(as_untrained, inapplicable) if item.case in trained]
    for label in dict.fromkeys(comparison.summary.untreated_label for comparison in compared):
        of = _ranked([c for c in compared if c.summary.untreated_label == label])
        style = "red" if of[0].summary.stand_in else ""
        yield _differences(label, of, style)
        yield _costs(of, style)
    if compared:
        alone = [_ALONE] if any(comparison.untreated is None for comparison in compared) else []
        disturbed = [] if timed else ["The machine was disturbed: times are not compared."]
        yield Prose("\n".join([*_MEANINGS, *alone, *disturbed]), "dim")
        yield from _heatmaps([result.summary for result in results], untrained, width)
    if reasons := inapplicable_reasons([item for item in untrained if item.state == INAPPLICABLE]):
        yield Prose("\n".join(["", *reasons]), "dim")


def as_untrained(item: Inapplicable) -> Untrained:
    """Convert a triple (case, treatment, reason) of a treatment that does not apply."""
    return item if isinstance(item, Untrained) else Untrained(*item)


def _ranked(compared: Sequence[TreatmentComparison]) -> list[TreatmentComparison]:
    """Sort by rate; what has fewer seeds than others stands below all of them, in the order of the run."""
    most = max(comparison.summary.seeds for comparison in compared)
    whole = [comparison for comparison in compared if comparison.summary.seeds == most]
    rest = [comparison for comparison in compared if comparison.summary.seeds < most]
    return sorted(whole, key=lambda comparison: -comparison.summary.rate) + rest


def _not_ranked(compared: Sequence[TreatmentComparison]) -> list[str]:
    """Say which treatments are not ranked, as they have fewer seeds than others."""
    most = max(comparison.summary.seeds for comparison in compared)
    fewer = [c.summary for c in compared if c.summary.seeds < most]
    named = ", ".join(f"{summary.treatment} ({summary.seeds:,})" for summary in fewer)
    return [f"not ranked, as others have {most:,} seeds: {named}"] if fewer else []


def _untreated(comparison: TreatmentComparison) -> str:
    summary = comparison.untreated
    if summary is None:
        return f"{UNTREATED}: -"
    cost = f"{seconds(step_seconds(summary))} a step, {seconds(summary.device_seconds_per_converged)} per converged"
    return f"{UNTREATED}: {percent(summary.rate)}, {interval(summary.rate_interval)} of {summary.seeds:,} seeds; {cost}"


_TREATMENT = Column("treatment", lambda c: c.summary.treatment, "left", folds=True)


def _differences(label: str, compared: Sequence[TreatmentComparison], style: str) -> Sheet:
    columns = [
        _TREATMENT,
        Column("rate", lambda c: percent(c.summary.rate), style="bold"),
        Column("95 % interval", lambda c: interval(c.summary.rate_interval)),
        Column("change, points", _difference),
        Column("95 % interval", lambda c: points(*c.difference_interval) if c.difference_interval else "-"),
        Column("p", lambda c: directed_p_value(c.adjusted_p_value, c.difference or 0)),
    ]
    warnings = warning_notes(comparison.summary for comparison in compared)
    notes = [_untreated(compared[0]), *_not_ranked(compared), *warnings]
    return Sheet(f"Effect of treatments: {label}", compared, columns, notes, style)


def _difference(comparison: TreatmentComparison) -> Text:
    if comparison.difference is None:
        return Text("-", "dim")
    clear = comparison.adjusted_p_value is not None and comparison.adjusted_p_value < _LEVEL
    style = ("bold green" if comparison.difference > 0 else "bold red") if clear else "dim"
    return Text(points(comparison.difference), style)


def _costs(compared: Sequence[TreatmentComparison], style: str) -> Sheet:
    def step(comparison: TreatmentComparison) -> str:
        ratio = comparison.cost
        multiple = f" × {ratio.ratio:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""
        return seconds(step_seconds(comparison.summary)) + multiple

    columns = [
        _TREATMENT,
        Column("seeds", lambda c: count(c.seeds or c.summary.seeds)),
        Column("fixed", lambda c: _changed(c, c.fixed, c.fixed_seeds), "left", folds=True),
        Column("regressed", lambda c: _changed(c, c.regressed, c.regressed_seeds), "left", folds=True),
        Column("failed as", lambda c: failures(c.summary.outcomes), "left"),
        Column("step", step),
        Column("device time\nper converged", lambda c: seconds(c.summary.device_seconds_per_converged)),
    ]
    evaluations = [evaluations_per_step(comparison.summary) for comparison in compared]
    if set(evaluations) != {"1 gradient"}:
        columns.append(Column("evaluations\na step", lambda c: evaluations_per_step(c.summary)))
    return Sheet("", compared, columns, style=style)


def _changed(comparison: TreatmentComparison, total: int, seeds: Sequence[int]) -> str:
    if comparison.untreated is None:
        return "-"
    named = ", ".join([*map(str, seeds), *(["…"] if total > len(seeds) else [])])
    return f"{total:,}" + (f": {named}" if named else "")


def step_seconds(summary: Summary) -> float:
    """Return the device time of one step of one seed, in seconds."""
    return summary.device_seconds / summary.seeds / float(summary.time_to_success["censored_at"])


#: Columns that a cell of the heatmap takes, and the name before it.
_CELL, _NAME = 21, 24


def _heatmaps(summaries: Sequence[Summary], untrained: Sequence[Untrained], width: int) -> Iterator[Sheet]:
    """Heat maps of the rates, with as many cases side by side as fit the width."""
    cells = cells_of(summaries)
    cases = list(dict.fromkeys(case for case, _ in cells))
    rows = list(dict.fromkeys([name for _, name in cells] + [item.treatment for item in untrained]))
    states = {(item.case, item.treatment): item.state for item in untrained}

    def cell(case: str, name: str) -> Text:
        if summary := cells.get((case, name)):
            ends = interval(summary.rate_interval).removesuffix(" %")
            return Text(f" {percent(summary.rate):>7} {ends:>10} ", _shade(summary.rate))
        return Text(states.get((case.partition(" (")[0], name), ""), "dim")

    at_once = max(1, (width - _NAME) // _CELL)
    for first in range(0, len(cases), at_once):
        columns = [Column("treatment", lambda name: name or UNTREATED, "left", "bold", folds=True)]
        shown = cases[first : first + at_once]
        columns += [Column(case.replace(" (", "\n("), partial(cell, case)) for case in shown]
        yield Sheet("Convergence rate by treatment", rows, columns)


def cells_of(summaries: Sequence[Summary]) -> dict[tuple[str, str], Summary]:
    """Map (case with its marks, treatment) to its summary, without swept options."""
    return {(summary.untreated_label, summary.treatment): summary for summary in summaries if not summary.setting}


def _shade(rate: float) -> str:
    """A background from dark to light blue-green, and a legible text colour."""
    low, high = (38, 42, 61), (143, 222, 175)
    red, green, blue = (round(a + (b - a) * rate) for a, b in zip(low, high, strict=True))
    letters = "black" if rate > 1 / 2 else "white"
    return f"{letters} on rgb({red},{green},{blue})"


def inapplicable_reasons(inapplicable: Sequence[Untrained]) -> list[str]:
    """The reasons, with all cases of the same reason in one line."""
    cases: dict[tuple[str, str], list[str]] = {}
    for item in inapplicable:
        cases.setdefault((item.treatment, item.reason), []).append(item.case)
    return [f"{name or UNTREATED} does not apply to {', '.join(of)}: {why}" for (name, why), of in cases.items()]
