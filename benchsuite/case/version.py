"""Compute the version of a case, a digest of its definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchsuite.case.case import Case
from benchsuite.case.factory import NestedFactory, options_of
from benchsuite.case.schedule import Schedule
from benchsuite.case.sweep import Sweep

#: How seeds are put into programs, on which the last bits of every seed depend.
PROGRAMS = "blocks"


def case_version(case: Case, schedule: Schedule) -> str:
    """Compute eight hexadecimal digits from the names and numbers that define a case.

    Functions are represented by their names and options. A change inside of a function changes `Plan.program`, the
    digest of the operations, which also depends on the version of JAX.
    """
    facts = {
        "programs": PROGRAMS,
        "name": case.id,
        "model": _described(case.model) | {"options": _described(case.model_options)},
        "optimizer": (_described(case.optimizer) or {}) | {"options": _described(case.optimizer_options)},
        "loss": _described(case.loss),
        "criterion": str(case.criterion),
        "metric": _described(case.all_metrics.get(case.criterion.metric)),
        "length": [schedule.length, schedule.unit, schedule.evaluate_every],
        **(case.dataset.definition if case.dataset else {"dataset": case.data_name}),
        "restarts": case.restarts,
        "sweep": _swept(case.sweep) if case.sweep else None,
        **_beyond_loss(case),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def _swept(sweep: Sweep) -> Any:
    """The values of a sweep; the name of a single option is part of the id of its case."""
    values = {option: list(values) for option, values in sweep.values.items()}
    return values if len(values) > 1 else next(iter(values.values()))


def _beyond_loss(case: Case) -> dict[str, Any]:
    """What only some cases have: an objective, players, another type of numbers."""
    facts: dict[str, Any] = {}
    if case.objective:
        facts["objective"] = _described(case.objective)
    if case.players:
        facts["players"] = [
            {"name": p.name, "steps": p.steps, "objective": _described(p.objective), "by": _described(p.optimizer)}
            for p in case.players
        ]
    return facts if case.dtype == "float32" else {**facts, "dtype": case.dtype}


def _described(value: Any) -> Any:
    """Describe a value by plain JSON values, without addresses in memory."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _described(item) for name, item in value.items()}
    if isinstance(value, NestedFactory):
        return {"calls": value.text}
    if isinstance(value, partial):
        return {"function": _name(value.func), "given": _described(options_of(value))}
    return {"function": _name(value)}


def _name(value: Any) -> str:
    return str(getattr(value, "__qualname__", type(value).__qualname__))
