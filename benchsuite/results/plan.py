"""How one case is run: everything that is settled before its first seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from benchsuite.case import Case, Claim, Schedule
from benchsuite.settings import PROTOCOLS, QUICK, SOURCE
from benchsuite.system import files


def case_label(case: str, protocol: str, stand_in: bool) -> str:
    """A case with all that keeps its figures apart from others: a quick protocol, stand-in data."""
    marks = ([] if protocol == SOURCE else [protocol]) + (["stand-in data"] if stand_in else [])
    return f"{case} ({', '.join(marks)})" if marks else case


def schedule_for(case: Case, protocol: str) -> tuple[str, Schedule]:
    """The protocol that a case is trained under when `protocol` is asked for, and its schedule."""
    return (QUICK, case.quick) if protocol == QUICK and case.quick else (SOURCE, case.schedule)


@dataclass(frozen=True)
class Plan:
    """How one case is run, as plain JSON values.

    `treatment` is what was done to the case, empty for nothing. `sweep` is {option: values} that are trained side by
    side, empty for none; `setting` is {option: value} where the plan is that of one of them, see `parts`.
    """

    case: str
    treatment: str
    sweep: dict[str, list[float]]
    restarts: int
    source: str
    protocol: str
    dataset: str
    stand_in: bool
    data_origin: str
    criterion: str
    claims: list[dict[str, Any]]
    starts: dict[str, dict[str, float]]
    readings: dict[str, str]
    program: str
    data_digest: str
    steps: list[int]
    parameter_names: list[str]
    seeds: int
    round_size: int
    chunk_size: int
    precision: str
    prng: str
    device: str
    platform: str
    device_count: int
    predicted_bytes: int = 0
    trace_seconds: float = 0.0
    compile_seconds: float = 0.0
    compile_cache: str = ""
    executor: str = "local"
    workers: int = 1
    setting: dict[str, float] = field(default_factory=dict)
    version: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan that was stored; fields of other versions are passed over.

        Raises:
            TypeError: a field is missing, or is not of its kind.
            ValueError: its value is one that no plan has.
            KeyError: a claim is none.
            CaseError: likewise.
        """
        plan = cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})
        files.demand_fields(plan)
        plan._check()
        return plan

    def _check(self) -> None:
        for name in ("restarts", "seeds", "round_size", "chunk_size", "device_count", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}")
        for name in ("predicted_bytes", "trace_seconds", "compile_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"the protocol is {self.protocol!r}")
        if len(self.steps) < 2 or self.steps[0] < 0 or self.steps != sorted(set(self.steps)):  # noqa: PLR2004  # start, end
            raise ValueError(f"the steps are {self.steps[:3]} and so on")
        if self.setting or len(self.sweep) > 1 or not all(self.sweep.values()):
            raise ValueError(f"the sweep is over {', '.join(self.sweep) or 'nothing'}")
        for claim in map(Claim.from_json, self.claims):
            files.demand_fields(claim)
            files.demand_fields(claim.check)

    @property
    def id(self) -> str:
        """The case with what was done to it: "relu-to-relu", "relu-to-relu+adam@learning_rate"."""
        swept = "".join(f"@{option}" for option in self.sweep)
        settings = "".join(f"@{option}={value!r}" for option, value in self.setting.items())
        return self.case + (f"+{self.treatment}" if self.treatment else "") + swept + settings

    @property
    def label(self) -> str:
        """The case with all that keeps its figures apart from others."""
        return case_label(self.id, self.protocol, self.stand_in)

    @property
    def parts(self) -> list[Plan]:
        """The plan itself, or one for each value that is trained beside the others."""
        return [
            replace(self, sweep={}, setting={option: value})
            for option, values in self.sweep.items()
            for value in values
        ] or [self]

    @property
    def resolution(self) -> int:
        """The optimiser steps from one evaluation to the next, which is how finely times to success are known."""
        return self.steps[1] - self.steps[0]

    @property
    def definition(self) -> dict[str, Any]:
        """What two sets of rows must share to be one run."""
        names = (
            "case",
            "treatment",
            "sweep",
            "restarts",
            "protocol",
            "dataset",
            "criterion",
            "steps",
            "precision",
            "prng",
            "device",
            "program",
            "data_digest",
            "starts",
        )
        return {name: getattr(self, name) for name in names} | {"diagnostics": list(self.readings)}
