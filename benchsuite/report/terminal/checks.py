"""Tables of the results of an audit and of the conformance checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from benchsuite.report.terminal.tables import Column, table
from benchsuite.testing import AuditResult

if TYPE_CHECKING:
    from benchsuite.testing import CheckResult

_COLOURS = {"passed": "green", "failed": "bold red", "not checked": "yellow"}

FINDINGS = (
    Column("trained", lambda f: f.way, "left", "bold"),
    Column("seeds", lambda f: f"{f.seeds:,}"),
    Column("different outcomes", lambda f: f"{f.outcomes:,}"),
    Column("different values", lambda f: f"{f.figures:,} of {f.of:,}"),
    Column("largest difference", lambda f: f"{f.largest:.1g}" if f.figures else "-"),
)

CHECKS = (
    Column("check", lambda check: check.name, "left", "bold"),
    Column("verdict", lambda check: Text(check.verdict, _COLOURS[check.verdict]), "left"),
    Column(
        "found",
        lambda check: f"{check.found}\ntry: {check.hint}" if check.hint else check.found,
        "left",
        folds=True,
    ),
)


def audit_table(found: Sequence[AuditResult], title: str) -> RenderableType:
    """Return a table of differences from training all seeds side by side."""
    most = max(found, key=lambda finding: finding.largest)
    same = all(finding.same for finding in found)
    differ = f"seeds do not end the same: {most.where} differs most, {most.way}"
    verdict, style = ("every seed ends the same to the last bit", "green") if same else (differ, "bold red")
    return Group(
        Text(f"{title}, compared with all seeds side by side on all devices"),
        table(found, FINDINGS),
        Text(verdict, style),
    )


def check_table(found: Sequence[CheckResult], title: str) -> RenderableType:
    """Return a table of passed and failed checks with hints."""
    counts = {verdict: sum(check.verdict == verdict for check in found) for verdict in _COLOURS}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return Group(Text(title, "bold"), table(found, CHECKS), Text(summary))
