"""The commands for authors of plugins: check, audit, data and new."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli.common import (
    FAILED,
    SINGLE_SEED,
    installed_plugins,
    progress_bar,
    report_left_out,
    say,
    settings_and_case,
    settings_options,
    show,
    step_by_step,
)
from benchsuite.data import obtain, verified_content
from benchsuite.errors import OptionError, near_matches
from benchsuite.settings import TrainingSettings

if TYPE_CHECKING:
    from benchsuite.case import Case
    from benchsuite.plugins import Registry


@click.command()
@click.argument("name", metavar="CASE")
@click.option(
    "--seeds",
    type=click.IntRange(1, 2**32),
    help="Number of random starts, numbered from 0. [default: set by the case, at most 16]",
    metavar="N",
)
@settings_options(SINGLE_SEED)
def audit(name: str, seeds: int | None, **options: Any) -> int:
    """Train seeds of CASE in several ways and count the results that are not bit-identical.

    All side by side on all devices, the same again, in other lanes beside others, each alone, and on one device. The
    exit code is 0 if all results are identical.
    """
    import numpy as np

    from benchsuite.report.terminal import audit_table
    from benchsuite.testing import Audit

    settings, case = settings_and_case(name, options)
    tried = Audit(case, settings, np.arange(seeds) if seeds else None)
    with progress_bar(unit="ways") as live:
        live.begin(tried.problem.label, len(tried.ways), 0)
        found = list(tried.findings(step_by_step(live)))
    show(audit_table(found, f"{tried.problem.label}, seeds 0 to {len(tried.seeds) - 1}", tried.compared))
    return 0 if all(finding.same for finding in found) else FAILED


@click.command("check")
@click.argument("names", metavar="[PLUGIN|LADDER|CASE]...", nargs=-1)
@settings_options(["precision", "dtype", "dataset", "data_dir", "platform", "time_limit"])
def check_cases(names: tuple[str, ...], **options: Any) -> int:
    """Check that cases conform to the contract of the suite, and show how to fix those that do not.

    Checks the cases of the PLUGINs or LADDERs, or single CASEs (all of them by default), each in a child process with a
    time limit of 900 s unless --time-limit is given. In the tests of a plugin, use
    `benchsuite.testing.check_case(case)`.
    """
    from benchsuite.execution.executors import Job
    from benchsuite.report.terminal import check_table
    from benchsuite.testing import FAILED as NOT_CONFORMING
    from benchsuite.testing import PROMISES, run_checks

    training = TrainingSettings.parse(options)
    registry = installed_plugins(training.platform)
    left_out = [plugin.place for plugin in registry.left_out]
    code = 0
    for case in _named_cases(names, registry):
        with progress_bar(unit="checks") as live:
            live.begin(case.name, len(PROMISES) + 1, 0)
            found = list(run_checks(Job.of(case, training, left_out=left_out), step_by_step(live)))
        show(check_table(found, case.name))
        code = FAILED if any(one.verdict == NOT_CONFORMING for one in found) else code
    return code or report_left_out(registry)


def _named_cases(names: Sequence[str], registry: Registry) -> list[Case]:
    """The cases with these names, and those of the plugins with these names."""
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    found: dict[str, Case] = {}
    for name in names or registry.cases:
        if name in plugins and (error := plugins[name].error):
            raise error
        of_plugin = plugins[name].supplied.cases if name in plugins else ()
        cases = of_plugin or registry.select(name)
        found |= {case.name: case for case in cases}
    return list(found.values())


@click.command()
@click.argument("names", metavar="[DATASET]...", nargs=-1)
@click.option("--verify", is_flag=True, help="Only verify the files that exist; download nothing.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Folder to search first.")
def data(names: tuple[str, ...], verify: bool, data_dir: Path | None) -> int:
    """Download the files of the DATASETs (all of them by default) and verify them."""
    downloads = installed_plugins().downloads
    for name in names:
        if name not in downloads:
            raise OptionError(f"there is no dataset {name!r} to download", near_matches(name, downloads))
    for name in names or downloads:
        download = downloads[name]
        paths = obtain(name, download, data_dir, fetch=not verify, on_fetch=lambda url: say(f"downloading {url}"))
        for file, path in paths.items():
            content = verified_content(path, download.sha256[file])
            say(f"{name}: {path} verified ({len(content):,} bytes uncompressed)")
    return 0


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--treatment", "kind", flag_value="treatment", help="Create a treatment in place of a case.")
@click.option("--optimizer", "kind", flag_value="optimizer", help="Create an optimiser in place of a case.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New or empty folder. [default: benchsuite-NAME]",
)
def new(name: str, kind: str | None, output: Path | None) -> int:
    """Create a plugin called NAME from a template: a distribution with a case, tests and workflows.

    It works unchanged: a linear unit learns a noisy line, gradients are clipped, or an optimiser follows a running mean
    of the gradient. Replace the parts that are marked with the word CHANGE. docs/tutorials/plugin.md describes how to
    publish the plugin.
    """
    from benchsuite.plugins import KINDS, PREFIX, write_plugin

    folder, kind = output or Path(PREFIX + name), kind or "case"
    taken = {
        item: f"{plugin.target} of {plugin.origin}"
        for plugin in installed_plugins().plugins
        for item in (
            plugin.name,
            *(item.name for items in (plugin.declared.ladders, plugin.declared.cases) for item in items),
            *plugin.declared.treatments,
        )
    }
    for path in write_plugin(name, folder, taken, kind):
        say(f"written: {path}")
    say("\nnext:")
    command = KINDS[kind][2].format(name)
    for line in (f"cd {shlex.quote(str(folder))}", 'pip install -e ".[test]"', command, "pytest"):
        say(f"  {line}")
    return 0
