"""The commands that read finished runs: report, export and compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli.common import (
    FAILED,
    OUTPUT_FILE,
    VERBOSE,
    finished_run,
    run_code,
    say,
    show_changes,
    show_run,
    show_sections,
    write_page,
)
from benchsuite.errors import OptionError, StoreError

if TYPE_CHECKING:
    from benchsuite.results import Result
    from benchsuite.store import RunFolder

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=_PATH)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    help="Write an HTML page and a summary in Markdown into folder OUT; if OUT ends with .png, .svg or .pdf, draw a"
    " single figure into it.",
    metavar="OUT",
)
@click.option("--compare", "reference", type=_PATH, metavar="RUN", help="Add the changes since RUN.")
@click.option(
    "--picture",
    type=click.Choice(["thresholds", "treatments", "sweep", "ladder"]),
    help="Figure to draw. thresholds: success rate and time to success at each error threshold; treatments: the rate"
    " under each treatment; sweep: the rate at each value; ladder: the rate of each case of a ladder."
    " [default: chosen by the content of the run]",
)
@click.option(
    "--terminal",
    "sections",
    multiple=True,
    metavar="SECTION",
    help="Show one part of the tables: rates, cost, errors, metrics, groups, starts, near, diagnostics, claims,"
    " ladders, sweeps, treatments or untrained; can be repeated.",
)
@VERBOSE
def report(
    paths: tuple[Path, ...], output: Path | None, reference: Path | None, picture: str | None, **shown: Any
) -> int:
    """Show the answer of the run in folder RUN (the latest by default), finished or not; with -v all of its tables.

    With -o, write an HTML page, which may combine several RUNs of different cases. The page is one file that works
    without a network connection. It requires `pip install 'benchsuite[report]'`.
    """
    from benchsuite.report import check_path
    from benchsuite.store import RunFolder

    is_picture = output is not None and (bool(picture) or (output.suffix[1:].isalpha() and not output.is_dir()))
    if output and not is_picture:
        folders = [RunFolder(path) for path in paths] or [RunFolder.latest()]
        return write_page(folders, output, RunFolder(reference) if reference else None)
    _check_single(paths, reference)
    if output:
        check_path(output)
    elif picture:
        raise OptionError("--picture requires -o FILE", "add -o FILE")
    folder, results = finished_run(paths[0] if paths else None)
    if output:
        _draw(results, folder, picture or _main_figure(results), output)
        say(f"{folder.path} - drawn into {output}")
    elif shown["sections"]:
        show_sections(folder, results, shown["sections"])
    else:
        show_run(folder, [result.summary for result in results], verbose=shown["verbose"])
    return run_code([folder])


def _check_single(paths: Sequence[Path], reference: Path | None) -> None:
    if reference:
        raise OptionError("--compare requires -o DIR", "add -o DIR, or use `benchsuite compare`")
    if len(paths) > 1:
        raise OptionError(f"{len(paths)} runs given; expected one", "name one run, or add -o DIR for a common page")


def _main_figure(results: Sequence[Result]) -> str:
    if any(result.summary.setting for result in results):
        return "sweep"
    if len([result for result in results if result.summary.ladder_name]) > 1:
        return "ladder"
    return "treatments" if any(result.summary.treatment for result in results) else "thresholds"


def _draw(results: Sequence[Result], folder: RunFolder, picture: str, output: Path) -> None:
    from benchsuite.report import require_extra

    with require_extra("a picture"):
        from benchsuite.report.figures import draw_heatmap, draw_ladder, draw_sweep, draw_thresholds

    if picture == "thresholds":
        draw_thresholds(results, output)
        return
    summaries = [result.summary for result in results]
    if picture == "treatments":
        draw_heatmap(summaries, [*folder.inapplicable, *folder.untrained], output)
    else:
        (draw_ladder if picture == "ladder" else draw_sweep)(summaries, output)


@click.command("export")
@click.argument("path", metavar="[RUN]", required=False, type=_PATH)
@click.option(
    "--format",
    "kind",
    required=True,
    type=click.Choice(["bencher", "github", "parquet", "csv"]),
    help="bencher: Bencher Metric Format; github: customBiggerIsBetter of github-action-benchmark;"
    " parquet and csv: a row per seed, or per evaluation of a seed.",
)
@click.option(
    "--table",
    type=click.Choice(["seeds", "curves", "summary"]),
    default="seeds",
    show_default=True,
    help="Table of parquet and csv. seeds: a row per seed; curves: a row per evaluation of the first seeds;"
    " summary: a row per case and treatment, also for those that failed or were not run.",
)
@click.option("-o", "--output", type=OUTPUT_FILE, help="Write into FILE. [default: standard output]", metavar="FILE")
def export_run(path: Path | None, kind: str, table: str, output: Path | None) -> int:
    """Export the results of the run in folder RUN (the latest by default) for another tool."""
    from benchsuite.api import load
    from benchsuite.store import export_results, export_text

    if not output and kind == "parquet":
        raise OptionError(f"--format {kind} requires -o FILE: it is a binary format", "add -o FILE")
    folder, results = finished_run(path)
    chosen = load(folder.path).summary() if table == "summary" else table
    if output:
        export_results(results, kind, output, chosen, folder.untrained)
        say(f"written into {output}", err=True)
    else:
        click.echo(export_text(results, kind, chosen))
    for item in folder.untrained:
        say(f"{item.id} {item.state}: {item.reason}", err=True)
    return run_code([folder])


@click.command()
@click.option("--older-than", metavar="AGE", help="Remove runs older than this, such as 30d, 12h or 2w.")
@click.option("--keep-size", metavar="SIZE", help="Remove the oldest runs beyond this size of all, such as 500M or 2G.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; show what would be removed.")
def clean(older_than: str | None, keep_size: str | None, dry_run: bool) -> int:
    """Remove runs in .benchsuite by age or size; without an option, show what they take on disk."""
    from benchsuite.report import size
    from benchsuite.store import parse_age, parse_size, remove_run, runs_to_remove, stored_runs

    age, keep = parse_age(older_than) if older_than else None, parse_size(keep_size) if keep_size else None
    runs = stored_runs()
    removed = runs_to_remove(runs, age, keep)
    code = 0
    for run in list(removed):
        try:
            if not dry_run:
                remove_run(run)
        except StoreError as error:  # such as one that is being written
            say(f"kept: {error.message}", err=True)
            removed.remove(run)
            code = FAILED
            continue
        what = "would be removed" if dry_run else "removed"
        say(f"{what}: {run.path} ({size(run.bytes)}, {run.written:%Y-%m-%d})")
    left = [run for run in runs if run not in removed]
    say(f"{len(left)} runs in .benchsuite take {size(sum(run.bytes for run in left))}")
    if not (older_than or keep_size):
        say("remove some with --older-than 30d or --keep-size 2G")
    return code


@click.command()
@click.argument("reference", metavar="REFERENCE", type=_PATH)
@click.argument("path", metavar="[RUN]", required=False, type=_PATH)
@click.option(
    "--fail",
    "gates",
    multiple=True,
    metavar="GATE",
    help="Fail if a case is significantly worse: rate:0.01 or speed:0.01:10%, with the significance level and the"
    " smallest drop that fails.",
)
def compare(reference: Path, path: Path | None, gates: tuple[str, ...]) -> int:
    """Compare the run in folder RUN (the latest by default) with the one in REFERENCE.

    Success rates are compared by paired tests on the same seeds, speeds where the machines agree. Runs with different
    protocols, data or versions of a case are not compared.
    """
    from benchsuite.store import RunFolder

    now = RunFolder(path) if path else RunFolder.latest()
    return show_changes(RunFolder(reference), now, gates)
