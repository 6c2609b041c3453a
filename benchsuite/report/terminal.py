"""The tables of a run, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from benchsuite.outcome import DEFINITIONS, Outcome
from benchsuite.record import Record
from benchsuite.report.findings import findings
from benchsuite.report.sweep import sweeps
from benchsuite.report.tables import (
    Column,
    case_name,
    count,
    failures,
    interval,
    median_steps,
    per_second,
    percent,
    seconds,
    table,
)
from benchsuite.report.treatments import Inapplicable, treatments
from benchsuite.result import Result

#: From this width on the table stands on one line a case; below, it is cut into two.
WIDE = 160


def _seeds(record: Record) -> str:
    missing = record.planned_seeds > record.seeds
    return f"{record.seeds:,} of\n{record.planned_seeds:,}" if missing else f"{record.seeds:,}"


_CASE = Column("case", case_name, "left", "bold")
_RESULT = (
    Column("data", lambda r: r.dataset, "left", folds=True),
    Column("seeds", _seeds),
    Column("converged", lambda r: f"{r.converged:,}"),
    Column("rate", lambda r: percent(r.rate), style="bold"),
    Column("95 % interval", lambda r: interval(r.rate_interval)),
    Column("failed as", lambda r: failures(r.outcomes), "left"),
)
_COST = (
    Column("median steps\nto success", median_steps),
    Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
    Column("resolution", lambda r: f"{r.time_to_success['resolution']:,}"),
    Column("device time\nper converged", lambda r: seconds(r.device_seconds_per_converged)),
    Column("seeds/s", lambda r: per_second(r.seeds_per_second)),
    Column("compile", lambda r: seconds(r.trace_seconds + r.compile_seconds)),
)


def summary(
    records: Sequence[Record], width: int, run: Sequence[Result] = (), inapplicable: Sequence[Inapplicable] = ()
) -> RenderableType:
    """The tables of a run, and what their words mean.

    Args:
        records: the cases to show; those on stand-in data are shown apart.
        width: of the terminal.
        run: all results of the run they belong to, from which treated cases and swept options are shown.
        inapplicable: which treatments make no sense.
    """
    plain = [record for record in records if not record.treatment and not record.setting]
    hidden = [result.record for result in run if result.record not in plain]
    return Group(
        *(_stand_in_note(hidden) if not plain else ()),
        *(_overview(plain, width) if plain else ()),
        *sweeps([result.record for result in run]),
        *treatments(run, inapplicable, width),
    )


def _overview(records: Sequence[Record], width: int) -> Iterator[RenderableType]:
    real = [record for record in records if not record.stand_in]
    stand_in = [record for record in records if record.stand_in]
    yield from _tables(real, width, "") if real else ()
    yield from (*_stand_in_note(stand_in), *(_tables(stand_in, width, "red") if stand_in else ()))
    yield _legend(records)
    yield from findings(records)


def _stand_in_note(records: Sequence[Record]) -> Iterator[Text]:
    reasons = sorted({f"why: {record.data_origin}" for record in records if record.stand_in})
    if reasons:
        note = "On STAND-IN data, drawn by the suite in place of the real files: not comparable with any other"
        yield from (Text(note, "bold red"), Text("\n".join(reasons), "red"))


def _tables(records: Sequence[Record], width: int, style: str) -> list[RenderableType]:
    parts, gap = ([_RESULT + _COST], 2) if width >= WIDE else ([_RESULT, _COST], 1)
    return [table(records, (_CASE, *columns), style, gap) for columns in parts]


def _legend(records: Sequence[Record]) -> Text:
    criteria = sorted({record.criterion for record in records})
    lines = [
        f"converged: {' or '.join(criteria)} at the last evaluation; the interval is Wilson's",
        "steps to success: Kaplan-Meier's median, failures censored at the end; resolution: between evaluations",
        "expected steps per success: those of all seeds over the number of successes, as if failures were restarted",
        "seeds/s: the median of the rounds after the first; pytest-benchmark's times are those of whole rounds",
    ]
    seen = [o for o in Outcome if o != Outcome.CONVERGED and any(record.outcomes[o] for record in records)]
    lines += [f"{outcome.value}: {DEFINITIONS[outcome]}" for outcome in seen]
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
