"""Tables of final errors, groups of starts, named starts, diagnostics, and claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from benchsuite.report import count, interval, metric_name, number, percent
from benchsuite.report.terminal.grid import Column
from benchsuite.report.terminal.tables import Sheet, failures
from benchsuite.results import HOLDS, NOT_JUDGED, REFUTED, Summary, summaries_judged_together

#: A summary and one of its groups, starts, diagnostics or claims.
_Item = tuple[Summary, dict[str, Any]]

_VERDICT_STYLES = {HOLDS: "green", REFUTED: "bold red", NOT_JUDGED: "dim"}


def detail_tables(summaries: Sequence[Summary]) -> Iterator[tuple[str, Sheet]]:
    """Return the tables that have rows, with the names of their sections."""
    sheets = {
        "errors": threshold_table(summaries),
        "metrics": metrics_table(summaries),
        "groups": groups_table(summaries),
        "starts": starts_table(summaries),
        "near": near_table(summaries),
        "diagnostics": diagnostics_table(summaries),
        "claims": claims_table(summaries_judged_together(summaries)),
    }
    return ((name, sheet) for name, sheet in sheets.items() if sheet.rows)


_ERROR = "ε of 10 %: 10 % quantile over the seeds of the largest absolute error on the evaluation data"


def _readings(summaries: Sequence[Summary]) -> list[str]:
    readings = {item["name"]: item["reading"] for summary in summaries for item in summary.diagnostics}
    return [f"{name}: {reading}" for name, reading in readings.items()]


def _tests(summaries: Sequence[Summary]) -> list[str]:
    claims = [claim for summary in summaries for claim in summary.claims]
    tests = sorted({claim["test"] for claim in claims if claim["test"]})
    reasons = sorted({claim["reason"] for claim in claims if claim["reason"]})
    together = sum(claim.get("adjusted_p_value") is not None for claim in claims)
    holm = [f"adjusted: by Holm's method over all {together} claims with a p-value; it gives the verdict"]
    return [
        *(f"tested by: {test}" for test in tests),
        *(holm if together else ()),
        *(f"not judged: {reason}" for reason in reasons),
    ]


def _items(summaries: Sequence[Summary], field: str) -> list[_Item]:
    return [(summary, item) for summary in summaries for item in getattr(summary, field)]


_CASE = Column("case", lambda item: item[0].label, "left", "bold", once=True)


def threshold_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the rates at R² thresholds and the quantiles of the largest error, where targets are real."""
    summaries = [summary for summary in summaries if summary.thresholds["r2"]]
    if not summaries:
        return Sheet("Final errors", [], [], [])

    def rung(place: int) -> Column:
        title = f"R² ≥\n{summaries[0].thresholds['r2'][place]['at_least']:g}"
        return Column(title, lambda summary: percent(summary.thresholds["r2"][place]["rate"]))

    def error(place: int) -> Column:
        title = f"ε of\n{100 * summaries[0].thresholds['largest_error'][place]['share']:g} %"
        return Column(title, lambda summary: number(summary.thresholds["largest_error"][place]["at_most"]))

    rungs = [rung(n) for n in range(len(summaries[0].thresholds["r2"]))]
    errors = [error(n) for n in range(len(summaries[0].thresholds["largest_error"]))]
    columns = [Column("case", lambda summary: summary.label, "left", "bold"), *rungs, *errors]
    return Sheet("Final errors", summaries, columns, [_ERROR])


