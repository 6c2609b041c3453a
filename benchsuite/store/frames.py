"""The tables of a run: a row for each seed, evaluation, or case and treatment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchsuite.results import NEVER, Result, Trace
from benchsuite.store.frame import Frame

#: Columns of a seed table whose names are in the plural -> their names in a table.
_SINGULAR = {name: name.removesuffix("s") for name in ("seeds", "outcomes", "groups", "diagnostics", "settings")}


def seed_frame(results: Sequence[Result]) -> Frame:
    """Make a table with a row for each seed of each result.

    Columns: case, treatment, label, protocol, dataset, stand_in, device, precision, seed, outcome, converged,
    steps_to_success (optimiser steps, null where the seed failed), final.<metric>, start.<parameter>, end.<parameter>,
    group.<name>, diagnostic.<name>, setting.<option>, family, ladder and rung.<option>; null where a case
    has no such column.
    """
    return Frame.join([_with_case(result, len(result.rows), _seed_columns(result)) for result in results])


def _seed_columns(result: Result) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, values in result.rows.columns.items():
        first, dot, rest = name.partition(".")
        columns[_SINGULAR.get(first, first) + dot + rest] = values
        if name == "outcomes":
            columns["converged"] = result.rows.converged
    steps = columns["steps_to_success"]
    return columns | {"steps_to_success": np.ma.masked_array(steps, steps == NEVER)}


def curve_frame(results: Sequence[Result]) -> Frame:
    """Make a table with a row for each stored evaluation of each seed.

    Columns: those of `seed_frame` up to seed, step (optimiser steps), gradient_norm, train.<metric>
    (NaN at step 0), metric.<metric> and parameter.<name>. A run stores the evaluations of its first 1000 seeds.
    """
    return Frame.join([_curves_of(result) for result in results])


def _curves_of(result: Result) -> Frame:
    curves, names = result.curves, list(result.rows.start)
    seeds, steps = np.repeat(curves.seeds, len(curves.steps)), np.tile(curves.steps, len(curves.seeds))
    columns = {"seed": seeds, "step": steps} | _flat_curves(curves.columns, names)
    return _with_case(result, len(seeds), columns)


def _flat_curves(columns: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Flatten curves (k, e) to (k·e,), the parameters of each name apart."""
    flat = {name: values.reshape(-1) for name, values in columns.items() if name != "parameters"}
    if "parameters" in columns:
        flat |= {f"parameter.{name}": columns["parameters"][..., n].reshape(-1) for n, name in enumerate(names)}
    return flat


def trace_frame(trace: Trace, names: Sequence[str], caption: str) -> Frame:
    """Make a table with a row for each evaluation of a trace, with the columns of `curve_frame` from step on.

    Args:
        trace: of one training.
        names: of its parameters.
        caption: of the table.
    """
    curves = {
        "gradient_norm": trace.gradient_norm,
        **{f"train.{name}": values for name, values in trace.train.items()},
        **{f"metric.{name}": values for name, values in trace.metrics.items()},
        "parameters": trace.parameters,
    }
    return Frame({"step": trace.steps} | _flat_curves(curves, names), caption)


def _with_case(result: Result, rows: int, columns: dict[str, np.ndarray]) -> Frame:
    summary = result.summary
    names = ("case", "treatment", "label", "protocol", "dataset", "stand_in", "device", "precision")
    about: dict[str, Any] = {name: getattr(summary, name) for name in names}
    if summary.family:
        about["family"] = summary.family
    if summary.ladder_name:
        about |= {"ladder": summary.ladder_name, **{f"rung.{option}": value for option, value in summary.rung.items()}}
    about |= {f"setting.{option}": float(value) for option, value in summary.setting.items()}
    return Frame({name: np.full(rows, value) for name, value in about.items()} | columns)
