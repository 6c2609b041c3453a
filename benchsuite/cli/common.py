"""What the commands share: options, output, and reading plugins and runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchsuite.errors import BenchsuiteError, OptionError, StoreError, printable, wrap_lines
from benchsuite.settings import OPTIONS, TrainingSettings

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from benchsuite.case import Case
    from benchsuite.execution import Session
    from benchsuite.plugins import Registry
    from benchsuite.results import Result, Summary
    from benchsuite.store import RunFolder
    from benchsuite.system import progress

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: The options that affect the training of a single seed.
SINGLE_SEED = ("protocol", "precision", "dtype", "dataset", "data_dir", "platform", "treatment", "optimizer")

#: The names of all options.
ALL_OPTIONS = tuple(item.name for item in OPTIONS)

FAILED = 1

#: The type of an option that names a file to write.
OUTPUT_FILE = click.Path(path_type=Path, dir_okay=False)


def settings_options(names: Sequence[str] = ALL_OPTIONS) -> Callable[[_Command], _Command]:
    """Add options of the settings (all of them by default) to a command."""

    def add(command: _Command) -> _Command:
        for option in reversed(OPTIONS):
            if option.name in names:
                metavar = f"[{'|'.join(option.choices)}]" if option.choices else option.metavar
                kwargs: dict[str, Any] = {"is_flag": True} if option.is_flag else {"metavar": metavar}
                kwargs |= {"multiple": True} if option.is_list else {}
                command = click.option(option.flag, option.name, default=None, help=option.help, **kwargs)(command)
        return command

    return add


#: The option to show all tables, not the answer alone.
VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Show all tables above the answer.")


def say(text: str, err: bool = False) -> None:
    """Print a text, with control characters of plugins and users escaped; a terminal breaks it between words."""
    text = printable(text)
    if (sys.stderr if err else sys.stdout).isatty():
        text = wrap_lines(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def show_warning(text: str) -> None:
    """Print a warning on standard error."""
    say(f"warning: {text}", err=True)


def show(renderable: RenderableType) -> None:
    """Print a table."""
    stdout_console().print(renderable, crop=False)


def stdout_console() -> Console:
    """The console of standard output."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def progress_bar(place: str = "", unit: str = "seeds") -> progress.ProgressBar:
    """A progress bar on standard error."""
    from benchsuite.system import progress

    return progress.ProgressBar(sys.stderr, unit, place)


def step_by_step(live: progress.ProgressBar) -> Callable[[str], None]:
    """A function that shows the step that begins, and counts those before it as done."""
    begun: list[str] = []

    def on_next(name: str) -> None:
        if begun:
            live.advance(1)
        begun.append(name)
        live.stage(name)

    return on_next


def installed_plugins(platform: str = "auto") -> Registry:
    """Load the plugins, for training on a kind of device."""
    from benchsuite.plugins import load_registry
    from benchsuite.system import machine

    return load_registry(before_import=partial(machine.configure, platform))


def report_left_out(registry: Registry) -> int:
    """Print the plugins that could not be loaded; returns the exit code."""
    for plugin in registry.left_out:
        say(f"left out: {plugin.name} ({plugin.origin}): {plugin.error}", err=True)
    return FAILED if registry.left_out else 0


def settings_and_case(name: str, options: Mapping[str, Any]) -> tuple[TrainingSettings, Case]:
    """Read the settings and the case, which may be treated or have an option as in "relu-bias+adam@learning_rate=0.1".

    Raises:
        OptionError: an option or the name is invalid, or several treatments are given.
        DoesNotApply: the treatment does not apply to the case.
    """
    from benchsuite.execution import Session
    from benchsuite.settings import OutputSettings

    training = TrainingSettings.parse(options)
    name, *swept = name.split("@")
    name, _, treatment = name.partition("+")
    treatments = (*training.treatment, *([treatment] if treatment else []))
    training = replace(training, treatment=treatments, sweep=tuple(swept))
    session = Session.open(training, OutputSettings(), name)
    case = session.registry.case(name)
    session.check()
    variants = session.variants
    if len(variants) > 2:  # noqa: PLR2004  # the untreated case and a treated one
        raise OptionError(
            f"{len(variants) - 1} treatments given for {name}; expected at most one",
            "name one --treatment, or combine them as in he+adam",
        )
    if error := variants[-1].error:
        raise error
    return training, variants[-1].treated or case


