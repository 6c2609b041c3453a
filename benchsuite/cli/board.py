"""The commands that compare optimisers and other treatments over cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchsuite.cli.common import FAILED, installed_plugins, progress_bar, report_left_out, say, settings_options, show
from benchsuite.cli.run import show_failure
from benchsuite.errors import BenchsuiteError
from benchsuite.system import signals

if TYPE_CHECKING:
    from benchsuite.plugins import Registry
    from benchsuite.standings import Board, Contest

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: The options of the training that a comparison takes; it chooses seeds, treatments and sweeps itself.
_TRAINING = (
    *("tag", "family", "rounds", "protocol", "precision", "dtype", "dataset", "data_dir", "platform"),
    *("executor", "scheduler", "workers", "time_limit"),
)


def _comparing(command: _Command) -> _Command:
    """Add the options that both commands have."""
    for option in (
        click.option("--settings", type=int, metavar="N", help="Settings that are drawn from each space and tuned."),
        click.option("--tune-seeds", metavar="SEEDS", help="Seeds to choose settings on. [default: 0:100]"),
        click.option(
            "--judge-seeds",
            metavar="SEEDS",
            help="Seeds to judge the chosen settings on: a range, or a number of seeds that no other edition has. None"
            " may be a tune seed. [default: 1000]",
        ),
        click.option("--edition", type=int, metavar="N", help="Block that a number of judge seeds is taken from. [1]"),
        click.option("--budget", metavar="N", help="Most trainings to tune an entry with, over all cases."),
        click.option("--plan", is_flag=True, help="Do not train; show what is missing and how long it would take."),
        click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the board."),
    ):
        command = option(command)
    return settings_options(_TRAINING)(command)


@click.command("versus")
@click.argument("entry", metavar="ENTRY")
@click.argument("reference", metavar="REFERENCE")
@click.argument("names", metavar="[CASE|LADDER]...", nargs=-1)
@click.option(
    "--space",
    "spaces",
    multiple=True,
    metavar="OPTION=VALUES",
    help='Values of an option to tune: "learning_rate=log(1e-4, 1)", "momentum=linear(0.5, 1)" or'
    ' "nesterov=[True, False] if momentum=0.9"; can be repeated. For the entries without a space of their own.',
)
@click.option("--once", is_flag=True, help="Choose one setting for all cases, in place of one for each.")
@_comparing
def compare_two(entry: str, reference: str, names: tuple[str, ...], **options: Any) -> int:
    """Say whether ENTRY is better than REFERENCE over the CASEs (by default those of `benchsuite run`).

    Both are a call such as optax.adam or module:function, a treatment such as he, the name of an entry of the suite, a
    TOML file, or `untreated`. Options with a space are tuned: of the drawn settings, the one with the highest rate on
    the tune seeds is judged on the judge seeds. The same command continues after an interruption.
    """
    from benchsuite.standings import versus_contest

    registry = installed_plugins(options["platform"] or "auto")
    with registry.left_out_named():
        contest = versus_contest(registry, [entry, reference], names, options)
    return _conclude(contest, options["plan"], registry)


@click.command("board")
@click.argument("entries", metavar="[ENTRY]...", nargs=-1)
@click.option(
    "--case", "names", multiple=True, metavar="CASE|LADDER", help="Case to train; can be repeated. [as of run]"
)
@click.option(
    "--rules",
    multiple=True,
    metavar="RULES",
    help="How settings are chosen, each a ranking of its own: default, tuned-K (the best of K settings for each case)"
    " or once-K (one for all cases); can be repeated. [default: default]",
)
@click.option("--reference", metavar="ENTRY", help="Entry that all others are compared with. [default: all with all]")
@click.option(
    "--twice",
    is_flag=True,
    help="Train the chosen settings on the cases with the tag core for twice the steps too, to check the order.",
)
@click.option("--check", is_flag=True, help="Do not train; fail if board.json differs from what the rows give.")
@_comparing
def rank_entries(entries: tuple[str, ...], names: tuple[str, ...], **options: Any) -> int:
    """Rank entries over cases.

    An ENTRY is a TOML file, a folder of them, or the name of an entry of the suite, such as adam. A new board has all
    entries of the suite where none is given. Rows are kept in DIR/rows and never rewritten: a board continues where it
    was interrupted, and another entry costs its own trainings only. The page is DIR/index.html; DIR is `board` by
    default.
    """
    from benchsuite.standings import board_contest, differs_from_rows

    folder = options["output"] or Path("board")
    if options["check"]:
        differs = differs_from_rows(folder)
        say(f"{folder}: the figures {'differ from' if differs else 'are'} those of the rows", err=differs)
        return FAILED if differs else 0
    registry = installed_plugins(options["platform"] or "auto")
    with registry.left_out_named():
        contest = board_contest(registry, entries, names, {**options, "output": folder})
    return _conclude(contest, options["plan"], registry, page=True)


def _conclude(contest: Contest, plan: bool, registry: Registry, *, page: bool = False) -> int:
    """Train what is missing, and show the result; returns the exit code."""
    from benchsuite.report import require_extra

    failures: list[BenchsuiteError] = []

    def on_failure(error: BenchsuiteError) -> None:
        failures.append(error)
        show_failure(error)

    training = contest.prepared(progress_bar, on_failure)
    if plan:
        from benchsuite.report.ranking import plan_sheet

        show(plan_sheet([(part, training.estimate(part)) for part in training.missing()]))
        return 0
    if page:
        with require_extra("the page of a board"):  # checked before training
            import benchsuite.report.board  # noqa: F401
    try:
        made = contest.make(progress_bar, on_failure)
    except KeyboardInterrupt as interrupt:
        say("interrupted; the same command continues", err=True)
        return signals.exit_code(interrupt)
    _show_board(made, contest.folder, page=page)
    return FAILED if failures else report_left_out(registry)


def _show_board(made: Board, folder: Path, *, page: bool) -> None:
    from benchsuite.report.ranking import board_tables, versus_tables

    show(board_tables(made) if page else versus_tables(made))
    if page:
        from benchsuite.report.board import write_board

        for path in write_board(made, folder):
            say(f"written: {path}")
    say(f"rows of every seed: {folder / 'rows'}")
