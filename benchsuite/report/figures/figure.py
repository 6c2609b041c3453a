"""A chart with its description and data; colours and axes that all charts share."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from benchsuite.errors import printable
from benchsuite.report.terminal import Sheet
from benchsuite.results import Outcome

Chart = alt.Chart | alt.LayerChart | alt.FacetChart

#: Okabe and Ito's colours, which people with any colour vision tell apart; https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

#: Dashes of lines, in pixels on and off.
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))

#: One colour for each outcome, in every picture.
OUTCOME_COLOURS = {
    Outcome.CONVERGED: "#0072B2",
    Outcome.STUCK: "#D55E00",
    Outcome.SLOW: "#E69F00",
    Outcome.DEAD: "#7A7A7A",
    Outcome.COLLAPSED: "#56B4E9",
    Outcome.LOST: "#CC79A7",
    Outcome.DIVERGED: "#009E73",
}

#: Significant digits of plotted numbers; more cannot be seen, and would double the page.
_DIGITS = 5

#: Height in pixels of one row of a chart that has a row for each case.
LINE = 28

#: Text and lines take the colour of the surrounding text, readable on light and on dark.
INK = "currentColor"

#: Size of the smallest text in pixels.
TEXT = 12

#: Most series with colours of their own; more are grey lines, of which the one pointed at is coloured.
_COLOURED = 6

#: Vega-Lite's configuration, see https://vega.github.io/vega-lite/docs/config.html.
CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "domainColor": INK,
        "domainOpacity": 0.4,
        "tickColor": INK,
        "tickOpacity": 0.4,
        "gridColor": INK,
        "gridOpacity": 0.12,
        "labelLimit": 200,
        "labelFontSize": TEXT,
        "titleFontSize": TEXT,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "orient": "top",
        "labelLimit": 240,
        "columns": 3,
        "title": None,
        "symbolOpacity": 1,
        "labelFontSize": TEXT,
        "titleFontSize": TEXT,
    },
    "title": {"color": INK, "subtitleColor": INK, "fontSize": 14, "subtitleFontSize": TEXT, "fontWeight": "normal"},
    "text": {"color": INK, "fontSize": TEXT},
    "rule": {"color": INK},
}


@dataclass(frozen=True)
class ChartFigure:
    """A chart with its description and its data.

    Args:
        name: unique on the page; name of saved files.
        title: heading.
        chart: Altair chart.
        about: text alternative for readers who do not see the chart.
        sheet: plotted numbers as a table.
        case: name of the only case that it shows, or empty.
        lines: names of its rows, which determine the height; empty for a chart of fixed height.
        line: height of a row in pixels.
    """

    name: str
    title: str
    chart: Chart
    about: str
    sheet: Sheet
    case: str = ""
    lines: Sequence[str] = ()
    line: int = LINE

    def spec(self) -> dict[str, Any]:
        """Return the chart as Vega-Lite, see https://vega.github.io/vega-lite/docs/spec.html."""
        spec = specification(self.chart.properties(width="container", description=self.about))
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
        if self.lines:
            lines = [printable(line) for line in self.lines]
            spec |= {"height": self.line * len(lines), "usermeta": {"lines": lines, "line": self.line}}
        return spec


