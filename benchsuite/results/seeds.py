"""Tables with a row for every seed: how its training ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from benchsuite.case import Bound, Case, FailureRate, Figure, as_numbers
from benchsuite.errors import CaseError, wrap_errors
from benchsuite.results.outcome import Outcome, classify, steps_to_success
from benchsuite.results.plan import Plan
from benchsuite.results.trace import Trace

Columns = Mapping[str, np.ndarray]

#: Kinds of the columns' values, as NumPy abbreviates them; columns that are not named are numeric.
_KINDS = {"seeds": "iu", "outcomes": "U", "steps_to_success": "iu", "groups": "b"}


@dataclass(frozen=True)
class SeedTable:
    """The ends of n trainings, column by column.

    Args:
        seeds: (n,) the seeds; named starts all have that of the data they were trained on.
        outcomes: (n,) their outcomes.
        steps_to_success: (n,) the step from which on the criterion held; `outcome.NEVER` where it did not.
        final: metric → (n,) at the last evaluation; "train.<metric>" that of the training batches before it.
        start: parameter → (n,) before the first step, for models with few of them.
        end: parameter → (n,) after the last.
        groups: group of the case → (n,) whether the seed started in it.
        diagnostics: diagnostic of the case → (n,).
        settings: option that is swept over → (n,) its value.
    """

    seeds: np.ndarray
    outcomes: np.ndarray
    steps_to_success: np.ndarray
    final: Columns
    start: Columns
    end: Columns
    groups: Columns
    diagnostics: Columns
    settings: Columns

    @classmethod
    def from_trace(
        cls, trace: Trace, case: Case, parameter_names: Sequence[str], facts: Mapping[str, float]
    ) -> SeedTable:
        """Make the rows of finished trainings.

        Args:
            trace: their evaluations.
            case: the case that was trained.
            parameter_names: of `trace.parameters`.
            facts: diagnostics of the data, the same for every seed.

        Raises:
            CaseError: a group of the case fails.
        """
        # Copies: a view would keep the whole trace in memory for as long as the run lasts.
        final = {name: values[:, -1].copy() for name, values in trace.metrics.items()}
        final |= {f"train.{name}": values[:, -1].copy() for name, values in trace.train.items()}
        final = {name: as_numbers(values) if values.dtype == bool else values for name, values in final.items()}
        start, end = (
            {name: trace.parameters[:, when, number].copy() for number, name in enumerate(parameter_names)}
            for when in (0, -1)
        )
        return cls(
            seeds=trace.seeds,
            outcomes=classify(trace, case.criterion),
            steps_to_success=steps_to_success(trace, case.criterion),
            final=final,
            start=start,
            end=end,
            groups=find_groups(case, start, len(trace.seeds)),
            diagnostics={**trace.diagnostics, **{name: np.full(len(trace.seeds), v) for name, v in facts.items()}},
            settings=trace.settings,
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def check(self, plan: Plan | None = None) -> None:
        """Check columns against their kinds and, if given, the plan.

        Raises:
            ValueError: a column is of another kind or length, is missing, or holds an unknown outcome.
        """
        for name, column in self.columns.items():
            kinds = _KINDS.get(name.partition(".")[0], "biuf")
            if column.dtype.kind not in kinds or not column.dtype.itemsize or column.dtype == np.longdouble:
                raise ValueError(f"its column {name} is of {column.dtype}")
            if column.shape != (len(self),) or not len(self):
                raise ValueError("its columns are not of one length")
        if unknown := set(self.outcomes.tolist()) - {outcome.value for outcome in Outcome}:
            raise ValueError(f"it has the outcome {min(unknown)!r}")
        if missing := {"r2", "largest_error"} - set(self.final):
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
        if plan:
            self._check_names(plan)

    def _check_names(self, plan: Plan) -> None:
        checks = [claim.check for claim in plan.parsed_claims]
        for what, given, asked in (
            ("start", self.start, plan.parameter_names),
            ("end", self.end, plan.parameter_names),
            ("diagnostics", self.diagnostics, plan.readings),
            ("groups", self.groups, [c.among for c in checks if isinstance(c, FailureRate | Bound) and c.among]),
            ("figures", self._figures, [c.of for c in checks if isinstance(c, Bound | Figure)]),
        ):
            if missing := [name for name in asked if name not in given]:
                raise ValueError(f"it has no {missing[0]!r} among its {what}")
        if unknown := set(self.diagnostics) - set(plan.readings):
            raise ValueError(f"it has the diagnostic {min(unknown)!r}")

    @property
    def converged(self) -> np.ndarray:
        """(n,) whether the seed converged."""
        return self.outcomes == Outcome.CONVERGED.value

    def figure(self, name: str) -> np.ndarray:
        """Return one figure of each seed, (n,): a name of `final`, a parameter or a diagnostic.

        Raises:
            KeyError: there is no such figure.
        """
        return self._figures[name]

    @property
    def _figures(self) -> dict[str, np.ndarray]:
        return {**self.diagnostics, **self.end, **self.final}

    def among(self, group: str | None) -> SeedTable:
        """Select the rows of the seeds that started in a group; all of them for None."""
        return self if group is None else self[self.groups[group]]

    def __getitem__(self, chosen: Any) -> SeedTable:
        return SeedTable.from_columns({name: values[chosen] for name, values in self.columns.items()})

    @classmethod
    def join(cls, parts: Sequence[SeedTable]) -> SeedTable:
        """Concatenate several tables."""
        columns = [part.columns for part in parts]
        return cls.from_columns({name: np.concatenate([part[name] for part in columns]) for name in columns[0]})

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """All columns in one mapping with the names of the file: "seeds", "final.r2", "start.w" and so on."""
        flat: dict[str, np.ndarray] = {}
        for name, column in vars(self).items():
            if isinstance(column, Mapping):
                flat |= {f"{name}.{key}": values for key, values in column.items()}
            else:
                flat[name] = column
        return flat

    @classmethod
    def from_columns(cls, columns: Columns) -> SeedTable:
        """Make a table from `columns`; other entries are ignored.

        Raises:
            KeyError: a column is missing.
        """
        plain = {name: columns[name] for name in ("seeds", "outcomes", "steps_to_success")}
        mappings = [field.name for field in fields(cls) if field.name not in plain]
        return cls(**plain, **{name: columns_under(f"{name}.", columns) for name in mappings})  # type: ignore[arg-type]  # as named


def columns_under(prefix: str, columns: Columns) -> dict[str, np.ndarray]:
    """Select the columns whose names begin with `prefix`, and remove it."""
    return {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}


def _group_failed(case: Case, name: str, raised: str) -> CaseError:
    return CaseError(
        f"case {case.name}: its group {name!r} failed: {raised}",
        "give a function of {parameter: (n,) array} that uses the names that `benchsuite replay` shows",
    )


def find_groups(case: Case, start: Columns, seeds: int) -> dict[str, np.ndarray]:
    """Evaluate the case's groups on the seeds' starts: group → (n,).

    Raises:
        CaseError: a group's function fails, or gives something else.
    """
    groups = {}
    for name, contains in case.groups.items():
        with wrap_errors(partial(_group_failed, case, name)):
            inside = np.asarray(contains(start))
        if inside.shape != (seeds,) or inside.dtype != bool:
            raise CaseError(
                f"case {case.name}: its group {name!r} gives {inside.dtype} of shape {inside.shape}",
                "give one truth value for each seed",
            )
        groups[name] = inside
    return groups
