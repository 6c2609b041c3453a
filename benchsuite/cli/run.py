"""The command that trains cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli.common import (
    FAILED,
    VERBOSE,
    introduce,
    progress_bar,
    report_left_out,
    run_code,
    say,
    settings_options,
    show,
    show_changes,
    show_run,
    show_warning,
    write_page,
)
from benchsuite.system import signals

if TYPE_CHECKING:
    from benchsuite.errors import BenchsuiteError
    from benchsuite.execution import Session, SessionResult


@click.command("run")
@click.argument("names", metavar="[CASE|LADDER]...", nargs=-1)
@VERBOSE
@settings_options()
def run_cases(names: tuple[str, ...], verbose: bool, **options: Any) -> int:
    """Train every seed of the CASEs (all of them by default) and show the success rates.

    A LADDER stands for all of its cases, "LADDER(option=value)" for one of them.

    With --treatment or --optimizer, every case is trained untreated and treated, and compared on the same seeds.
    """
    from benchsuite.comparison import reference_of
    from benchsuite.execution import Session, read_settings
    from benchsuite.report import require_extra

    training, output = read_settings(options)
    with Session.open(training, output, *names, warn=show_warning) as session:
        session.check()
        if output.plan:
            return _show_forecasts(session) or report_left_out(session.registry)
        reference = reference_of(output)
        if output.report:
            with require_extra("a report"):  # checked before training
                import benchsuite.report.html  # noqa: F401
        introduce(session)
        result = session.run(progress_bar, show_failure)
    code = show_result(result, verbose=verbose)
    if output.report and result.folder.summaries:
        write_page([result.folder], output.report, reference)
    if reference and not result.interrupt:
        code = show_changes(reference, result.folder, output.compare_fail) or code
    left_out = report_left_out(session.registry)
    return code or left_out


def _show_forecasts(session: Session) -> int:
    from benchsuite.report.terminal import forecast_table

    failures = [variant.error for variant in session.variants if variant.applies and variant.error]
    show(forecast_table(session.forecasts(), failures))
    return FAILED if failures else 0


def show_failure(error: BenchsuiteError) -> None:
    """Print why a case could not be trained."""
    say(f"error: {error}", err=True)


def show_result(result: SessionResult, *, verbose: bool = False) -> int:
    """Print the answer of a session, or with `verbose` all tables; returns the exit code."""
    if result.interrupt:
        say(f"interrupted; continue with --resume --run-dir {result.folder.path}", err=True)
    if result.summaries or result.folder.untrained:
        show_run(result.folder, result.summaries, verbose=verbose)
    if result.interrupt:
        return signals.exit_code(result.interrupt)
    return FAILED if result.failures else run_code([result.folder])
