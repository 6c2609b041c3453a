"""How one case is run: everything that is settled before its first seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from benchsuite.settings import SOURCE


def label(case: str, protocol: str, stand_in: bool) -> str:
    """A case with all that keeps its figures apart from others: a quick protocol, stand-in data."""
    marks = ([] if protocol == SOURCE else [protocol]) + (["stand-in data"] if stand_in else [])
    return f"{case} ({', '.join(marks)})" if marks else case


@dataclass(frozen=True)
class Plan:
    """How one case is run, as plain JSON values."""

    case: str
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

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan that was stored; fields of other versions are passed over.

        Raises:
            KeyError: a field is missing.
        """
        return cls(**{f.name: values[f.name] for f in fields(cls)})

    @property
    def label(self) -> str:
        """The case with all that keeps its figures apart from others."""
        return label(self.case, self.protocol, self.stand_in)

    @property
    def resolution(self) -> int:
        """The optimiser steps from one evaluation to the next, which is how finely times to success are known."""
        return self.steps[1] - self.steps[0]

    @property
    def definition(self) -> dict[str, Any]:
        """What two sets of rows must share to be one run."""
        names = (
            "case",
            "protocol",
            "dataset",
            "criterion",
            "steps",
            "precision",
            "prng",
            "device",
            "program",
            "starts",
        )
        return {name: getattr(self, name) for name in names} | {"diagnostics": list(self.readings)}
