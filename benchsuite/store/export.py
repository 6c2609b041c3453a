"""A run's figures in the formats of other tools, which keep the rate that they would drop from pytest-benchmark's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchsuite.errors import OptionError
from benchsuite.results import Result, Summary


def bencher(results: Sequence[Result]) -> str:
    """Bencher Metric Format: for each case the rate with its interval, the speed, and the cost of a success.

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


def github(results: Sequence[Result]) -> str:
    """What github-action-benchmark reads as `customBiggerIsBetter`: for each case the rate in percent, and the speed.

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


#: Formats that are texts.
TEXTS: Mapping[str, Callable[[Sequence[Result]], str]] = {"bencher": bencher, "github": github}


def export(results: Sequence[Result], kind: str, path: Path) -> None:
    """Write results into a file.

    Args:
        results: of a run.
        kind: one of `TEXTS`, or "parquet".
        path: the file, which is replaced.

    Raises:
        OptionError: it cannot be written, or what writes it is not installed.
    """
    try:
        if kind == "parquet":
            _write_parquet(results, path)
        else:
            path.write_text(TEXTS[kind](results) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"{path} cannot be written: {error.strerror or error}", "choose a folder that exists"
        ) from error


def _write_parquet(results: Sequence[Result], path: Path) -> None:
    """A row for every seed of every case; columns that a case lacks are empty in its rows."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise OptionError("Parquet files need pyarrow", "pip install 'benchsuite[parquet]'") from error
    try:
        tables = [pa.table({**_about(result), **result.rows.columns}) for result in results]
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise OptionError(f"these columns do not fit into one table: {error}", "export runs of one case") from error
    parquet.write_table(table, path)


def _about(result: Result) -> dict[str, list[Any]]:
    """What is the same for all seeds of a case."""
    names = ("case", "treatment", "label", "protocol", "dataset", "stand_in", "device", "precision")
    return {name: [getattr(result.summary, name)] * len(result.rows) for name in names}
