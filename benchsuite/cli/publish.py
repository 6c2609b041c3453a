"""The commands that publish runs as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchsuite.cli.common import (
    FAILED,
    introduce,
    progress_bar,
    say,
    settings_options,
    show_warning,
)
from benchsuite.cli.run import show_failure, show_result
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.system import load

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=_PATH)
@click.option("--site", "path", type=_PATH, required=True, metavar="DIR", help="Folder of the site.")
@click.option("--title", default="", metavar="TEXT", help="Title of the site.")
@click.option("--address", default="", metavar="URL", help="Address of the site, for the links of its feed.")
def publish(paths: tuple[Path, ...], path: Path, title: str, address: str) -> int:
    """Add the RUNs (the latest by default), each as a night, to the static site in DIR.

    The site has an index, a page per run, the success rate and speed of each case over time with their change points,
    an Atom feed of these changes, and a badge. Pages of published runs are never rewritten.
    """
    from benchsuite.report import require_extra
    from benchsuite.store import RunFolder

    folders = [RunFolder(run) for run in paths] or [RunFolder.latest()]
    with require_extra("a site"):
        from benchsuite.publish import Site
    added = Site.publish(path, folders, title, address)
    for night in added:
        say(f"published: {path / night.page}")
    if len(added) < len(folders):
        say(f"already published: {len(folders) - len(added)} of {len(folders)}")
    say(f"site: {path / 'index.html'}")
    return 0


@click.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("nightly"),
    show_default=True,
    metavar="DIR",
    help="Folder of the runs, the site and the reference of the next night.",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="GATE",
    help="Fail if a case is significantly worse than in the last good night: a figure, the significance level, and the"
    " smallest drop that fails. [default: rate:0.01 and speed:0.001:10%]",
)
@click.option("--accept", is_flag=True, help="Make this night the reference of the next one, whatever the gates say.")
@settings_options([option.name for option in TrainingSettings.options()])
def nightly(names: tuple[str, ...], folder: Path, gates: tuple[str, ...], accept: bool, **options: Any) -> int:
    """Train the CASEs (all of them by default), compare with the last good night, and publish the results.

    On an accelerator, every case follows the source protocol with ten times its own number of seeds; on a CPU, the
    quick protocol. Each case is trained in a child process, with a time limit of an hour unless --time-limit is given.
    Clocks, temperature and load are measured before and after. DIR/site is the site, DIR/summary.md the summary, and
    DIR/issue.md describes the failures, if any. The exit code is 0 after a good night.
    """
    from benchsuite.comparison import Gate
    from benchsuite.execution import Session
    from benchsuite.report import require_extra

    with require_extra("a night"):
        from benchsuite.publish import GATES, Nights, nightly_settings
    nights = Nights(folder, [Gate.parse(text) for text in gates or GATES], accept=accept, partial=bool(names))
    training = nightly_settings(TrainingSettings.parse(options))
    with Session.open(training, OutputSettings(), *names, surfaces=True, warn=show_warning) as session:
        nights.prepare(session, keep_protocol=bool(options["protocol"]))
        introduce(session)
        before = load.measure_load()
        result = session.run(progress_bar, show_failure)
    code = show_result(result)
    if result.interrupt:
        return code
    night = nights.conclude(result, before, session.registry.left_out)
    if night.page:
        say(f"page: {night.page}")
    for reason in night.wrong:
        say(f"not good: {reason}", err=True)
    return FAILED if night.wrong else 0
