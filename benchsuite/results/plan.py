"""The plan of a case's run: everything that is settled before its first seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from benchsuite.case import Bound, Case, Claim, Criterion, Ends, FailureRate, Figure, Schedule, combine_values
from benchsuite.seeds import SeedNumbers, parse_seeds
from benchsuite.settings import PROTOCOLS, QUICK, SOURCE
from benchsuite.system import files

_CHECKS = {kind.__name__: kind for kind in (FailureRate, Bound, Figure, Ends)}

#: A whole number that fits into an array.
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0)]


class _StoredClaim(TypedDict):
    """The JSON of a claim, as `Claim.to_json` gives it."""

    statement: str
    check: dict[str, Any]
    source: str
    kind: Literal["FailureRate", "Bound", "Figure", "Ends"]


def _parse_claim(values: Mapping[str, Any]) -> Claim:
    stored = files.convert(values, _StoredClaim)
    files.convert(stored["check"], _CHECKS[stored["kind"]])
    return Claim.from_json(values)


def case_label(case: str, protocol: str, stand_in: bool, dtype: str = "float32") -> str:
    """Label a case with what its figures depend on: a quick protocol, synthetic data, other numbers than float32."""
    marks = ([] if protocol == SOURCE else [protocol]) + (["stand-in data"] if stand_in else [])
    marks += [] if dtype == "float32" else [dtype]
    return f"{case} ({', '.join(marks)})" if marks else case


def schedule_for(case: Case, protocol: str) -> tuple[str, Schedule]:
    """Choose the protocol and schedule of a case: the quick ones where asked for and defined."""
    return (QUICK, case.quick) if protocol == QUICK and case.quick else (SOURCE, case.schedule)


@dataclass(frozen=True)
class Plan:
    """The definition of one case's run, as plain JSON values.

    `treatment` is empty for the untreated case. `sweep` is {option: values} of which all combinations are trained side
    by side, empty for none; `setting` is {option: value} of one of them, see `parts`, and of options whose values are
    trained one after another. `rung` is {option: value} of a case of the ladder `ladder_name`, and `published` the
    share of starts that fail there according to the source. `claims` are as `Claim.to_json` gives them. `success` are
    the fields of the criterion. `constant_meets` names a constant prediction that meets it, empty for none;
    `evaluation_examples` counts those that every seed is judged on. `seed_numbers` are the seeds where they are not
    0, 1, … and so on, as "100:200" or "3,7". `predicted_bytes` is the memory of one device; times are in seconds.
    `compiler_options` are the options of XLA that the programs were compiled with, besides its defaults.
    """

    case: str
    treatment: str
    sweep: dict[str, list[float]]
    restarts: Count
    source: str
    protocol: Annotated[str, Meta(pattern=rf"^({'|'.join(PROTOCOLS)})\Z")]
    dataset: str
    stand_in: bool
    data_origin: str
    criterion: str
    claims: list[dict[str, Any]]
    starts: dict[str, dict[str, float]]
    readings: dict[str, str]
    program: str
    data_digest: str
    steps: Annotated[list[Whole], Meta(min_length=2)]
    parameter_names: list[str]
    seeds: Count
    round_size: Count
    chunk_size: Count
    precision: str
    prng: str
    device: str
    platform: str
    device_count: Count
    predicted_bytes: Whole = 0
    trace_seconds: Seconds = 0.0
    compile_seconds: Seconds = 0.0
    compile_cache: str = ""
    executor: str = "local"
    workers: Count = 1
    setting: dict[str, int | float] = field(default_factory=dict)
    version: str = ""
    ladder_name: str = ""
    rung: dict[str, int | float] = field(default_factory=dict)
    published: Annotated[float, Meta(ge=0, le=1)] | None = None
    success: dict[str, str | float | None] = field(default_factory=dict)
    constant_meets: str = ""
    evaluation_examples: Whole = 0
    dtype: str = "float32"
    warnings: list[str] = field(default_factory=list)
    seed_numbers: str = ""
    family: str = ""
    tags: list[str] = field(default_factory=list)
    compiler_options: dict[str, bool | int | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    def check(self) -> None:
        """Check what annotations cannot say.

        Raises:
            ValueError: the steps do not ascend, the sweep is none, or a ladder does not have one option.
            CaseError: a claim cannot be tested by its check, or the criterion is none.
        """
        if self.steps != sorted(set(self.steps)):
            raise ValueError(f"the steps are {self.steps[:3]} and so on, not in ascending order")
        if self.setting.keys() & self.sweep.keys() or not all(self.sweep.values()):
            raise ValueError(f"the sweep is over {', '.join(self.sweep) or 'nothing'}")
        if self.ladder_name and len(self.rung) != 1:
            raise ValueError(f"the options of the ladder {self.ladder_name!r} are {', '.join(self.rung) or 'none'}")
        if len(SeedNumbers.of(self.seed_choice)) != self.seeds:
            raise ValueError(f"the seeds {self.seed_numbers[:80]} are not {self.seeds}")
        _ = self.parsed_claims, self.parsed_criterion

    @cached_property
    def parsed_claims(self) -> list[Claim]:
        """The claims as objects."""
        return [_parse_claim(claim) for claim in self.claims]

    @cached_property
    def parsed_criterion(self) -> Criterion | None:
        """The criterion as an object; None in a plan of an earlier version."""
        return Criterion(**self.success) if self.success else None  # type: ignore[arg-type]  # as `asdict` gave it

    @property
    def seed_choice(self) -> int | SeedNumbers:
        """The seeds, as `TrainingSettings.seeds` has them."""
        return parse_seeds(self.seed_numbers) if self.seed_numbers else self.seeds

    def with_seeds(self, seeds: int | SeedNumbers) -> Plan:
        """Make the plan for other seeds."""
        chosen = SeedNumbers.of(seeds)
        return replace(self, seeds=len(chosen), seed_numbers="" if chosen.is_count else str(chosen))

    @property
    def id(self) -> str:
        """The case, treatment and sweep: "relu-to-relu", "relu-to-relu+adam@learning_rate"."""
        swept = "".join(f"@{option}" for option in self.sweep)
        settings = "".join(f"@{option}={value!r}" for option, value in self.setting.items())
        return self.case + (f"+{self.treatment}" if self.treatment else "") + settings + swept

    @property
    def label(self) -> str:
        """The id, with the marks of a quick protocol, synthetic data and other numbers than float32."""
        return case_label(self.id, self.protocol, self.stand_in, self.dtype)

    @property
    def parts(self) -> list[Plan]:
        """The plan itself, or one for each combination of the values of its sweep."""
        if not self.sweep:
            return [self]
        return [replace(self, sweep={}, setting={**self.setting, **part}) for part in combine_values(self.sweep)]

    @property
    def resolution(self) -> int:
        """Optimiser steps from one evaluation to the next, the resolution of times to success."""
        return self.steps[1] - self.steps[0]

    @property
    def definition(self) -> dict[str, Any]:
        """The fields that rows must share to belong to one run."""
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
            "dtype",
            "prng",
            "device",
            "program",
            "compiler_options",
            "data_digest",
            "starts",
        )
        return {name: getattr(self, name) for name in names} | {"diagnostics": list(self.readings)}
