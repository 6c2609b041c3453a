"""Claims: statements of the source of a case, each with a check over many seeds."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchsuite.errors import require, require_text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@dataclass(frozen=True)
class FailureRate:
    """The share of starts that fail: a count of the source, or a share that a theory gives.

    A count `failed` of `of` runs is a sample of its own, compared with the seeds by Fisher's exact test. A share has no
    error of its own, and is tested by the exact binomial test: a published "42 %" of 50 runs is not such a share.

    Args:
        equals: the share, from 0 to 1; or
        at_least: its lower bound; or
        at_most: its upper bound.
        among: the group of starts that the claim is about; all starts by default.
        failed: the number of the source's runs that failed, with
        of: the number of its runs.
    """

    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    among: str | None = None
    failed: int | None = None
    of: int | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.equals, self.at_least, self.at_most) if value is not None]
        if self.failed is not None or self.of is not None:
            require(
                not given, f"{self!r} has a count and a share", "give failed and of, or equals, at_least or at_most"
            )
            sound = _is_count(self.failed) and _is_count(self.of) and (self.failed or 0) <= (self.of or 0) > 0
            require(
                sound,
                f"FailureRate of failed={self.failed!r}, of={self.of!r}",
                "give both, as FailureRate(failed=21, of=50)",
            )
            return
        require(
            len(given) == 1,
            f"{self!r} has {len(given)} numbers",
            "give failed and of, or one of equals, at_least, at_most",
        )
        require(_is_number(given[0]) and 0 <= given[0] <= 1, f"FailureRate of {given[0]!r}", "give a share from 0 to 1")

    @property
    def rate(self) -> float:
        """The share or its bound."""
        if self.failed is not None and self.of:
            return self.failed / self.of
        return next(value for value in (self.equals, self.at_least, self.at_most) if value is not None)

    def __str__(self) -> str:
        if self.failed is not None:
            return f"{self.failed:,} of {self.of:,} fail"
        sign = "≥ " if self.at_least is not None else "≤ " if self.at_most is not None else ""
        return f"{sign}{100 * self.rate:g} % fail"


@dataclass(frozen=True)
class Bound:
    """Bounds that no seed exceeds at the end of its training.

    Args:
        of: a metric of the evaluation data, "train.<metric>" of the last epoch or period, a parameter or a diagnostic.
        at_least: lower bound, and
        at_most: upper bound.
        among: as in `FailureRate`.
    """

    of: str
    at_least: float | None = None
    at_most: float | None = None
    among: str | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.at_least, self.at_most) if value is not None]
        require(bool(given), f"Bound of {self.of!r} has no bound", "give at_least, at_most or both")
        require(all(map(_is_number, given)), f"Bound of {self.of!r} is {given!r}", "give finite numbers")
        require(given == sorted(given), f"Bound of {self.of!r} is {given!r}", "give the smaller as at_least")

    def holds(self, values: Any) -> Any:
        """Test which values are within the bounds; NaN never is."""
        above = values >= (-math.inf if self.at_least is None else self.at_least)
        return above & (values <= (math.inf if self.at_most is None else self.at_most))

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g} ≤ {self.of} ≤ {self.at_most:g}"
        return f"{self.of} ≥ {self.at_least:g}" if self.at_least is not None else f"{self.of} ≤ {self.at_most:g}"


@dataclass(frozen=True)
class Figure:
    """What the source's runs ended with: that of one run, or the mean of several with their spread.

    Args:
        of: as in `Bound`.
        value: the source's figure, of its one run or the mean over its runs.
        spread: the standard deviation over the source's runs, which is its standard error times √of_runs.
        of_runs: the number of the source's runs; a spread without it is shown, not judged. Without both, the figure is
            that of one run.
    """

    of: str
    value: float
    spread: float | None = None
    of_runs: int | None = None

    def __post_init__(self) -> None:
        require(_is_number(self.value), f"Figure of {self.of!r} is {self.value!r}", "give a finite number")
        spread, runs = self.spread, self.of_runs
        require(
            spread is None or (_is_number(spread) and spread >= 0),
            f"Figure of {self.of!r} has the spread {spread!r}",
            "give the standard deviation over the source's runs",
        )
        require(
            runs is None or (_is_count(runs) and runs > (spread is not None)),
            f"Figure of {self.of!r} is of {runs!r} runs",
            "set of_runs to a whole number of at least 1, and of at least 2 with a spread",
        )

    def __str__(self) -> str:
        spread = "" if self.spread is None else f" ± {self.spread:,.7g}"
        return f"{self.of} = {self.value:,.7g}{spread}" + (
            "" if self.of_runs is None else f" over {self.of_runs:,} runs"
        )


@dataclass(frozen=True)
class Ends:
    """The outcome of a named start.

    Args:
        start: name of the start.
        converges: whether it converges or fails.
    """

    start: str
    converges: bool

    def __str__(self) -> str:
        return f"start {self.start} {'converges' if self.converges else 'fails'}"


Check = FailureRate | Bound | Figure | Ends

_KINDS: dict[str, type[Check]] = {kind.__name__: kind for kind in (FailureRate, Bound, Figure, Ends)}


@dataclass(frozen=True)
class Claim:
    """A statement of the source of a case, checked over many seeds under the protocol and data of the source.

    Args:
        statement: the statement in one sentence.
        check: the condition on the results of the seeds.
        source: where the statement stands, if not in the source of the case.

    Raises:
        CaseError: an argument is of the wrong type.
    """

    statement: str
    check: Check
    source: str = ""

    def __post_init__(self) -> None:
        require_text(self.statement, "a claim")
        if self.source != "":
            require_text(self.source, f"the source of the claim {self.statement!r}")
        require(
            isinstance(self.check, Check),
            f"Claim {self.statement!r} is checked by {self.check!r}",
            f"give a {', '.join(_KINDS)}",
        )

    def to_json(self) -> dict[str, Any]:
        """Convert the claim to plain JSON values."""
        return {**asdict(self), "kind": type(self.check).__name__}

    @property
    def among(self) -> str | None:
        """The group of starts that the claim is about; None for all starts or a named one."""
        return getattr(self.check, "among", None)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Claim:
        """Make a claim from the values of `to_json`.

        Raises:
            KeyError: a field is missing.
            TypeError: a field is unknown.
            CaseError: the check has no bound, or an impossible one.
        """
        return cls(values["statement"], _KINDS[values["kind"]](**values["check"]), values["source"])