def specification(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega-Lite with the shared configuration and printable text."""
    return {**_printable(chart.to_dict()), "config": CONFIG}


def _printable(part: Any) -> Any:
    """Escape invisible characters in all strings of a specification."""
    if isinstance(part, str):
        return printable(part)
    if isinstance(part, dict):
        return {key: _printable(value) for key, value in part.items()}
    return [_printable(item) for item in part] if isinstance(part, list) else part


def chart_data(rows: Iterable[Mapping[str, Any]], **kinds: str) -> alt.InlineData:
    """Encode rows as CSV, the most compact form of inline data.

    Args:
        rows: mappings with the same fields; numbers that are not finite become empty.
        kinds: type of each field that is no text: "number", "boolean" or "date".
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
    """Make an axis of shares, in percent."""
    return alt.Axis(title=title, format="%", tickCount=5, **how)


#: Exponent of ten of a tick, rounded down, and the digit in front of it.
_EXPONENT = "floor(log(datum.value) / LN10 + 1e-9)"
_MANTISSA = f"datum.value / pow(10, {_EXPONENT})"
_SUPERSCRIPTS = "'⁰¹²³⁴⁵⁶⁷⁸⁹'"


def _superscript(digit: str) -> str:
    return f"substring({_SUPERSCRIPTS}, {digit}, {digit} + 1)"


#: Vega expression for the label of a tick on a logarithmic axis: 10⁻³, 1, 2, 10; ticks without a label keep none.
_POWER = (
    f"!datum.label ? '' : abs({_MANTISSA} - 1) > 1e-6 || {_EXPONENT} == 0 ? format(datum.value, '.2~g') :"
    f" '10' + ({_EXPONENT} < 0 ? '⁻' : '')"
    f" + (abs({_EXPONENT}) < 10 ? '' : {_superscript(f'floor(abs({_EXPONENT}) / 10)')})"
    f" + ({_EXPONENT} == 1 ? '' : {_superscript(f'abs({_EXPONENT}) % 10')})"
)

#: Fonts with superscripts come first, for renderers that take one font per label.
_SUPERSCRIPT_FONTS = "DejaVu Sans, system-ui, sans-serif"


def power_axis(title: str, **how: Any) -> alt.Axis:
    """Make a logarithmic axis with labels such as 10⁻³."""
    quiet = {"condition": {"test": "datum.label === ''", "value": 0}, "value": 1}
    return alt.Axis(
        title=title,
        tickCount=4,
        format=".0~e",
        labelExpr=_POWER,
        gridOpacity=quiet,
        labelFont=_SUPERSCRIPT_FONTS,
        **how,
    )


def plain_axis(title: str, **how: Any) -> alt.Axis:
    """Make an axis of plain numbers, for linear and logarithmic scales."""
    return alt.Axis(title=title, tickCount=4, format="~g", **how)


def scale_of(values: Sequence[float]) -> alt.Scale:
    """Choose a logarithmic scale for positive values over an order of magnitude or more, else a linear one."""
    return alt.Scale(type="log" if min(values) > 0 and max(values) >= 10 * min(values) else "linear")


def interval_tips(form: str = ".1%") -> tuple[alt.Tooltip, alt.Tooltip]:
    """Make tooltips for the ends of an interval, the fields "low" and "high"."""
    return alt.Tooltip("low:Q", format=form, title="95 % from"), alt.Tooltip("high:Q", format=form, title="to")


def line_legend(**how: Any) -> alt.Legend:
    """Make a legend that shows pieces of line."""
    return alt.Legend(symbolType="stroke", symbolSize=300, symbolStrokeWidth=2, **how)


def series_colour(field: str, names: Sequence[str], **how: Any) -> tuple[alt.Color, alt.StrokeDash]:
    """Give each series a colour and a dash pattern, distinct without colour vision.

    Args:
        field: field of the data that holds the name.
        names: of the series, in the order of the legend.
        how: further properties of the legend.
    """
    legend = line_legend(**how)
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    patterns = [DASHES[place % len(DASHES)] for place in range(len(names))]
    return (
        alt.Color(f"{field}:N", scale=alt.Scale(domain=list(names), range=colours), legend=legend),
        alt.StrokeDash(f"{field}:N", scale=alt.Scale(domain=list(names), range=patterns), legend=legend),
    )


def draw_series(
    name: str, base: alt.Chart, y: alt.Y, names: Sequence[str], *behind: alt.Chart, **how: Any
) -> alt.LayerChart:
    """Draw a line for each case, with a tooltip of the nearest point along it.

    Args:
        name: unique in a picture.
        base: with the direction x, tooltips, and the field "case".
        y: direction of the lines.
        names: of the series, in the order of the legend; more than six have no legend.
        behind: layers behind up to six lines.
        how: properties of the lines.
    """
    how_pointed: dict[str, Any] = {"on": "pointerover", "clear": "pointerout", "nearest": True, "empty": False}
    pointed = alt.selection_point(name=f"pointed_{name}", fields=["case"], **how_pointed)
    near = base.mark_point(opacity=0).encode(y=y).add_params(pointed)
    few = len(names) <= _COLOURED
    if few:
        colour, dash = series_colour("case", names)
        width = alt.condition(pointed, alt.value(3), alt.value(2))
        line = base.mark_line(**how).encode(y=y, color=colour, strokeDash=dash, strokeWidth=width)
    else:
        line = base.mark_line(**how).encode(
            y=y,
            detail="case:N",
            color=alt.condition(pointed, alt.value(COLOURS[1]), alt.value("#8a8f98")),
            strokeWidth=alt.condition(pointed, alt.value(3), alt.value(1)),
        )
    line = line.encode(tooltip=alt.Undefined)
    return alt.layer(*(behind if few else ()), line, near)  # type: ignore[return-value]  # as none is a facet


def outcome_colour(seen: Iterable[str]) -> alt.Color:
    """Give each outcome its colour, the same in all figures."""
    return alt.Color("outcome:N", scale=_outcome_scale(seen))


def outcome_shape(seen: Iterable[str]) -> alt.Shape:
    """Give each outcome a shape, distinct without colour vision."""
    return alt.Shape("outcome:N", scale=alt.Scale(domain=_present(seen)))


def _present(seen: Iterable[str]) -> list[str]:
    present = set(seen)
    return [outcome.value for outcome in Outcome if outcome.value in present]


def _outcome_scale(seen: Iterable[str]) -> alt.Scale:
    domain = _present(seen)
    return alt.Scale(domain=domain, range=[OUTCOME_COLOURS[Outcome(name)] for name in domain])
