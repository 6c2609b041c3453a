"""The convergence table, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchsuite.outcome import DEFINITIONS, Outcome
from benchsuite.record import Record

_THREE_DIGITS = 100

#: From this width on the table stands on one line a case; below, it is cut into two.
WIDE = 160


@dataclass(frozen=True)
class _Column:
    title: str
    cell: Callable[[Record], str]
    justify: Literal["left", "right"] = "right"
    style: str = ""
    folds: bool = False


def _case(record: Record) -> str:
    name, _, marks = record.label.partition(" (")
    return "\n".join([name, *filter(None, marks.removesuffix(")").split(", "))])


def _seeds(record: Record) -> str:
    missing = record.planned_seeds > record.seeds
    return f"{record.seeds:,} of\n{record.planned_seeds:,}" if missing else f"{record.seeds:,}"


def _interval(record: Record) -> str:
    low, high = record.rate_interval
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def _failures(record: Record) -> str:
    failed = {name: n for name, n in record.outcomes.items() if name != Outcome.CONVERGED and n}
    return "\n".join(f"{n:,} {name}" for name, n in sorted(failed.items(), key=lambda item: -item[1])) or "none"


def _claims(record: Record) -> str:
    return "\n".join(_claim(claim) for claim in record.claims) or "-"


def _claim(claim: dict[str, object]) -> str:
    p = claim["p_value"]
    verdict = f"{claim['verdict']}, p = {p:.2g}" if p is not None else str(claim["verdict"])
    return f"{100 * float(str(claim['failure_rate'])):g} % fail: {verdict}"


def seconds(value: float | None) -> str:
    """A time for a person: three significant digits and a unit that suits it; "-" for none."""
    if value is None:
        return "-"
    for limit, factor, unit in ((0.9995e-3, 1e6, "µs"), (0.9995, 1e3, "ms"), (600, 1, "s")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value / 60:.0f} min"


_CASE = _Column("case", _case, "left", "bold")
_CLAIMS = _Column("the source's claim", _claims, "left", folds=True)
_RESULT = (
    _Column("data", lambda r: r.dataset, "left", folds=True),
    _Column("seeds", _seeds),
    _Column("converged", lambda r: f"{r.converged:,}"),
    _Column("rate", lambda r: f"{100 * r.rate:.1f} %", style="bold"),
    _Column("95 % interval", _interval),
    _Column("failed as", _failures, "left"),
)
_COST = (
    _Column("median steps\nto success", lambda r: _number(r.median_steps_to_success)),
    _Column("device time\nper converged", lambda r: seconds(r.device_seconds_per_converged)),
    _Column("seeds/s", lambda r: _rate(r.seeds_per_second)),
    _Column("compile", lambda r: seconds(r.trace_seconds + r.compile_seconds)),
    _CLAIMS,
)


def _rate(value: float) -> str:
    return f"{value:#.3g}".rstrip(".") if value < _THREE_DIGITS else f"{value:,.0f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def convergence(records: Sequence[Record], width: int) -> RenderableType:
    """The table of `records`, those on stand-in data in a table of their own, and what its words mean."""
    parts: list[RenderableType] = []
    real = [record for record in records if not record.stand_in]
    stand_in = [record for record in records if record.stand_in]
    if real:
        parts += _tables(real, width, "")
    if stand_in:
        note = "On STAND-IN data, drawn by the suite in place of the real files: not comparable with any other"
        reasons = sorted({f"why: {record.data_origin}" for record in stand_in})
        parts += [Text(note, "bold red"), Text("\n".join(reasons), "red"), *_tables(stand_in, width, "red")]
    return Group(*parts, _legend(records))


def _tables(records: Sequence[Record], width: int, style: str) -> list[RenderableType]:
    parts, gap = ([_RESULT + _COST], 2) if width >= WIDE else ([_RESULT, _COST], 1)
    return [_table(records, (_CASE, *columns), style, gap) for columns in parts]


def _table(records: Sequence[Record], columns: Sequence[_Column], style: str, gap: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim", style=style)
    for column in columns:
        table.add_column(
            column.title, justify=column.justify, style=column.style, no_wrap=not column.folds, overflow="fold"
        )
    for record in records:
        table.add_row(*(column.cell(record) for column in columns))
    return table


def _legend(records: Sequence[Record]) -> Text:
    criteria = sorted({record.criterion for record in records})
    lines = [
        f"converged: {' or '.join(criteria)} at the last evaluation; the interval is Wilson's",
        "seeds/s: the median of the rounds after the first; pytest-benchmark's times are those of whole rounds",
    ]
    seen = [o for o in Outcome if o != Outcome.CONVERGED and any(record.outcomes[o] for record in records)]
    lines += [f"{outcome.value}: {DEFINITIONS[outcome]}" for outcome in seen]
    reasons = {claim["reason"] for record in records for claim in record.claims if claim["verdict"] == "not judged"}
    lines += [f"claim not judged: {reason}" for reason in sorted(reasons)]
    lines += [
        f"{record.label}: every seed diverged; look at its data and learning rate with"
        f" `benchsuite replay {record.case} --seed 0`"
        for record in records
        if record.outcomes[Outcome.DIVERGED] == record.seeds
    ]
    return Text("\n".join(lines), "dim")


def render(renderable: RenderableType, width: int, colour: bool) -> str:
    """What a terminal of that width would show, as text."""
    console = Console(width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()
