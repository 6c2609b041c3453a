"""Tables of a run, and the header above them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from benchsuite.report.terminal.findings import detail_tables
from benchsuite.report.terminal.overview import CASE, COST, RESULT, legend
from benchsuite.report.terminal.sweep import ladder_tables, sweep_tables
from benchsuite.report.terminal.tables import Column, Sheet, table
from benchsuite.report.terminal.treatments import Inapplicable, as_untrained, treatment_tables
from benchsuite.results import INAPPLICABLE, Result, Summary
from benchsuite.store import RunFolder

#: Terminals of this width show results and costs in one table; narrower ones in two.
WIDE = 160


def run_tables(
    summaries: Sequence[Summary], width: int, run: Sequence[Result] = (), inapplicable: Sequence[Inapplicable] = ()
) -> RenderableType:
    """Return the tables of a run with their legend.

    Args:
        summaries: cases to show; those on synthetic data get a table of their own.
        width: of the terminal.
        run: all results of the run they belong to, from which treated cases and swept options are shown.
        inapplicable: what was not trained to the end, or treatments that do not apply to a case.
    """
    plain = [summary for summary in summaries if not summary.treatment and not summary.setting]
    hidden = [result.summary for result in run if result.summary not in plain]
    return Group(
        *(_stand_in_note(hidden) if not plain else ()),
        *(_overview(plain, width) if plain else ()),
        *ladder_tables([result.summary for result in run]),
        *sweep_tables([result.summary for result in run]),
        *treatment_tables(run, inapplicable, width),
        *untrained_tables(inapplicable),
    )


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


def _overview(summaries: Sequence[Summary], width: int) -> Iterator[RenderableType]:
    real = [summary for summary in summaries if not summary.stand_in]
    stand_in = [summary for summary in summaries if summary.stand_in]
    yield from _tables(real, width, "") if real else ()
    yield from (*_stand_in_note(stand_in), *(_tables(stand_in, width, "red") if stand_in else ()))
    yield Text("\n".join(legend(summaries)), "dim")
    yield from detail_tables(summaries)


def _stand_in_note(summaries: Sequence[Summary]) -> Iterator[Text]:
    reasons = sorted({f"reason: {summary.data_origin}" for summary in summaries if summary.stand_in})
    if reasons:
        note = "On STAND-IN data (synthetic, in place of the real files): not comparable with other results"
        yield from (Text(note, "bold red"), Text("\n".join(reasons), "red"))


def _tables(summaries: Sequence[Summary], width: int, style: str) -> list[RenderableType]:
    parts, gap = ([RESULT + COST], 2) if width >= WIDE else ([RESULT, COST], 1)
    return [table(summaries, (CASE, *columns), style, gap) for columns in parts]


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
        console.print(renderable)
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
    protocol, precision = (str(stored.get(name, "?")) for name in ("protocol", "precision"))
    return header_lines(run.machine, protocol, precision, left_out=(), dtype=stored.get("dtype"))
