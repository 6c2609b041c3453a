"""What stands behind the rates, as tables for a terminal: kinds of start, errors, causes, and the sources' claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from benchsuite.report.terminal.tables import Column, Sheet, count, failures, interval, number, percent
from benchsuite.results.claims import HOLDS, NOT_JUDGED, REFUTED
from benchsuite.results.summary import Record

#: A record and one of its groups, starts, diagnostics or claims.
_Item = tuple[Record, dict[str, Any]]

_VERDICT_STYLES = {HOLDS: "green", REFUTED: "bold red", NOT_JUDGED: "dim"}


def findings(records: Sequence[Record]) -> Iterator[Sheet]:
    """The tables that have something to show."""
    sheets = ladder(records), groups(records), starts(records), diagnostics(records), claims(records)
    return (sheet for sheet in sheets if sheet.rows)


_ERROR = "ε of 10 %: the largest absolute error on the evaluation data among the best tenth of the seeds"


def _readings(records: Sequence[Record]) -> list[str]:
    readings = {item["name"]: item["reading"] for record in records for item in record.diagnostics}
    return [f"{name}: {reading}" for name, reading in readings.items()]


def _tests(records: Sequence[Record]) -> list[str]:
    claims = [claim for record in records for claim in record.claims]
    tests = sorted({claim["test"] for claim in claims if claim["test"]})
    reasons = sorted({claim["reason"] for claim in claims if claim["reason"]})
    return [*(f"tested by: {test}" for test in tests), *(f"not judged: {reason}" for reason in reasons)]


def _items(records: Sequence[Record], field: str) -> list[_Item]:
    return [(record, item) for record in records for item in getattr(record, field)]


_CASE = Column("case", lambda item: item[0].label, "left", "bold", once=True)


def ladder(records: Sequence[Record]) -> Sheet:
    """How small an error is reached how often; there must be a record."""

    def rung(place: int) -> Column:
        title = f"R² ≥\n{records[0].ladder['r2'][place]['at_least']:g}"
        return Column(title, lambda record: percent(record.ladder["r2"][place]["rate"]))

    def error(place: int) -> Column:
        title = f"ε of\n{100 * records[0].ladder['largest_error'][place]['share']:g} %"
        return Column(title, lambda record: number(record.ladder["largest_error"][place]["at_most"]))

    rungs = [rung(n) for n in range(len(records[0].ladder["r2"]))]
    errors = [error(n) for n in range(len(records[0].ladder["largest_error"]))]
    columns = [Column("case", lambda record: record.label, "left", "bold"), *rungs, *errors]
    return Sheet("How small an error, how often", records, columns, [_ERROR])


def groups(records: Sequence[Record]) -> Sheet:
    """The rate of each kind of start."""
    return Sheet(
        "The rate by how the seeds started",
        _items(records, "groups"),
        [
            _CASE,
            Column("started with", lambda item: item[1]["name"], "left"),
            Column("seeds", lambda item: count(item[1]["seeds"])),
            Column("converged", lambda item: count(item[1]["converged"])),
            Column("rate", lambda item: percent(item[1]["rate"]), style="bold"),
            Column("95 % interval", lambda item: interval(item[1]["rate_interval"])),
            Column("failed as", lambda item: failures(item[1]["outcomes"]).replace("\n", ", "), "left", folds=True),
        ],
    )


def starts(records: Sequence[Record]) -> Sheet:
    """Where the starts that a case names lead."""

    def values(item: _Item, field: str) -> str:
        return ", ".join(f"{name} = {number(value)}" for name, value in item[1][field].items())

    return Sheet(
        "Named starts, which are not part of any rate",
        _items(records, "starts"),
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


def diagnostics(records: Sequence[Record]) -> Sheet:
    """What a case measures of every trained model."""

    def spread(item: _Item) -> str:
        low, high = item[1]["q05"], item[1]["q95"]
        return "the same for all" if low is not None and low == high else f"{number(low)} to {number(high)}"

    return Sheet(
        "Why they end where they do",
        _items(records, "diagnostics"),
        [
            _CASE,
            Column("figure", lambda item: item[1]["name"], "left"),
            Column("median", lambda item: number(item[1]["median"]), style="bold"),
            Column("90 % of the seeds", spread),
        ],
        _readings(records),
        gap=2,
    )


def claims(records: Sequence[Record]) -> Sheet:
    """The statements of the sources, and what the seeds say of them."""

    def statement(item: _Item) -> str:
        record, claim = item
        among = f" (starts with {claim['among']})" if claim["among"] else ""
        source = f" [{claim['source']}]" if claim["source"] != record.source else ""
        said = f"\n{claim['said']}" if claim["verdict"] != NOT_JUDGED else ""
        return f"{claim['statement']}{among}{source}{said}"

    def verdict(item: _Item) -> Text:
        claim = item[1]
        p = f"\np = {claim['p_value']:.2g}" if claim["p_value"] is not None else ""
        return Text.assemble((claim["verdict"], _VERDICT_STYLES[claim["verdict"]]), p)

    return Sheet(
        "What the sources say",
        _items(records, "claims"),
        [
            _CASE,
            Column("what is said, and how it is checked", statement, "left", folds=True),
            Column("what the seeds show", lambda item: item[1]["found"] or "-", "left", folds=True),
            Column("verdict", verdict, "left"),
        ],
        _tests(records),
        gap=2,
    )
