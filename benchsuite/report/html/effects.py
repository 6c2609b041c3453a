"""The effects of treatments as a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchsuite.comparison import LEVEL, TreatmentComparison, compare_treatments
from benchsuite.report import count, interval, p_value, percent, points, seconds
from benchsuite.report.html.matrix import ABSENT, ALONE, BETTER, FAINT, LOST, WORSE, Matrix, MatrixCell, MatrixRow
from benchsuite.report.terminal import UNTREATED, Inapplicable, as_untrained, failures
from benchsuite.results import INAPPLICABLE, Result, Summary, Untrained


def treatment_matrix(results: Sequence[Result], inapplicable: Sequence[Inapplicable], *, timed: bool) -> Matrix | None:
    """Make the matrix of a run; None if nothing was treated.

    Args:
        results: of the run.
        inapplicable: treatments that do not apply to a case, or were not trained to the end.
        timed: whether times may be compared.
    """
    compared = compare_treatments(results, timed=timed)
    missing = [item for item in map(as_untrained, inapplicable) if item.treatment]
    if not compared and not any(item.state != INAPPLICABLE for item in missing):
        return None
    found = {(item.summary.untreated_label, item.summary.treatment): item for item in compared}
    names = [name for _, name in found] + [item.treatment for item in missing if item.state != INAPPLICABLE]
    treatments = list(dict.fromkeys(names))
    plain = {r.summary.label: r.summary for r in results if not r.summary.treatment and not r.summary.setting}
    cases = list(dict.fromkeys([*(case for case, _ in found), *_known(missing, plain)]))
    gaps = {(item.case, item.treatment): item for item in missing}
    rows = [_row(case, treatments, plain.get(case), found, gaps) for case in cases]
    notes = list(_notes(compared, timed=timed))
    return Matrix("effects", "Effect of treatments", "untreated", treatments, rows, notes, last="largest effect")


def _known(missing: Sequence[Untrained], plain: Mapping[str, Summary]) -> Iterator[str]:
    """The labels of the cases of which a treatment was not trained."""
    by_case = {summary.case: label for label, summary in plain.items()}
    yield from (by_case.get(item.case, item.case) for item in missing if item.state != INAPPLICABLE)


def _row(
    case: str,
    treatments: Sequence[str],
    untreated: Summary | None,
    found: Mapping[tuple[str, str], TreatmentComparison],
    gaps: Mapping[tuple[str, str], Untrained],
) -> MatrixRow:
    most = max((item.summary.seeds for (label, _), item in found.items() if label == case), default=0)
    name = case.partition(" (")[0]
    cells = [
        _compared(found[case, treatment], most) if (case, treatment) in found else _missing(gaps.get((name, treatment)))
        for treatment in treatments
    ]
    ends = interval(untreated.rate_interval) if untreated else ""
    return MatrixRow(case, percent(untreated.rate if untreated else None), ends, cells)


def _missing(item: Untrained | None) -> MatrixCell | None:
    if item is None:
        return None
    return MatrixCell(ABSENT if item.state == INAPPLICABLE else LOST, item.state, facts={"reason": item.reason})


def _compared(comparison: TreatmentComparison, most: int) -> MatrixCell:
    summary, difference = comparison.summary, comparison.difference
    planned = max(most, summary.planned_seeds)
    mark = f"{summary.seeds:,} of {planned:,} seeds" if summary.seeds < planned else ""
    if difference is None or comparison.difference_interval is None:
        return MatrixCell(ALONE, percent(summary.rate), interval(summary.rate_interval), mark, _facts(comparison))
    clear = comparison.adjusted_p_value is not None and comparison.adjusted_p_value < LEVEL
    kind = (BETTER if difference > 0 else WORSE) if clear else FAINT
    ends, size = points(*comparison.difference_interval), 0.0 if mark else abs(difference)
    return MatrixCell(kind, points(difference), ends, mark, _facts(comparison), size)


def _facts(comparison: TreatmentComparison) -> dict[str, str]:
    summary = comparison.summary
    facts = {
        "rate": f"{percent(summary.rate)}, {interval(summary.rate_interval)} of {summary.seeds:,} seeds",
        "failed as": failures(summary.outcomes).replace("\n", ", "),
    }
    if comparison.untreated is None:
        return facts | {UNTREATED: "no shared seeds to compare with"}
    return facts | {
        "p": f"{p_value(comparison.adjusted_p_value)} (McNemar's test, adjusted by Holm's method)",
        "fixed": _seeds(comparison.fixed, comparison.fixed_seeds),
        "regressed": _seeds(comparison.regressed, comparison.regressed_seeds),
        "compared seeds": count(comparison.seeds),
        "time of a step": _cost(comparison),
        "device time per success": seconds(summary.device_seconds_per_converged),
    }


def _cost(comparison: TreatmentComparison) -> str:
    if cost := comparison.cost:
        return f"× {cost.ratio:.2f} (95 % interval {cost.low:.2f} to {cost.high:.2f}) of the untreated case's"
    return "not compared: it needs two steady rounds of each, timed without disturbance"


def _seeds(total: int, named: Sequence[int]) -> str:
    listed = ", ".join([*map(str, named), *(["…"] if total > len(named) else [])])
    return f"{total:,}" + (f" (seed {listed})" if named else "")


def _notes(compared: Sequence[TreatmentComparison], *, timed: bool) -> Iterator[str]:
    yield (
        "A cell has the difference of the rate in percentage points, treated minus untreated on the same seeds, with"
        " its 95 % interval (Newcombe). It is coloured where it is significant at 5 % after Holm's correction over all"
        " comparisons. Open it for p, fixed and regressed seeds, and cost."
    )
    if not timed:
        yield "The machine was disturbed: times are not compared."
    warnings = {(c.summary.treatment, text): c.summary.case for c in compared for text in c.summary.warnings}
    yield from (f"Warning: {treatment} of {case}: {text}" for (treatment, text), case in warnings.items())
