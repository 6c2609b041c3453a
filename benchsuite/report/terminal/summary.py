"""Tables of a run, and the header above them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType

from benchsuite.report import count, interval, metric_name, per_second, percent, seconds
from benchsuite.report.terminal.findings import detail_tables
from benchsuite.report.terminal.grid import Column, Prose
from benchsuite.report.terminal.sweep import ladder_tables, sweep_tables
from benchsuite.report.terminal.tables import Sheet, case_name, failures, median_steps, table
from benchsuite.report.terminal.treatments import Inapplicable, as_untrained, treatment_tables
from benchsuite.results import DEFINITIONS, INAPPLICABLE, Outcome, Result, Summary
from benchsuite.store import RunFolder

#: Cases that are listed, before the others are counted.
_LISTED = 3


def _seeds(summary: Summary) -> str:
    missing = summary.planned_seeds > summary.seeds
    return f"{summary.seeds:,} of\n{summary.planned_seeds:,}" if missing else f"{summary.seeds:,}"


def _compiling(summary: Summary) -> str:
    cached = "\ncached" if summary.compile_cache == "hit" else ""
    return seconds(summary.trace_seconds + summary.compile_seconds) + cached


CASE = Column("case", case_name, "left", "bold")
RESULT = (
    Column("data", lambda r: r.dataset, "left", folds=True),
    Column("seeds", _seeds),
    Column("converged", lambda r: f"{r.converged:,}"),
    Column("rate", lambda r: percent(r.rate) + (" †" if r.constant_meets else ""), style="bold"),
    Column("95 % interval", lambda r: interval(r.rate_interval)),
    Column("failed as", lambda r: failures(r.outcomes), "left"),
)
COST = (
    Column("median steps\nto success", median_steps),
    Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
    Column("resolution", lambda r: f"{r.time_to_success['resolution']:,}"),
    Column("device time\nper converged", lambda r: seconds(r.device_seconds_per_converged)),
    Column("seeds/s", lambda r: per_second(r.seeds_per_second)),
    Column("compile", _compiling),
)


def constant_notes(summaries: Sequence[Summary]) -> list[str]:
    """Sentences on the cases whose criterion a constant prediction meets."""
    return [
        f"† {summary.label}: {summary.constant_meets}, predicted for every input, meets"
        f" {metric_name(summary.criterion)}; success does not show that anything was learnt"
        for summary in summaries
        if summary.constant_meets
    ]


def _converged(summaries: Sequence[Summary]) -> str:
    """What the criteria are, and when they must hold, which those say that need not hold at the end."""
    criteria = sorted({metric_name(summary.criterion) for summary in summaries})
    ends = tuple(f" at {when} evaluation" for when in ("any", "the best"))
    return " or ".join(text if text.endswith(ends) else f"{text} at the last evaluation" for text in criteria)


def diverged_notes(summaries: Sequence[Summary]) -> list[str]:
    """Sentences on the cases of which every seed diverged."""
    return [
        f"{summary.label}: every seed diverged; inspect its data and learning rate with"
        f" `benchsuite replay {summary.case} --seed 0`"
        for summary in summaries
        if summary.outcomes[Outcome.DIVERGED] == summary.seeds
    ]


def idle_note(summaries: Sequence[Summary]) -> list[str]:
    """A sentence on the cases of an accelerator whose seeds use less than half of the lanes, if there are any."""
    idle = [s for s in summaries if s.platform != "cpu" and 2 * s.lanes_used < 1]
    if not idle:
        return []
    listed = [f"{s.label} {percent(s.lanes_used)} of {s.chunk_size:,} lanes" for s in idle[:_LISTED]]
    listed += [f"{len(idle) - _LISTED} more"] if len(idle) > _LISTED else []
    return [f"seeds/s of partly filled blocks: {', '.join(listed)}; a full block takes as long"]


def legend(summaries: Sequence[Summary]) -> list[str]:
    """Return the definitions of the terms in the tables, one line each."""
    lines = [
        *constant_notes(summaries),
        f"converged: {_converged(summaries)}; the interval is Wilson's",
        "steps to success: Kaplan-Meier's median, failures censored at the end; resolution: steps between evaluations",
        "expected steps per success: steps of all seeds divided by the number of successes (restart after a failure)",
        "seeds/s: median over the rounds after the first; pytest-benchmark reports the times of whole rounds",
    ]
    if any(summary.compile_cache == "hit" for summary in summaries):
        lines.append("cached: the compiled program was loaded from an earlier run")
    seen = [o for o in Outcome if o != Outcome.CONVERGED and any(summary.outcomes[o] for summary in summaries)]
    lines += [f"{outcome.value}: {DEFINITIONS[outcome]}" for outcome in seen]
    lines += [*diverged_notes(summaries), *idle_note(summaries)]
    return lines


#: The parts of a run that `report --terminal` shows.
SECTIONS = (
    *("rates", "cost", "errors", "metrics", "groups", "starts", "near", "diagnostics", "claims"),
    *("ladders", "sweeps", "treatments", "untrained"),
)


def run_tables(
    summaries: Sequence[Summary],
    width: int,
    run: Sequence[Result] = (),
    inapplicable: Sequence[Inapplicable] = (),
    *,
    timed: bool = True,
) -> RenderableType:
    """Return the tables of a run with their legend.

    Args:
        summaries: cases to show; those on synthetic data get a table of their own.
        width: of the terminal.
        run: all results of the run they belong to, from which treated cases and swept options are shown.
        inapplicable: what was not trained to the end, or treatments that do not apply to a case.
        timed: whether times may be compared; not after warnings about the timing of the run.
    """
    sections = run_sections(summaries, width, run, inapplicable, timed=timed)
    return Group(*(part for name in ("notes", *SECTIONS) for part in sections.get(name, ())))


def run_sections(
    summaries: Sequence[Summary],
    width: int,
    run: Sequence[Result] = (),
    inapplicable: Sequence[Inapplicable] = (),
    *,
    timed: bool = True,
) -> dict[str, list[RenderableType]]:
    """Return the tables of a run by section; an empty section has none.

    Args:
        summaries: cases to show; those on synthetic data get a table of their own.
        width: of the terminal.
        run: all results of the run they belong to, from which treated cases and swept options are shown.
        inapplicable: what was not trained to the end, or treatments that do not apply to a case.
        timed: whether times may be compared; not after warnings about the timing of the run.
    """
    plain = [summary for summary in summaries if not summary.treatment and not summary.setting]
    whole = [result.summary for result in run]
    hidden = [summary for summary in whole if summary not in plain]
    return {
        "notes": [] if plain else list(stand_in_note(hidden)),
        "rates": [*_split(plain, RESULT), Prose("\n".join(legend(plain)), "dim")] if plain else [],
        "cost": list(_split(plain, COST)),
        **{name: [sheet] for name, sheet in detail_tables(plain)},
        "ladders": list(ladder_tables(whole)),
        "sweeps": list(sweep_tables(whole)),
        "treatments": list(treatment_tables(run, inapplicable, width, timed=timed)),
        "untrained": list(untrained_tables(inapplicable)),
    }


def _split(summaries: Sequence[Summary], columns: Sequence[Column]) -> Iterator[RenderableType]:
    """A table of the cases on real data, and one of those on synthetic data."""
    real = [summary for summary in summaries if not summary.stand_in]
    stand_in = [summary for summary in summaries if summary.stand_in]
    if real:
        yield table(real, (CASE, *columns))
    yield from stand_in_note(stand_in)
    if stand_in:
        yield table(stand_in, (CASE, *columns), "red")


def untrained_tables(untrained: Sequence[Inapplicable]) -> Iterator[Sheet]:
    """Return the table of the cases that failed, were not run or lack seeds; none if there are none."""
    rows = [item for item in map(as_untrained, untrained) if item.state != INAPPLICABLE]
    if rows:
        yield Sheet("Not trained to the end", rows, _UNTRAINED, style="red")


_UNTRAINED = (
    Column("case", lambda item: item.id, "left", "bold", folds=True),
    Column("state", lambda item: item.state, "left"),
    Column("reason", lambda item: item.reason, "left", folds=True),
)


def stand_in_note(summaries: Sequence[Summary]) -> Iterator[Prose]:
    """Say that cases were trained on synthetic data, and why."""
    reasons = sorted({f"reason: {summary.data_origin}" for summary in summaries if summary.stand_in})
    if reasons:
        note = "On STAND-IN data (synthetic, in place of the real files): not comparable with other results"
        yield from (Prose(note, "bold red"), Prose("\n".join(reasons), "red"))


def render(renderable: RenderableType, width: int, colour: bool) -> str:
    """Render as text for a terminal of `width` columns."""
    console = Console(
        width=width,
        force_terminal=colour,
        force_jupyter=False,
        no_color=not colour,
        color_system="auto" if colour else None,
        highlight=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(renderable, crop=False)
    return captured.get()


def header_lines(
    about: Mapping[str, Any], protocol: str, precision: str, left_out: Sequence[str], dtype: str | None = None
) -> list[str]:
    """Return lines with the protocol, the device, the versions, and the plugins left out.

    Args:
        about: the machine, see `machine.describe`.
        protocol: "quick" or "source".
        precision: of matrix products.
        left_out: the names of the plugins that were left out.
        dtype: the type of numbers of all cases; None where each case has its own, which its label names.
    """
    dtype = dtype or "float32"
    versions = about.get("versions", {})
    packages = ", ".join(f"{name} {versions.get(name, '?')}" for name in ("jax", "flax", "optax"))
    count, platform, device = (about.get(name, "?") for name in ("device_count", "platform", "device"))
    workers = f"{about['workers']} Dask workers of " if "workers" in about else ""
    own = versions.get("benchsuite", "?")
    lines = [
        f"benchsuite {own}: {protocol} protocol, {dtype}, {precision} precision of matrix products",
        f"on {workers}{count} x {platform} ({device}), {packages}",
    ]
    if left_out:
        lines.append(f"LEFT OUT: {', '.join(left_out)}; reasons at the end")
    return lines


def header_lines_of(run: RunFolder) -> list[str]:
    """Return the header lines of a stored run, with a question mark for what it did not store."""
    stored = run.settings
    trained = sorted({summary.protocol for summary in run.summaries.values()})
    protocol, precision = " and ".join(trained) or str(stored.get("protocol", "?")), str(stored.get("precision", "?"))
    return header_lines(run.machine, protocol, precision, left_out=(), dtype=stored.get("dtype"))
