"""Export results to the formats of other tools: Bencher, github-action-benchmark, Parquet, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import OptionError
from benchsuite.results import Result, Summary, Untrained
from benchsuite.store.frame import Frame
from benchsuite.store.frames import curve_frame, seed_frame

#: Makes a table from results.
FrameOf = Callable[[Sequence[Result]], Frame]


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


def _csv(frame: Frame) -> str:
    """Write comma-separated values with a header; a cell without a value is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame)
    writer.writerows(zip(*(np.ma.filled(values.astype(object), "") for values in frame.values()), strict=True))
    return text.getvalue().rstrip("\n")


#: Formats with a few numbers for a case, with their writers; and tables, with the functions that make them.
TEXT_FORMATS: Mapping[str, Callable[[Sequence[Result]], str]] = {"bencher": _bencher, "github": _github}
TABLES: Mapping[str, FrameOf] = {"seeds": seed_frame, "curves": curve_frame}


def export_text(results: Sequence[Result], kind: str, table: str | Frame = "seeds") -> str:
    """Write results as text.

    Args:
        results: of a run.
        kind: one of `TEXT_FORMATS`, or "csv".
        table: one of `TABLES`, or another table, for "csv".
    """
    return _csv(_frame(results, table)) if kind == "csv" else TEXT_FORMATS[kind](results)


def export_results(
    results: Sequence[Result], kind: str, path: Path, table: str | Frame = "seeds", untrained: Sequence[Untrained] = ()
) -> None:
    """Write results into a file.

    Args:
        results: of a run.
        kind: one of `TEXT_FORMATS`, "csv" or "parquet".
        path: the file, which is replaced.
        table: one of `TABLES`, or another table, for "csv" and "parquet".
        untrained: what was not trained to the end; it is written into the metadata of Parquet files.

    Raises:
        OptionError: the file cannot be written, or pyarrow is not installed.
    """
    try:
        if kind == "parquet":
            _write_parquet(_frame(results, table), path, untrained)
        else:
            path.write_text(export_text(results, kind, table) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"{path} cannot be written: {error.strerror or error}", "choose a folder that exists"
        ) from error


def _frame(results: Sequence[Result], table: str | Frame) -> Frame:
    return TABLES[table](results) if isinstance(table, str) else table


def _write_parquet(frame: Frame, path: Path, untrained: Sequence[Untrained]) -> None:
    """Write a table; values that a case lacks are null in its rows."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise OptionError(
            "Parquet files require pyarrow, which is not installed", "pip install 'benchsuite[parquet]'"
        ) from error
    missing = {"benchsuite.untrained": json.dumps([item._asdict() for item in untrained])}
    parquet.write_table(frame.to_arrow().replace_schema_metadata(missing), path)
