"""Copy the latest report into the README: `python reports/readme.py`; with `--check`, only compare."""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPORTS = Path(__file__).parent
README = REPORTS.parent / "README.md"

#: Rows of the report that the README shows: those of the core cases.
ROWS = 7

#: Links and pictures work on PyPI too.
PAGES = "https://github.com/benchsuite/benchsuite/blob"
PICTURES = "https://raw.githubusercontent.com/benchsuite/benchsuite"

BEGIN, END = "<!-- report: made by `python reports/readme.py` -->", "<!-- end of report -->"


def latest() -> Path:
    """Find the newest report; folders are named after their day."""
    return max(path.parent for path in REPORTS.glob("*/summary.md"))


def block(report: Path) -> str:
    """Return provenance, table of rates and chart of a report, as in its summary."""
    summary = (report / "summary.md").read_text()
    table = re.search(r"^\| case \|.*?(?=\n\n)", summary, re.DOTALL | re.MULTILINE)
    about = re.search(r"^<sub>(.* protocol · .*)</sub>", summary, re.MULTILINE)
    if not (table and about):
        raise SystemExit(f"{report / 'summary.md'} has no table of rates")
    where = f"main/reports/{report.name}"
    chart = "core.svg" if (report / "core.svg").exists() else "rates.svg"  # of all cases, where they are the core ones
    return "\n".join(
        [
            f"[The report of {report.name[:10]}]({PAGES}/{where}/summary.md), {about[1]}:",
            "",
            shortened(table[0]),
            "",
            f"![the share of random starts that learnt each core case, with its interval]({PICTURES}/{where}/{chart})",
        ]
    )


def shortened(table: str) -> str:
    """The first rows of a table, and how many follow in the report."""
    lines = table.splitlines()
    more = len(lines) - 2 - ROWS
    return table if more <= 0 else "\n".join([*lines[: ROWS + 2], "", f"The report has {more} more rows."])


def main() -> int:
    """Write the block, or check that it is current."""
    readme = README.read_text()
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    current = f"{before}{BEGIN}\n\n{block(latest())}\n\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if readme != current:
            sys.stderr.write("README.md does not show the latest report: run `python reports/readme.py`\n")
        return int(readme != current)
    README.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main())
