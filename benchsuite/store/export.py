"""Export results to the formats of other tools: Bencher, github-action-benchmark, Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchsuite.errors import OptionError
from benchsuite.results import Result, Summary


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


#: Text formats, with their writers.
TEXT_FORMATS: Mapping[str, Callable[[Sequence[Result]], str]] = {"bencher": _bencher, "github": _github}


def export_results(results: Sequence[Result], kind: str, path: Path) -> None:
    """Write results into a file.

    Args:
        results: of a run.
        kind: one of `TEXT_FORMATS`, or "parquet".
        path: the file, which is replaced.

    Raises:
        OptionError: the file cannot be written, or pyarrow is not installed.
    """
    try:
        if kind == "parquet":
            _write_parquet(results, path)
        else:
            path.write_text(TEXT_FORMATS[kind](results) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"{path} cannot be written: {error.strerror or error}", "choose a folder that exists"
        ) from error


def _write_parquet(results: Sequence[Result], path: Path) -> None:
    """Write a row for every seed of every case; columns that a case lacks are null in its rows."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise OptionError(
            "Parquet files require pyarrow, which is not installed", "pip install 'benchsuite[parquet]'"
        ) from error
    try:
        tables = [pa.table({**_about(result), **result.rows.columns}) for result in results]
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise OptionError(
            f"the cases' columns do not fit into one table: {error}", "export runs of one case"
        ) from error
    parquet.write_table(table, path)


def _about(result: Result) -> dict[str, list[Any]]:
    """Make the columns that are the same for all seeds of a case."""
    summary = result.summary
    names = ("case", "treatment", "label", "protocol", "dataset", "stand_in", "device", "precision")
    about: dict[str, Any] = {name: getattr(summary, name) for name in names}
    if summary.family:
        about |= {"family": summary.family, **{f"rung.{option}": value for option, value in summary.rung.items()}}
    about |= {f"settings.{option}": float(value) for option, value in summary.setting.items()}
    return {name: [value] * len(result.rows) for name, value in about.items()}
