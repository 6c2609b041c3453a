"""The end of a run: its answer, one table that fits the terminal, and what to type next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.text import Text

from benchsuite.comparison import TreatmentComparison, compare_treatments
from benchsuite.report import Answer, AnswerRow, count, interval, p_value, per_second, percent, points, seconds, size
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.summary import constant_notes, diverged_notes, idle_note, stand_in_note
from benchsuite.report.terminal.sweep import describe_best, group_sweeps, rank, sweep_tables
from benchsuite.report.terminal.tables import FittedTable, directed_p_value
from benchsuite.report.terminal.treatments import Inapplicable, as_untrained, inapplicable_reasons
from benchsuite.results import INAPPLICABLE, Outcome, Result, Summary, Untrained

#: Rows of a table from which on the cases of a ladder, and treated cases, share a line.
_MANY = 18

#: Outcomes, refuted claims and reasons that are listed, before the others are counted.
_LISTED = 2
_REASONS = 5

#: Cells of the bar of a rate.
_BAR = 10

#: The columns, the most important first.
_IMPORTANCE = (
    *("case", "rate", "95 % interval", "change, points", "p", "seeds", "failed as", "median steps", "family"),
    *("published", "best treatment", "expected steps", "seeds/s", "0–100 %", "compile"),
)

#: The columns, from left to right.
_ORDER = (
    *("case", "family", "rate", "0–100 %", "95 % interval", "published", "change, points", "p", "best treatment"),
    *("seeds", "failed as", "median steps", "expected steps", "seeds/s", "compile"),
)

_LEFT = ("family", "case", "0–100 %", "failed as", "best treatment")


def answer_tables(
    summaries: Sequence[Summary], results: Sequence[Result], untrained: Sequence[Inapplicable], place: Path, disk: int
) -> RenderableType:
    """Return the answer of a run, its table, the claims, and what to type next.

    Args:
        summaries: of the run.
        results: the same with their rows, from which treatments are compared; none where these cannot be read.
        untrained: what was not trained to the end, or treatments that do not apply to a case.
        place: folder of the run.
        disk: bytes that it takes on disk.
    """
    missing = [as_untrained(item) for item in untrained]
    answer = Answer.of(summaries, missing)
    return Group(
        Prose(f"{answer.rates_sentence}{''.join(f'; {limit}' for limit in answer.limits)}", "bold"),
        *_tables(answer, compare_treatments(results)),
        *stand_in_note(summaries),
        *(Prose(note, "yellow") for note in (*constant_notes(summaries), *diverged_notes(summaries))),
        *(Prose(note, "dim") for note in idle_note(summaries)),
        *_reasons(answer.untrained),
        *_inapplicable([item for item in missing if item.state == INAPPLICABLE]),
        *_claims(answer),
        Prose(f"rows of every seed: {place} ({size(disk)})", "dim"),
        Prose(_next(answer, place), "dim"),
    )


def _tables(answer: Answer, compared: Sequence[TreatmentComparison]) -> Iterator[RenderableType]:
    swept = [row.summary for row in answer.rows if row.summary and row.summary.setting]
    rows = [row for row in answer.rows if not (row.summary and row.summary.setting)]
    if rows:
        yield AnswerTable(rows, compared)
    if 0 < len(swept) <= _MANY:
        yield from sweep_tables(swept)
    else:
        yield from (Prose(f"{name}: {describe_best(of)}") for name, of in group_sweeps(swept).items())


@dataclass(frozen=True)
class AnswerTable:
    """The table of cases and treatments; columns that do not fit are left out, the least important first.

    Args:
        rows: of the cases, and of treated ones.
        compared: treated cases with the untreated ones.
    """

    rows: Sequence[AnswerRow]
    compared: Sequence[TreatmentComparison] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self._shared_marks:
            yield Prose(f"all of them: {self._shared_marks}", "dim")
        yield FittedTable(self._lines, [_column(name) for name in _ORDER], _IMPORTANCE, "failed as")

    @cached_property
    def _shared_marks(self) -> str:
        """The marks of protocol, data and type that all labels have."""
        marks = {row.label.partition(" (")[2].removesuffix(")") for row in self.rows if row.seeds}
        return next(iter(marks)) if len(marks) == 1 else ""

    @cached_property
    def _lines(self) -> list[dict[str, str | Text]]:
        """The cells of the rows by column."""
        if len(self.rows) <= _MANY:
            return [self._line(row) for row in self.rows]
        plain = [row for row in self.rows if not row.treatment or row.rate is None]
        groups = _ladders_together(sorted(plain, key=lambda row: row.family))
        return [self._line(of[0]) | self._best(of[0].case) if len(of) == 1 else _ladder_line(of) for of in groups]

    def _best(self, case: str) -> dict[str, str | Text]:
        """The treatment with the highest rate of those with most seeds; of several, that with fewest steps."""
        of = [c for c in self.compared if c.summary.case == case and c.difference is not None]
        if not of:
            return {}
        most = max(c.summary.seeds for c in of)
        best = max((c for c in of if c.summary.seeds == most), key=lambda c: rank(c.summary))
        return {"best treatment": f"{best.summary.treatment} {points(best.difference or 0)}"}

    def _line(self, row: AnswerRow) -> dict[str, str | Text]:
        name = row.label.replace(f" ({self._shared_marks})", "") if self._shared_marks else row.label
        line: dict[str, str | Text] = {"case": Text(name, "red" if row.stand_in or row.state else "")}
        line |= {"family": row.family} if len(self.rows) > _MANY else {}
        if row.rate is None or row.interval is None:
            return line | {"rate": Text(row.state, "red"), "failed as": ""}
        comparison = next((c for c in self.compared if c.summary is row.summary), None)
        return line | _figures(row) | (_difference(comparison) if comparison else {})


def _column(name: str) -> Column:
    style = "bold" if name in ("case", "rate") else ""
    where: Literal["left", "right"] = "left" if name in _LEFT else "right"
    return Column(name, lambda line: line.get(name, ""), where, style, once=name == "family")


def _figures(row: AnswerRow) -> dict[str, str | Text]:
    summary = row.summary
    figures: dict[str, str | Text] = {
        "rate": percent(row.rate) + (" †" if summary and summary.constant_meets else ""),
        "95 % interval": interval(row.interval or ()),
        "seeds": f"{row.seeds:,}" + (f" of {row.planned_seeds:,}" if row.planned_seeds > row.seeds else ""),
        "failed as": _failures(row.outcomes),
        "0–100 %": "█" * round(_BAR * (row.rate or 0)) or "▏",
        "published": percent(row.published) if row.published is not None else "",
        "median steps": count(row.median_steps) if row.median_steps is not None else f"> {row.censored_at or 0:,}",
        "expected steps": count(row.expected_steps),
    }
    if summary:
        figures |= {
            "seeds/s": per_second(summary.seeds_per_second),
            "compile": seconds(summary.trace_seconds + summary.compile_seconds),
        }
    return figures


def _failures(outcomes: Mapping[str, int]) -> str:
    """The most frequent failures in one line."""
    failed = sorted(((n, name) for name, n in outcomes.items() if n and name != Outcome.CONVERGED), reverse=True)
    listed = [f"{n:,} {name}" for n, name in failed[:_LISTED]]
    rest = sum(n for n, _ in failed[_LISTED:])
    return ", ".join([*listed, *([f"{rest:,} other"] if rest else [])]) or "none"


def _difference(comparison: TreatmentComparison) -> dict[str, str | Text]:
    if comparison.difference is None:
        return {}
    text = points(comparison.difference)
    return {"change, points": text, "p": directed_p_value(comparison.adjusted_p_value, comparison.difference)}


def _ladders_together(rows: Sequence[AnswerRow]) -> list[list[AnswerRow]]:
    """Group the trained cases of each ladder, in the place of its first; every other row is a group of its own."""
    groups: dict[str, list[AnswerRow]] = {}
    for row in rows:
        together = row.ladder and not row.state
        groups.setdefault(f"ladder {row.ladder}" if together else row.label, []).append(row)
    return list(groups.values())


def _ladder_line(rows: Sequence[AnswerRow]) -> dict[str, str | Text]:
    rates = [row.rate or 0.0 for row in rows]
    counts = Counter[str]()
    for row in rows:
        counts.update(row.outcomes)
    return {
        "case": f"{rows[0].ladder}: {len(rows)} cases",
        "family": rows[0].family,
        "rate": f"{100 * min(rates):.1f}–{percent(max(rates))}",
        "seeds": f"{sum(row.seeds for row in rows):,}",
        "failed as": _failures(counts),
    }


def _reasons(untrained: Sequence[AnswerRow]) -> Iterator[Prose]:
    """Why cases were not trained to the end."""
    for row in untrained[:_REASONS]:
        yield Prose(f"{row.id} {row.state}: {row.reason}", "red")
    if len(untrained) > _REASONS:
        yield Prose(f"and {len(untrained) - _REASONS} more: `benchsuite report --terminal untrained`", "red")


def _inapplicable(items: Sequence[Untrained]) -> Iterator[Prose]:
    """Which treatments do not apply, and why."""
    reasons = inapplicable_reasons(items)
    yield from (Prose(reason, "dim") for reason in reasons[:_LISTED])
    if len(reasons) > _LISTED:
        yield Prose(f"and {len(reasons) - _LISTED} more: `benchsuite report --terminal treatments`", "dim")


def _claims(answer: Answer) -> Iterator[Prose]:
    """The verdicts in a line, and the refuted claims."""
    claims = answer.claims
    if claims.sentence:
        yield Prose(claims.sentence + (":" if claims.refuted else ""), "bold red" if claims.refuted else "")
    for summary, claim in claims.refuted[:_LISTED]:
        p = f", adjusted p {_equals(claim['adjusted_p_value'])}" if claim["adjusted_p_value"] is not None else ""
        yield Prose(f"- {summary.case}: {claim['statement']} ({claim['found']}{p})", "red")
    if len(claims.refuted) > _LISTED:
        yield Prose(f"- {len(claims.refuted) - _LISTED} more: `benchsuite report --terminal claims`", "red")


def _next(answer: Answer, place: Path) -> str:
    """What to type next."""
    trained = next((row for row in answer.rows if row.seeds), None)
    replay = f"; one seed: `benchsuite replay {trained.id} --seed 0`" if trained else ""
    return f"all tables: `benchsuite report -v {shlex.quote(str(place))}`; a page: add `-o page`{replay}"


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
