"""Export results to the formats of other tools: Bencher, github-action-benchmark, Parquet, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import OptionError
from benchsuite.results import NEVER, Columns, Result, Summary, Untrained

#: Makes the columns of a table, all of one length, from a result.
RowsOf = Callable[[Result], Columns]


def _bencher(results: Sequence[Result]) -> str:
    """Write the Bencher Metric Format: rate with its interval, speed, and cost of a success of each case.

    Source: https://bencher.dev/docs/reference/bencher-metric-format
    """
    return json.dumps({result.summary.label: _measures(result.summary) for result in results}, indent=1)


def _measures(summary: Summary) -> dict[str, dict[str, float]]:
    low, high = summary.rate_interval
    measures = {
        "convergence-rate": {"value": summary.rate, "lower_value": low, "upper_value": high},
        "seeds-per-second": {"value": summary.seeds_per_second},
    }
    if summary.device_seconds_per_converged is not None:
        measures["device-seconds-per-converged"] = {"value": summary.device_seconds_per_converged}
    return measures


def _github(results: Sequence[Result]) -> str:
    """Write `customBiggerIsBetter` of github-action-benchmark: rate in percent and speed of each case.

    Source: https://github.com/benchmark-action/github-action-benchmark
    """
    entries: list[dict[str, Any]] = []
    for summary in (result.summary for result in results):
        low, high = (100 * end for end in summary.rate_interval)
        about = f"{summary.converged} of {summary.seeds} seeds; {summary.device}; {summary.dataset}"
        rate = {"name": f"{summary.label}: converged", "unit": "%", "value": 100 * summary.rate}
        speed = {"name": f"{summary.label}: speed", "unit": "seeds/s", "value": summary.seeds_per_second}
        entries += [{**rate, "range": f"{low:.1f} to {high:.1f}", "extra": about}, {**speed, "extra": about}]
    return json.dumps(entries, indent=1)


def _csv(results: Sequence[Result], rows_of: RowsOf) -> str:
    """Write comma-separated values with a header; a cell without a value is empty."""
    parts = [rows_of(result) for result in results]
    names = list(dict.fromkeys(name for columns in parts for name in columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for columns in parts:
        cells = [np.ma.filled(columns[name].astype(object), "") if name in columns else None for name in names]
        length = len(next(iter(columns.values())))
        writer.writerows(zip(*(repeat("", length) if cell is None else cell for cell in cells), strict=True))
    return text.getvalue().rstrip("\n")


def seed_rows(result: Result) -> Columns:
    """Make the columns of a table with a row for every seed; steps to success of failures are masked."""
    columns = {_singular(name): values for name, values in result.rows.columns.items()}
    columns["steps_to_success"] = np.ma.masked_equal(columns["steps_to_success"], NEVER)
    return {**_about(result.summary, len(result.rows)), **columns}


def curve_rows(result: Result) -> Columns:
    """Make the columns of a table with a row for every evaluation of the seeds whose curves are kept."""
    curves, columns = result.curves, {}
    for name, values in curves.columns.items():
        if values.ndim == 2:  # noqa: PLR2004  # seeds and evaluations
            columns[name] = values.ravel()
        else:
            named = zip(result.rows.start, np.moveaxis(values, -1, 0), strict=False)
            columns |= {f"parameter.{parameter}": one.ravel() for parameter, one in named}
    seeds, steps = np.repeat(curves.seeds, len(curves.steps)), np.tile(curves.steps, len(curves.seeds))
    return {**_about(result.summary, len(seeds)), "seed": seeds, "step": steps, **columns}


def _singular(name: str) -> str:
    head, dot, rest = name.partition(".")
    return f"{head.removesuffix('s') if head in _PLURAL else head}{dot}{rest}"


#: Columns, or beginnings of them, that are called in the plural in the files of a run.
_PLURAL = ("seeds", "outcomes", "groups", "diagnostics", "settings")


def _about(summary: Summary, rows: int) -> dict[str, np.ndarray]:
    """Make the columns that are the same in all rows of a case."""
    names = ("case", "treatment", "label", "protocol", "dataset", "stand_in", "device", "precision")
    about: dict[str, Any] = {name: getattr(summary, name) for name in names}
    if summary.family:
        about |= {"family": summary.family, **{f"rung.{option}": value for option, value in summary.rung.items()}}
    about |= {f"setting.{option}": float(value) for option, value in summary.setting.items()}
    return {name: np.full(rows, value) for name, value in about.items()}


#: Formats with a few numbers for a case, with their writers; and tables, with the functions that make their columns.
TEXT_FORMATS: Mapping[str, Callable[[Sequence[Result]], str]] = {"bencher": _bencher, "github": _github}
TABLES: Mapping[str, RowsOf] = {"seeds": seed_rows, "curves": curve_rows}


def export_text(results: Sequence[Result], kind: str, table: str = "seeds") -> str:
    """Write results as text.

    Args:
        results: of a run.
        kind: one of `TEXT_FORMATS`, or "csv".
        table: one of `TABLES`, for "csv".
    """
    return _csv(results, TABLES[table]) if kind == "csv" else TEXT_FORMATS[kind](results)


def export_results(
    results: Sequence[Result], kind: str, path: Path, table: str = "seeds", untrained: Sequence[Untrained] = ()
) -> None:
    """Write results into a file.

    Args:
        results: of a run.
        kind: one of `TEXT_FORMATS`, "csv" or "parquet".
        path: the file, which is replaced.
        table: one of `TABLES`, for "csv" and "parquet".
        untrained: what was not trained to the end; it is written into the metadata of Parquet files.

    Raises:
        OptionError: the file cannot be written, or pyarrow is not installed.
    """
    try:
        if kind == "parquet":
            _write_parquet(results, TABLES[table], path, untrained)
        else:
            path.write_text(export_text(results, kind, table) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"{path} cannot be written: {error.strerror or error}", "choose a folder that exists"
        ) from error


def _write_parquet(results: Sequence[Result], rows_of: RowsOf, path: Path, untrained: Sequence[Untrained]) -> None:
    """Write a table of all cases; columns that a case lacks are null in its rows."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise OptionError(
            "Parquet files require pyarrow, which is not installed", "pip install 'benchsuite[parquet]'"
        ) from error
    try:
        tables = [pa.table({name: pa.array(v) for name, v in rows_of(result).items()}) for result in results]
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise OptionError(
            f"the cases' columns do not fit into one table: {error}", "export runs of one case"
        ) from error
    missing = {"benchsuite.untrained": json.dumps([item._asdict() for item in untrained])}
    parquet.write_table(table.replace_schema_metadata(missing), path)
