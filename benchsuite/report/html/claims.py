"""The claims of the sources by their verdict, the refuted ones first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchsuite.report import metric_name, p_value
from benchsuite.results import HOLDS, NOT_JUDGED, REFUTED, Summary

#: The hyphen of a negative number.
_HYPHEN = re.compile(r"(?<![\w.])-(?=\d)")


@dataclass(frozen=True)
class ClaimLine:
    """A claim with its verdict, the rows that it was tested on, and the test.

    Args:
        case: label of the case.
        statement: the claim in one sentence.
        check: what was tested.
        found: what the seeds show; empty if no seed has the figure.
        rows: the starts that were tested.
        test: the statistical test with its p-values, or why there is no verdict.
        source: of the claim.
    """

    case: str
    statement: str
    check: str
    found: str
    rows: str
    test: str
    source: str


@dataclass(frozen=True)
class ClaimGroup:
    """The claims of one verdict."""

    verdict: str
    lines: Sequence[ClaimLine]

    @property
    def title(self) -> str:
        """The verdict with the number of its claims."""
        return f"{len(self.lines)} {'hold' if self.verdict == HOLDS and len(self.lines) > 1 else self.verdict}"


def claim_groups(summaries: Sequence[Summary]) -> list[ClaimGroup]:
    """Group the claims of summaries that were judged together; verdicts without a claim are left out."""
    claims = [(summary, claim) for summary in summaries for claim in summary.claims]
    groups = (
        ClaimGroup(verdict, [_line(summary, claim) for summary, claim in claims if claim["verdict"] == verdict])
        for verdict in (REFUTED, HOLDS, NOT_JUDGED)
    )
    return [group for group in groups if group.lines]


def _line(summary: Summary, claim: Mapping[str, Any]) -> ClaimLine:
    among = f" with {claim['among']}" if claim["among"] else ""
    seeds = int(claim.get("seeds") or 0)
    starts = f"{seeds:,} starts{among}" if seeds else f"starts{among}" if among else ""
    return ClaimLine(
        summary.label,
        claim["statement"],
        metric_name(claim["said"]),
        _HYPHEN.sub("−", claim["found"]),
        starts,
        "; ".join(_test(claim)),
        claim["source"],
    )


def _test(claim: Mapping[str, Any]) -> Iterator[str]:
    yield f"Test: {claim['test']}" if claim["test"] else f"Not judged: {claim['reason']}"
    if claim["p_value"] is not None:
        yield f"p = {p_value(claim['p_value'])}".replace("= <", "<")
    if claim.get("adjusted_p_value") is not None:
        yield f"adjusted by Holm's method {p_value(claim['adjusted_p_value'])}"
