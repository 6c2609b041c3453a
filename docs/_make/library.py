"""Write the rates of all cases, beside sources and programs: `python docs/_make/library.py RUN…`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from case_page import published, published_counts
from entries import Entry, add_runs, entries
from marked import write_between
from reference import table

from benchsuite import stats
from benchsuite.case import Case
from benchsuite.report import count, interval, p_value, per_second, percent
from benchsuite.results import Summary

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "library.md"
COUNTS = tomllib.loads((ROOT / "tests" / "reference" / "counts.toml").read_text())

BEGIN, END = "<!-- Written by docs/_make/library.py. -->", "<!-- End of the table. -->"

HEADER = ("family", "case", "starts", "learnt", "95 % interval", "published", "p", "program", "p", "seeds/s")

Counts = tuple[int, int]


def rows_of(entry: Entry) -> Iterator[tuple[str, ...]]:
    """The rows of an entry: its cases, and the treated ones of which a source or a program has counts."""
    compared = [r.summary for r in entry.results if r.summary.treatment and r.summary.id in COUNTS]
    for summary in (*(result.summary for result in entry.plain), *compared):
        known: dict[str, Any] = COUNTS.get(summary.id, {})
        case = next(case for case in entry.cases if case.name == summary.case)
        said = known.get("published") or ([] if summary.treatment else published_counts(case))
        of_source = _compared(summary, [tuple(counts) for counts in said]) if said else (_share(case, summary), "")
        protocol = f" ({summary.protocol})" if summary.protocol != "source" else ""
        yield (
            entry.family,
            f"`{summary.id}`{protocol}",
            count(summary.seeds),
            percent(summary.rate),
            interval(summary.rate_interval),
            *of_source,
            *_compared(summary, [tuple(known["program"])] if "program" in known else []),
            per_second(summary.seeds_per_second),
        )


def _share(case: Case, summary: Summary) -> str:
    """The share that a source gives without a count."""
    return "" if summary.treatment else published(case, summary)[0]


def _compared(summary: Summary, others: Sequence[Counts]) -> tuple[str, str]:
    """Counts of others, and the p-values of Fisher's exact test against each."""
    ours = summary.converged, summary.seeds
    p_values = (p_value(stats.rates_p_value(ours, other)) for other in others)
    return "; ".join(f"{n:,} of {of:,}" for n, of in others), "; ".join(p_values)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(runs: tuple[Path, ...]) -> None:
    """Write the table from RUNs into docs/explanation/library.md."""
    found = entries()
    add_runs(found, runs)
    rows = [row for entry in found for row in rows_of(entry)]
    write_between(PAGE, BEGIN, END, table(HEADER, rows))
    click.echo(f"{len(rows)} rows in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