def metrics_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the final metrics of cases that have no R²: the loss and their own."""

    def spread(item: _Item) -> str:
        return f"{number(item[1]['q05'])} to {number(item[1]['q95'])}"

    items: list[_Item] = [
        (summary, {"name": name, **spread})
        for summary in summaries
        if not summary.thresholds["r2"]
        for name, spread in summary.final.items()
        if not name.startswith("train.")
    ]
    columns = [
        _CASE,
        Column("metric", lambda item: item[1]["name"], "left"),
        Column("median", lambda item: number(item[1]["median"]), style="bold"),
        Column("90 % of the seeds", spread),
    ]
    return Sheet("Final metrics", items, columns, gap=2)


def groups_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the rate of each group of starts."""
    return Sheet(
        "Convergence rate by group of starts",
        _items(summaries, "groups"),
        [
            _CASE,
            Column("group", lambda item: item[1]["name"], "left"),
            Column("seeds", lambda item: count(item[1]["seeds"])),
            Column("converged", lambda item: count(item[1]["converged"])),
            Column("rate", lambda item: percent(item[1]["rate"]), style="bold"),
            Column("95 % interval", lambda item: interval(item[1]["rate_interval"])),
            Column("failed as", lambda item: failures(item[1]["outcomes"]).replace("\n", ", "), "left", folds=True),
        ],
    )


def starts_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the outcomes of named starts."""

    def values(item: _Item, field: str) -> str:
        return ", ".join(f"{name} = {number(value)}" for name, value in item[1][field].items())

    return Sheet(
        "Named starts (not part of any rate)",
        _items(summaries, "starts"),
        [
            _CASE,
            Column("start", lambda item: item[1]["name"], "left"),
            Column("from", lambda item: values(item, "start"), "left", folds=True),
            Column("to", lambda item: values(item, "end"), "left", folds=True),
            Column("outcome", lambda item: item[1]["outcome"], "left", "bold"),
            Column("steps", lambda item: count(item[1]["steps_to_success"])),
            Column("loss", lambda item: number(item[1]["final"]["loss"])),
        ],
        gap=2,
    )


#: The share of seeds near the bound from which on it is shown.
_NEAR_SHOWN = 0.05


def near_table(summaries: Sequence[Summary]) -> Sheet:
    """The share of seeds that other evaluation examples may well put on the other side of the bound."""
    near = [summary for summary in summaries if (summary.near_bound or 0) > _NEAR_SHOWN]
    return Sheet(
        "Seeds too near to the bound to tell",
        near,
        [
            Column("case", lambda summary: summary.label, "left", "bold"),
            Column("criterion", lambda summary: metric_name(summary.criterion), "left"),
            Column("within two standard errors", lambda summary: percent(summary.near_bound)),
        ],
        ["standard error: of a share of the evaluation examples; with more of them, fewer seeds are near"],
        gap=2,
    )


def diagnostics_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the diagnostics of trained models."""

    def spread(item: _Item) -> str:
        low, high = item[1]["q05"], item[1]["q95"]
        return "equal for all seeds" if low is not None and low == high else f"{number(low)} to {number(high)}"

    return Sheet(
        "Diagnostics",
        _items(summaries, "diagnostics"),
        [
            _CASE,
            Column("diagnostic", lambda item: item[1]["name"], "left"),
            Column("median", lambda item: number(item[1]["median"]), style="bold"),
            Column("5 % to 95 % quantile", spread),
        ],
        _readings(summaries),
        gap=2,
    )


def claims_table(summaries: Sequence[Summary]) -> Sheet:
    """Return a table of the claims of the sources with their verdicts."""

    def statement(item: _Item) -> str:
        summary, claim = item
        among = f" (starts with {claim['among']})" if claim["among"] else ""
        source = f" [{claim['source']}]" if claim["source"] != summary.source else ""
        check = f"\n{claim['said']}" if claim["verdict"] != NOT_JUDGED else ""
        return f"{claim['statement']}{among}{source}{check}"

    def verdict(item: _Item) -> Text:
        claim = item[1]
        p = f"\np = {claim['p_value']:.2g}" if claim["p_value"] is not None else ""
        if claim.get("adjusted_p_value") is not None:
            p += f"\nadjusted {claim['adjusted_p_value']:.2g}"
        return Text.assemble((claim["verdict"], _VERDICT_STYLES[claim["verdict"]]), p)

    return Sheet(
        "Claims of the sources",
        _items(summaries, "claims"),
        [
            _CASE,
            Column("claim and check", statement, "left", folds=True),
            Column("observed", lambda item: item[1]["found"] or "-", "left", folds=True),
            Column("verdict", verdict, "left"),
        ],
        _tests(summaries),
        gap=2,
    )
