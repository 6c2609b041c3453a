"""One figure of a page: a chart, what it shows in words, and the numbers behind it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from benchsuite.errors import printable
from benchsuite.report.figures.picture import COLOURS, OUTCOME_COLOURS
from benchsuite.report.terminal import Sheet
from benchsuite.results import Outcome

Chart = alt.Chart | alt.LayerChart | alt.FacetChart

#: Significant digits of the numbers that are drawn; more cannot be seen, and would double the page.
_DIGITS = 5

#: Pixels of one line of a figure that has several, one below the other.
LINE = 28

#: Letters and lines take the colour of the text around them, so that they can be read on light and on dark.
_INK = "currentColor"

_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "titleFontWeight": "normal",
        "domainColor": _INK,
        "domainOpacity": 0.4,
        "tickColor": _INK,
        "tickOpacity": 0.4,
        "gridColor": _INK,
        "gridOpacity": 0.12,
        "labelLimit": 200,
    },
    "legend": {
        "labelColor": _INK,
        "titleColor": _INK,
        "orient": "top",
        "labelLimit": 240,
        "columns": 3,
        "title": None,
        "symbolOpacity": 1,
    },
    "title": {"color": _INK, "fontWeight": "normal"},
    "text": {"color": _INK},
    "rule": {"color": _INK},
}


@dataclass(frozen=True)
class Figure:
    """A chart with its numbers.

    Args:
        name: unique on the page; files that are saved from it are called so.
        title: above it.
        chart: what is drawn.
        about: the same in words, for those who do not see it.
        sheet: the numbers behind it, as a table.
        case: the case that it shows, where it is of one alone.
        lines: what it shows one below the other, from which it has its height.
    """

    name: str
    title: str
    chart: Chart
    about: str
    sheet: Sheet
    case: str = ""
    lines: Sequence[str] = ()

    def spec(self) -> dict[str, Any]:
        """The chart as Vega-Lite, see https://vega.github.io/vega-lite/docs/spec.html."""
        chart = self.chart.properties(width="container", description=printable(self.about))
        spec = chart.to_dict()
        spec |= {"config": _CONFIG, "autosize": {"type": "fit-x", "contains": "padding"}}
        if self.lines:
            spec |= {"height": LINE * len(self.lines), "usermeta": {"lines": list(self.lines), "line": LINE}}
        return spec


def chart_data(rows: Iterable[Mapping[str, Any]], **kinds: str) -> alt.InlineData:
    """SeedTable as the data of a chart, in the most compact form that needs no unpacking.

    Args:
        rows: each of the same fields; a figure that is not finite is left empty.
        kinds: the fields that are numbers or truth values, as "number" or "boolean"; all others are texts.
    """
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _short(value) for name, value in row.items()} for row in rows)
    parse = {name: kinds.get(name, "string") for name in (rows[0] if rows else ())}
    return alt.InlineData(values=text.getvalue(), format=alt.CsvDataFormat(type="csv", parse=parse))


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return printable(value) if isinstance(value, str) else value
    return f"{value:.{_DIGITS}g}" if math.isfinite(value) else None


def share_axis(title: str, **how: Any) -> alt.Axis:
    """An axis of shares, in percent."""
    return alt.Axis(title=title, format="%", tickCount=5, **how)


def interval_tips(form: str = ".1%") -> tuple[alt.Tooltip, alt.Tooltip]:
    """What is told of an interval's ends, the fields "low" and "high"."""
    return alt.Tooltip("low:Q", format=form, title="95 % from"), alt.Tooltip("high:Q", format=form, title="to")


def case_colour(labels: Sequence[str]) -> tuple[alt.Color, alt.StrokeDash]:
    """What tells cases apart: a colour, and dashes for whoever sees none."""
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
    colours = [COLOURS[place % 6] for place in range(len(labels))]
    patterns = [dashes[place % len(dashes)] for place in range(len(labels))]
    return (
        alt.Color("case:N", scale=alt.Scale(domain=list(labels), range=colours)),
        alt.StrokeDash("case:N", scale=alt.Scale(domain=list(labels), range=patterns)),
    )


def outcome_colour(seen: Iterable[str]) -> alt.Color:
    """The colour of each outcome, the same on all pictures."""
    return alt.Color("outcome:N", scale=_outcome_scale(seen))


def outcome_fill(seen: Iterable[str]) -> alt.Fill:
    """The same colour inside of marks, where another field has that of their lines."""
    return alt.Fill("outcome:N", scale=_outcome_scale(seen))


def outcome_shape(seen: Iterable[str]) -> alt.Shape:
    """A shape for each outcome, for whoever sees no colours."""
    return alt.Shape("outcome:N", scale=alt.Scale(domain=_outcome_scale(seen).to_dict()["domain"]))


def log_axis(title: str, **how: Any) -> alt.Axis:
    """An axis of powers of ten."""
    return alt.Axis(title=title, tickCount=4, **how)


def _outcome_scale(seen: Iterable[str]) -> alt.Scale:
    present = set(seen)
    domain = [outcome for outcome in Outcome if outcome.value in present]
    return alt.Scale(domain=[outcome.value for outcome in domain], range=[OUTCOME_COLOURS[o] for o in domain])
