"""What values of an option do, as tables for a terminal and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchsuite import stats
from benchsuite.errors import OptionError
from benchsuite.report.figures.picture import COLOURS, DASHES, save, tidy
from benchsuite.report.terminal.tables import UNTREATED, Column, Sheet, count, failures, interval, median_steps, percent
from benchsuite.results.summary import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How much below the best rate still counts as good.
TOLERANCE = 0.05

_BAR = 20


def sweeps(records: Sequence[Record]) -> Iterator[Sheet]:
    """A table for each option that was swept over, with how forgiving it is."""
    for name, swept in sweeps_of(records).items():
        option = _option(swept[0])
        columns = [
            Column(option, partial(_value, option), style="bold"),
            Column("rate", lambda record: percent(record.rate), style="bold"),
            Column("95 % interval", lambda record: interval(record.rate_interval)),
            Column("", lambda record: "█" * round(_BAR * record.rate), "left"),
            Column("median steps\nto success", median_steps),
            Column("expected steps\nper success", lambda r: count(r.time_to_success["expected_running_time"])),
            Column("failed as", lambda r: failures(r.outcomes).replace("\n", ", "), "left", folds=True),
        ]
        yield Sheet(f"{name} from {_span(swept)}", swept, columns, [forgiveness(swept)])


def sweeps_of(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records of values that were trained side by side, by case and option, in the order of the values."""
    swept: dict[str, list[Record]] = {}
    for record in records:
        if record.setting:
            swept.setdefault(f"{_name(record)}: {_option(record)}", []).append(record)
    return {name: sorted(of, key=lambda record: record.setting[_option(record)]) for name, of in swept.items()}


def _written(value: float) -> str:
    """A value such that it can be typed again."""
    return repr(value).removesuffix(".0")


def _value(option: str, record: Record) -> str:
    return _written(record.setting[option])


def _option(record: Record) -> str:
    (option,) = record.setting
    return option


def _name(record: Record) -> str:
    marks = record.label.partition(" (")[1:]
    return record.id.partition("@")[0] + "".join(marks)


def _span(swept: Sequence[Record]) -> str:
    low, high = (record.setting[_option(record)] for record in (swept[0], swept[-1]))
    return f"{_written(low)} to {_written(high)}, {len(swept)} values side by side, {swept[0].seeds:,} seeds"


def forgiveness(swept: Sequence[Record]) -> str:
    """A sentence on the range of values around the best in which the rate stays near its best."""
    option, rates = _option(swept[0]), [record.rate for record in swept]
    best = int(np.argmax(rates))
    if not rates[best]:
        return f"no value of {option} made any seed converge"
    first, last = stats.plateau(rates, TOLERANCE)
    low, high = (swept[place].setting[option] for place in (first, last))
    ratio = f", a factor of {high / low:.3g}" if low > 0 and high > low else ""
    ends = " and ".join(
        side for side, open_end in (("lower", first == 0), ("upper", last == len(swept) - 1)) if open_end
    )
    beyond = f"; the {ends} end is that of the sweep, so the range may be wider" if ends else ""
    at, points = _written(swept[best].setting[option]), f"{100 * TOLERANCE:.0f} points"
    return (
        f"best: {percent(rates[best])} at {option} = {at}; within {points} of it"
        f" from {_written(low)} to {_written(high)}{ratio}{beyond}"
    )


def draw_sweep(records: Sequence[Record], path: Path) -> None:
    """Draw the rate and the time to success at every value, with their intervals, into one file.

    Raises:
        OptionError: no option was swept over, the ending is not known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    swept = sweeps_of(records)
    if not swept:
        raise OptionError("no option of this run was swept over", "add --sweep to a run, or draw another picture")
    panels: dict[tuple[str, str], list[list[Record]]] = {}
    for of in swept.values():
        panels.setdefault((of[0].case, _option(of[0])), []).append(of)
    figure = Figure(figsize=(11, 3.6 * len(panels) + 0.4), layout="constrained")
    rows = figure.subplots(len(panels), 2, sharex="row", squeeze=False)
    for (rate, time), (place, curves) in zip(rows, panels.items(), strict=True):
        _draw_panels(rate, time, *place, curves)
    figure.supxlabel(
        "bands: 95 % intervals; time: the median over the seeds, where half of them converged, and, dotted, the"
        " expected steps per success",
        size="small",
    )
    save(figure, path)


def _draw_panels(rate: Axes, time: Axes, case: str, option: str, curves: Sequence[Sequence[Record]]) -> None:
    """One case under one option: a curve for each treatment."""
    for number, of in enumerate(curves):
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number // len(COLOURS) % len(DASHES)]}
        values = np.array([record.setting[option] for record in of])
        _draw_rate(rate, values, of, of[0].treatment or UNTREATED, style)
        _draw_time(time, values, of, style)
    for axes, label in ((rate, "share that converged"), (time, "steps to success")):
        axes.set_title(f"{case}, {curves[0][0].seeds:,} seeds", fontsize="medium")
        axes.set_xlabel(option)
        axes.set_ylabel(label)
        axes.set_xscale(_scale([record.setting[option] for of in curves for record in of]))
        tidy(axes)
    rate.set_ylim(-0.02, 1.05)
    steps = curves[0][0].time_to_success
    time.set_yscale("log")
    time.set_ylim(0.8 * steps["resolution"], 10 * steps["censored_at"])  # also where no value has a median


def _scale(values: Sequence[float]) -> str:
    """Logarithmic where the values span more than an order of magnitude."""
    low, high = min(values), max(values)
    return "log" if low > 0 and high >= 10 * low else "linear"


def _draw_rate(axes: Axes, values: np.ndarray, of: Sequence[Record], label: str, style: dict[str, str]) -> None:
    low, high = np.transpose([record.rate_interval for record in of])
    axes.plot(values, [record.rate for record in of], marker="o", markersize=4, label=label, **style)  # type: ignore[arg-type]  # a style
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)


def _draw_time(axes: Axes, values: np.ndarray, of: Sequence[Record], style: dict[str, str]) -> None:
    def steps(value: float | None) -> float:
        return np.nan if value is None else value

    median = [steps(record.time_to_success["median"]) for record in of]
    expected = [steps(record.time_to_success["expected_running_time"]) for record in of]
    low, high = np.transpose([[steps(end) for end in record.time_to_success["median_interval"]] for record in of])
    axes.plot(values, expected, linestyle=":", color=style["color"])
    axes.plot(values, median, marker="o", markersize=4, **style)  # type: ignore[arg-type]  # a style
    axes.fill_between(values, low, high, color=style["color"], alpha=0.2, linewidth=0)
