"""The summary of one run that a site keeps: enough to rebuild its pages, and never rewritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from benchsuite.results import Result, Summary
from benchsuite.store import RunFolder
from benchsuite.system import files

#: Name of a night: when it was begun, and the beginning of a digest.
NightName = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{8}-[0-9]{6}-[0-9a-f]{6}\Z")]

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Seeds = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Speed = Annotated[float, msgspec.Meta(ge=0)]

#: Fields of a case's summary that a point keeps.
_FROM_SUMMARY = (
    *("label", "case", "treatment", "version", "protocol", "dataset", "stand_in", "device", "platform"),
    *("device_count", "precision", "seeds", "converged", "rate", "rate_interval", "outcomes", "seeds_per_second"),
    "device_seconds_per_converged",
)


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case in one night; see `Summary` for the fields.

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
    device_count: _Count
    precision: str
    seeds: _Seeds
    converged: _Count
    rate: _Share
    rate_interval: tuple[_Share, _Share]
    outcomes: Mapping[str, _Count]
    seeds_per_second: _Speed
    device_seconds_per_converged: _Speed | None
    slowest: _Speed
    fastest: _Speed

    @classmethod
    def of(cls, summary: Summary) -> Point:
        """Make the point of a summary."""
        speeds = [n / took for n, took in zip(summary.round_seeds, summary.round_seconds, strict=True)]
        speeds = speeds or [summary.seeds_per_second]
        return cls(**{name: getattr(summary, name) for name in _FROM_SUMMARY}, slowest=min(speeds), fastest=max(speeds))

    @property
    def series(self) -> str:
        """Device, data, precision and version, which two nights of one series have in common."""
        count = f"{self.device_count} × " if self.device_count > 1 else ""
        return f"{count}{self.device}, {self.dataset}, {self.precision} precision, version {self.version or 'unknown'}"


class Night(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One run.

    Args:
        name: unique on a site; folder of its page.
        created: when the run was begun, ISO 8601 with a time zone.
        commit: of the working folder, or None outside of a repository.
        versions: package → its version.
        timing_warnings: reasons to distrust the timing; called "doubts" in files.
        points: of its cases, without those of swept options.
        untrained: the cases that failed, were not run or lack seeds, such as "line+adam failed".
    """

    name: NightName
    created: str
    commit: str | None
    versions: Mapping[str, str | None]
    timing_warnings: Sequence[str] = msgspec.field(name="doubts")
    points: Sequence[Point]
    untrained: Sequence[str] = ()

    @classmethod
    def of(cls, run: RunFolder, results: Sequence[Result]) -> Night:
        """Summarise a run; the name depends on its content alone."""
        points = [Point.of(result.summary) for result in results if not result.summary.setting]
        versions = dict(run.machine.get("versions", {}))
        untrained = [f"{item.id} {item.state}" for item in run.untrained]
        night = cls("", run.created, run.commit, versions, run.timing_warnings, points, untrained)
        facts = {name: value for name, value in msgspec.to_builtins(night).items() if name != "name"}
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        day, _, time = night.created.partition("T")
        return msgspec.structs.replace(night, name=f"{day.replace('-', '')}-{time[:8].replace(':', '')}-{digest[:6]}")

    @property
    def page(self) -> str:
        """Path of its page in the site."""
        return f"runs/{self.name}/index.html"

    def to_json(self) -> bytes:
        """Encode the night for a file.

        Raises:
            ValueError: a number is not finite.
        """
        return json.dumps(msgspec.to_builtins(self), indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Night:
        """Decode what `to_json` encoded.

        Raises:
            ValueError: a field is missing, unknown, or of another type or range.
        """
        night = files.decode(content, cls)
        if datetime.fromisoformat(night.created).tzinfo is None:
            raise ValueError(f"{night.created!r} has no time zone")
        return night