def introduce(session: Session) -> None:
    """Print the machine, versions and protocol of a session."""
    from benchsuite.report import size
    from benchsuite.report.terminal import Prose, header_lines
    from benchsuite.system import machine

    about, training = session.executor.describe(session.training), session.training
    left_out = [plugin.name for plugin in session.registry.left_out]
    show(Prose("\n".join(header_lines(about, training.protocol, training.precision, left_out, training.dtype))))
    show(Prose(f"takes at most {size(session.estimated_bytes())} on disk"))
    for sentence in machine.overruled_settings(training.precision):
        say(f"note: {sentence}", err=True)


def show_run(folder: RunFolder, summaries: Sequence[Summary], *, verbose: bool = False) -> None:
    """Print the answer of a run, or with `verbose` all tables.

    Args:
        folder: of the run.
        summaries: of its cases, which are shown where the rows cannot be read.
        verbose: whether to print all tables.
    """
    from benchsuite.report.terminal import answer_tables, run_tables
    from benchsuite.results import Result
    from benchsuite.store import folder_size, read_results

    console, results = stdout_console(), list[Result]()
    try:
        results = read_results(folder)
    except BenchsuiteError as error:
        say(f"treatments and sweeps cannot be shown: {error}", err=True)
    untrained: list[Any] = [*folder.inapplicable, *folder.untrained]
    if verbose:
        show(run_tables(summaries, console.width, results, untrained, timed=not folder.timing_warnings))
    shown = [result.summary for result in results] or summaries
    show(answer_tables(shown, results, untrained, folder.path, folder_size(folder.path)))


def show_sections(folder: RunFolder, results: Sequence[Result], names: Sequence[str]) -> None:
    """Print some parts of the tables of a run.

    Raises:
        OptionError: there is no such part.
    """
    from benchsuite.report.terminal import SECTIONS, run_sections

    for name in names:
        if name not in SECTIONS:
            raise OptionError(f"there is no section {name!r}", f"one of: {', '.join(SECTIONS)}")
    console, summaries = stdout_console(), [result.summary for result in results]
    untrained: list[Any] = [*folder.inapplicable, *folder.untrained]
    found = run_sections(summaries, console.width, results, untrained, timed=not folder.timing_warnings)
    for name in names:
        for part in found.get(name, ()):
            show(part)
        if not found.get(name):
            say(f"{name}: this run has none")


def finished_run(path: Path | None) -> tuple[RunFolder, list[Result]]:
    """Open a run (the latest by default) and read its results.

    Raises:
        OptionError: it has none.
        StoreError: it cannot be read, or all of its cases failed.
    """
    from benchsuite.store import RunFolder, read_results

    folder = RunFolder(path) if path else RunFolder.latest()
    results = read_results(folder)
    if not results:
        if reasons := [item.reason for item in folder.untrained if item.state == "failed"]:
            raise StoreError(f"{folder.path} has no finished round: {'; '.join(reasons)}", "run its cases again")
        raise OptionError(f"{folder.path} has no finished round", "continue it with --resume, or name another run")
    return folder, results


def run_code(folders: Sequence[RunFolder]) -> int:
    """Compute the exit code for runs: whether all of their cases were trained to the end."""
    return FAILED if any(folder.untrained for folder in folders) else 0


def write_page(folders: Sequence[RunFolder], output: Path, reference: RunFolder | None) -> int:
    """Write the HTML page of runs; returns the exit code."""
    from benchsuite.report import require_extra

    with require_extra("a report"):
        from benchsuite.report.html import write_report
    for path in write_report(folders, output, reference):
        say(f"written: {path}")
    return run_code(folders)


def show_changes(reference: RunFolder, now: RunFolder, gates: Sequence[str]) -> int:
    """Print the changes since a reference run; returns the exit code, which says whether a gate fails."""
    from benchsuite.report.terminal import compare_tables

    shown, reasons = compare_tables(reference, now, gates)
    show(shown)
    for reason in reasons:
        say(f"gate: {reason}", err=True)
    return FAILED if reasons else 0
