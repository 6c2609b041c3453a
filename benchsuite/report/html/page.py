"""Write runs as one self-contained HTML page and a summary in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from benchsuite import __version__
from benchsuite.comparison import LEVEL, RunResults, compare_runs
from benchsuite.errors import OptionError, printable
from benchsuite.report import count, interval, per_second, percent
from benchsuite.report.figures import CONFIG, OUTCOME_COLOURS, ChartFigure, rates_figure, render_svg
from benchsuite.report.html.changes import Changes
from benchsuite.report.html.claims import ClaimGroup
from benchsuite.report.html.content import ReportContent
from benchsuite.report.html.markdown import render_markdown
from benchsuite.report.html.matrix import Matrix
from benchsuite.report.html.section import MANY, Fold, figures_of, panel_name, sections
from benchsuite.report.terminal import Sheet
from benchsuite.results import Outcome
from benchsuite.store import RunFolder, read_results
from benchsuite.system import files

PAGE, SUMMARY, PICTURE = "index.html", "summary.md", "rates.svg"

_HINT = "make room, or choose another folder"

_DATE = re.compile(r"\d{4}-\d\d-\d\d")

_ADDRESS = re.compile(r"https?://[^\s<>\"']+")

#: Names that the page's script uses of the chart library.
_GLOBALS = "window.vegaEmbed = vegaEmbed;"

_UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}


def write_report(runs: Sequence[RunFolder], folder: Path, reference: RunFolder | None = None) -> list[Path]:
    """Write the page, the summary and the chart of rates into a folder.

    Args:
        runs: to report; no case may be in two of them.
        folder: to write into.
        reference: run to compare with.

    Raises:
        OptionError: two runs have the same case, or none has a finished round.
        StoreError: a run is damaged, or the folder cannot be written.
    """
    report = collect_content(runs, reference)
    contents = {PAGE: render_page(report), SUMMARY: render_markdown(report)}
    if report.summaries:
        contents[PICTURE] = render_rates(report)
    for name, content in contents.items():
        files.write(folder / name, content.encode(), _HINT)
    return [folder / name for name in contents]


def collect_content(runs: Sequence[RunFolder], reference: RunFolder | None = None) -> ReportContent:
    """Read the content of a page; see `write_report`."""
    found = [(run, result) for run in runs for result in read_results(run)]
    if not found:
        raise OptionError(f"{runs[0].path} has no finished round", "go on with --resume, or name another run")
    where: dict[str, RunFolder] = {}
    for run, result in found:
        other = where.setdefault(result.summary.label, run)
        if other is not run:
            raise OptionError(
                f"{result.summary.label} is in {other.path} and in {run.path}",
                "report them separately, or compare them with `benchsuite compare`",
            )
    shown = [result for _, result in found]
    if reference is None:
        return ReportContent(runs, shown)
    if len(runs) > 1:
        raise OptionError(f"--compare takes one run, but {len(runs)} were given", "compare each run on a separate page")
    before, now = RunResults.of(reference, read_results(reference)), RunResults.of(runs[0], shown)
    changes = Changes.of(compare_runs(before, now, LEVEL), printable(reference.path.name))
    return ReportContent(runs, shown, changes)


def render_page(report: ReportContent, scripts: str = "") -> str:
    """The page as HTML.

    Args:
        report: the content.
        scripts: relative address of the chart library; empty to embed it.
    """
    shown = sections(report)
    specs = {f.name: f.spec() for section in shown for f in figures_of(section.parts)}
    return (
        environment()
        .get_template("report.html")
        .render(
            title=title_of(report),
            report=report,
            sections=shown,
            specs={name: {key: part for key, part in spec.items() if key != "config"} for name, spec in specs.items()},
            config=CONFIG,
            names=_names(report),
            scripts=scripts,
        )
    )


def render_rates(report: ReportContent) -> str:
    """Render the rates of all cases as SVG on white."""
    return render_svg(rates_figure(report.summaries), width=560)


def title_of(report: ReportContent) -> str:
    """Title of a page: the result of a comparison, else its cases and its day."""
    if report.changes:
        return report.changes.sentence
    cases = list(dict.fromkeys(result.summary.case for result in report.results))
    machine, day = report.runs[0].machine, str(report.runs[0].created)[:10]
    named = cases[0] if len(cases) == 1 else f"{len(cases)} cases"
    return f"{named} on {machine.get('device', 'an unknown device')}, {day}"


def _names(report: ReportContent) -> dict[str, list[str]]:
    """Map the label of each case to the names that the filter of the page finds it by."""
    return {
        printable(row.label): [
            printable(name) for name in dict.fromkeys((row.label, row.case, row.family, *row.tags)) if name
        ]
        for row in report.answer.rows
        if not row.treatment
    }


@cache
def environment(package: str = "") -> jinja2.Environment:
    """Make the environment of the templates of this and another package; all text is escaped."""
    packages = filter(None, (package, "benchsuite.report.html"))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in packages]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": printable, "sort_value": sort_value, "json": _json}
    environment.filters |= {"percent": percent, "interval": interval, "per_second": per_second, "count": count}
    environment.filters |= {"case_of": case_of, "panel": panel_name, "shares": _shares}
    kinds = {"figure": ChartFigure, "sheet": Sheet, "fold": Fold, "matrix": Matrix, "claims": ClaimGroup}
    for name, kind in kinds.items():
        environment.tests[name] = lambda part, kind=kind: isinstance(part, kind)
    environment.tests["address"] = lambda text: bool(_ADDRESS.fullmatch(text))
    environment.globals |= {"asset": _asset, "library": chart_library, "version": __version__, "many": MANY}
    environment.globals |= {"colours": {outcome.value: colour for outcome, colour in OUTCOME_COLOURS.items()}}
    return environment


def _shares(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    """The outcomes that any seed has, the success first."""
    return sorted(((name, n) for name, n in outcomes.items() if n), key=lambda item: item[0] != Outcome.CONVERGED)


def case_of(row: Any) -> str:
    """Return the label of the case that a row of a table is about, or an empty text."""
    first = row[0] if isinstance(row, tuple) and row else row
    found = (
        row.get("case", "") if isinstance(row, dict) else getattr(first, "untreated_label", getattr(first, "label", ""))
    )
    return found if isinstance(found, str) else ""


def _asset(name: str) -> Markup:
    """Return a file of this package."""
    return Markup(resources.files("benchsuite.report.html").joinpath("templates", name).read_text())  # noqa: S704  # our own


@cache
def chart_library() -> Markup:
    """Return the script of Vega, which draws the charts."""
    return Markup(vl_convert.javascript_bundle(_GLOBALS).replace("</script", "<\\/script"))  # noqa: S704  # no text of a user


def _json(value: Any) -> Markup:
    """Encode JSON for a script element."""
    text = json.dumps(value, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # escaped above


def sort_value(text: str) -> float | str:
    """Return the sort key of a cell: its first number, times in seconds, else its text."""
    found = re.match(r"[<>×~]?\s*([-+−]?[\d,]*\.?\d+(?:e[-+−]?\d+)?)\s*(µs|ms|s|min)?\b", text)
    if not found or _DATE.match(text):
        return text.casefold()
    return float(found[1].replace(",", "").replace("−", "-")) * _UNITS.get(found[2] or "", 1.0)
