"""Tables say what a rate is worth: constants, seeds near the bound, and claims that are judged together."""

from __future__ import annotations

from pathlib import Path

from test_findings import many_claims

from benchsuite.report.html import write_report
from benchsuite.store import RunFolder


def test_page_and_markdown_have_the_same_verdicts(many_claims: RunFolder, tmp_path: Path) -> None:
    """They are written from all claims too."""
    write_report([many_claims], tmp_path / "page")

    assert "10 of 10 statements of the sources hold" in (tmp_path / "page" / "summary.md").read_text()
    assert "s method 0.026" in (tmp_path / "page" / "index.html").read_text()
