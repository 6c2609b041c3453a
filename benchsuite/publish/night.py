"""What a site keeps of one run: enough to draw its history again, and never changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from benchsuite.results import Result, Summary
from benchsuite.store import RunFolder
from benchsuite.system import files

#: A night's name: when it was begun, and the beginning of a digest.
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")

#: What is taken over from a case's summary as it is.
_FROM_RECORD = (
    *("label", "case", "treatment", "version", "protocol", "dataset", "stand_in", "device", "platform"),
    *("device_count", "precision", "seeds", "converged", "rate", "rate_interval", "outcomes", "seeds_per_second"),
    "device_seconds_per_converged",
)


@dataclass(frozen=True)
class Point:
    """One case in one night, as plain JSON values; see `Summary` for what they are.

    `slowest` and `fastest` are the seeds per second of the steady rounds.
    """

    label: str
    case: str
    treatment: str
    version: str
    protocol: str
    dataset: str
    stand_in: bool
    device: str
    platform: str
    device_count: int
    precision: str
    seeds: int
    converged: int
    rate: float
    rate_interval: Sequence[float]
    outcomes: Mapping[str, int]
    seeds_per_second: float
    device_seconds_per_converged: float | None
    slowest: float
    fastest: float

    @classmethod
    def of(cls, summary: Summary) -> Point:
        """The point that a summary gives."""
        speeds = [n / took for n, took in zip(summary.round_seeds, summary.round_seconds, strict=True)]
        speeds = speeds or [summary.seeds_per_second]
        return cls(**{name: getattr(summary, name) for name in _FROM_RECORD}, slowest=min(speeds), fastest=max(speeds))

    @property
    def series(self) -> str:
        """What must be the same of two nights that are one series, apart from the label."""
        count = f"{self.device_count} × " if self.device_count > 1 else ""
        return f"{count}{self.device}, {self.dataset}, {self.precision} precision, version {self.version or 'unknown'}"


@dataclass(frozen=True)
class Night:
    """One run.

    Args:
        name: unique on a site, and the folder of its page.
        created: when the run was begun, as ISO 8601 with its zone.
        commit: of the folder that it was run in, if that was in a repository.
        versions: package → its version.
        timing_warnings: why its timing is not to be relied on; empty where nothing speaks against it.
        points: of its cases, those of swept options left out.
    """

    name: str
    created: str
    commit: str | None
    versions: Mapping[str, str | None]
    timing_warnings: Sequence[str]
    points: Sequence[Point]

    @classmethod
    def of(cls, run: RunFolder, results: Sequence[Result]) -> Night:
        """What is kept of a run."""
        points = [Point.of(result.summary) for result in results if not result.summary.setting]
        facts: dict[str, Any] = {
            "created": run.created,
            "commit": run.commit,
            "versions": dict(run.machine.get("versions", {})),
            "timing_warnings": run.timing_warnings,
            "points": points,
        }
        digest = hashlib.sha256(json.dumps({**facts, "points": [asdict(p) for p in points]}).encode()).hexdigest()
        day, _, time = facts["created"].partition("T")
        return cls(f"{day.replace('-', '')}-{time[:8].replace(':', '')}-{digest[:6]}", **facts)

    @property
    def page(self) -> str:
        """Where its page lies in the site."""
        return f"runs/{self.name}/index.html"

    def to_json(self) -> bytes:
        """The night as a file."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Night:
        """The night that `to_json` wrote.

        Raises:
            ValueError: it is none.
            TypeError: a field is missing or too many.
        """
        night = files.decode(content, cls)
        if not is_name(night.name) or datetime.fromisoformat(night.created).tzinfo is None:
            raise ValueError(f"it is called {night.name!r} and was made at {night.created!r}")
        if any(len(point.rate_interval) != 2 or point.seeds < 1 for point in night.points):  # noqa: PLR2004  # from, to
            raise ValueError("a point of it is none")
        return night


def is_name(name: str) -> bool:
    """Whether a night can be called so, which names its folder."""
    return _NAME.fullmatch(name) is not None
