"""The command `benchsuite`. Commands import what they need when they run, so that help is fast."""

from __future__ import annotations

import io
import sys

import click

from benchsuite import __version__
from benchsuite.cli.board import compare_two, rank_entries
from benchsuite.cli.check import audit, check_cases, data, new
from benchsuite.cli.common import FAILED, say
from benchsuite.cli.publish import nightly, publish
from benchsuite.cli.report import clean, compare, export_run, report
from benchsuite.cli.run import run_cases
from benchsuite.cli.show import landscape, list_cases, list_treatments, plugins, replay, show_case
from benchsuite.errors import BenchsuiteError, OptionError
from benchsuite.system import signals


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Train small networks from many random starts: success rate, failure modes and speed.

    The same runs as `pytest cases/ --benchmark-only`, without pytest.
    """


for _command in (
    *(list_cases, show_case, plugins, list_treatments, run_cases, replay, landscape, report, export_run, compare),
    *(compare_two, rank_entries),
    *(clean, publish, nightly, audit, check_cases, data, new),
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit.

    Exit codes: 0: success; 1: something failed, or a plugin could not be loaded; 2: an option or argument is invalid;
    130: interrupted; 143: terminated.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # the encoding may lack characters such as "≥"
    try:
        with signals.sigterm_as_interrupt():
            sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BenchsuiteError as error:
        say(f"error: {error}", err=True)
        sys.exit(click.UsageError.exit_code if isinstance(error, OptionError) else FAILED)
    except (OSError, MemoryError) as error:  # such as a path that is too long, or an array beyond all memory
        say(f"error: {error}", err=True)
        sys.exit(FAILED)
    except (click.Abort, KeyboardInterrupt) as interrupt:
        say("interrupted", err=True)
        sys.exit(signals.exit_code(interrupt.__cause__ or interrupt))  # click converts it to an Abort
