"""The commands that list what is installed, and show a single training or landscape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchsuite.cli.common import (
    OUTPUT_FILE,
    SINGLE_SEED,
    installed_plugins,
    progress_bar,
    report_left_out,
    say,
    settings_and_case,
    settings_options,
    show,
)
from benchsuite.errors import OptionError
from benchsuite.settings import TrainingSettings
from benchsuite.system import signals

if TYPE_CHECKING:
    from benchsuite.case import Case
    from benchsuite.plugins import Plugin

_SEED = click.IntRange(0, 2**32 - 1)


@click.command("list")
@settings_options(["tag", "family"])
def list_cases(**options: Any) -> int:
    """List the cases of all plugins, a line each; a ladder of cases is one line."""
    from benchsuite.plugins import select_cases
    from benchsuite.report.terminal import case_list

    registry, chosen = installed_plugins(), TrainingSettings.parse(options)
    show(case_list(select_cases(registry.declared.values(), chosen.tag, chosen.family, named=True), registry.ladders))
    return report_left_out(registry)


@click.command("show")
@click.argument("name", metavar="CASE")
def show_case(name: str) -> int:
    """Show CASE in full: source, protocols, criterion, claims, treatments that apply, and earlier runs."""
    from benchsuite.execution import find_runs_of
    from benchsuite.report.terminal import case_description
    from benchsuite.variants import make_variants

    registry = installed_plugins()
    case = registry.case(name)
    variants = make_variants([case], list(registry.treatments.values()), ())
    show(case_description(case, variants, find_runs_of(case)))
    return report_left_out(registry)


@click.command()
def plugins() -> int:
    """List the plugins, and the errors of those that could not be loaded."""
    from benchsuite.report.terminal import Column, table

    def provides(plugin: Plugin) -> str:
        declared = plugin.declared
        ladders = [f"{ladder.name} ({ladder.rungs})" for ladder in declared.ladders]
        cases = [case.name for case in declared.cases if not case.rung]
        return ", ".join([*ladders, *cases, *declared.treatments, *declared.observers])

    registry = installed_plugins()
    columns = [
        Column("plugin", lambda plugin: plugin.name, "left", "bold"),
        Column("module", lambda plugin: plugin.target, "left", folds=True),
        Column("distribution", lambda plugin: plugin.origin, "left", folds=True),
        Column("provides", lambda plugin: "LEFT OUT" if plugin.error else provides(plugin), "left", folds=True),
    ]
    show(table(registry.plugins, columns))
    return report_left_out(registry)


@click.command("treatments")
@click.argument("names", metavar="[CASE]...", nargs=-1)
def list_treatments(names: tuple[str, ...]) -> int:
    """List the treatments of all plugins, and to which of the CASEs (all of them by default) each applies."""
    from benchsuite.report.terminal import treatment_list
    from benchsuite.variants import make_variants

    registry = installed_plugins()
    cases = [case for name in names or registry.cases for case in registry.select(name)]
    treatments = list(registry.treatments.values())
    variants = make_variants(cases, treatments, ())
    show(treatment_list(treatments, variants))
    for variant in variants if names else []:
        if variant.error:
            say(f"{variant.id}: {variant.error}")
    return report_left_out(registry)


@click.command()
@click.argument("name", metavar="CASE")
@click.option(
    "--seed",
    type=_SEED,
    help="Random start to train; with --start, the seed that determines the data. [0]",
    metavar="N",
)
@click.option("--start", metavar="START", help='A start that CASE names, or parameters such as "w=-10,b=0".')
@click.option("-o", "--output", type=OUTPUT_FILE, help="Draw it into FILE (.png, .svg, .pdf).", metavar="FILE")
@settings_options(SINGLE_SEED)
def replay(name: str, seed: int | None, start: str | None, output: Path | None, **options: Any) -> int:
    """Train one seed or start of CASE again and show every evaluation, as a table or a figure."""
    from benchsuite.engine import parameter_names
    from benchsuite.execution import replay_training
    from benchsuite.report import check_path, require_extra
    from benchsuite.report.terminal import replay_diagnostics, replay_table
    from benchsuite.results import DEFINITIONS

    if seed is None and start is None:
        raise OptionError("neither --seed nor --start is given", "add --seed N, or --start NAME")
    if output:
        check_path(output)
        with require_extra("a picture"):
            from benchsuite.report.figures import draw_training
    settings, case = settings_and_case(name, options)
    with progress_bar() as live:
        again = replay_training(case, settings, seed or 0, start, live)
    parameters = parameter_names(case)
    if output:
        draw_training(again.trace, parameters, again.title, case.criterion.metric, output)
        say(f"{again.title} - drawn into {output}")
        return 0
    show(replay_table(again.trace, parameters))
    say(f"{again.title} ({DEFINITIONS[again.outcome]}), {case.criterion}, {again.seconds:.2f} s")
    if case.diagnostics:
        readings = {item.name: item.reading for item in case.diagnostics}
        show(replay_diagnostics(again.trace, again.problem.facts, readings))
    return 0


@click.command()
@click.argument("name", metavar="CASE")
@click.option(
    "-o", "--output", type=OUTPUT_FILE, required=True, help="Draw it into FILE (.png, .svg, .pdf).", metavar="FILE"
)
@click.option(
    "--grid", type=click.IntRange(2), default=256, show_default=True, help="Points along each axis.", metavar="N"
)
@click.option(
    "--seeds", type=click.IntRange(0, 1000), default=8, show_default=True, help="Random starts to draw.", metavar="N"
)
@click.option("--basins/--no-basins", default=True, help="Whether to train a grid of starts, which takes minutes.")
@settings_options(SINGLE_SEED)
def landscape(name: str, output: Path, grid: int, seeds: int, basins: bool, **options: Any) -> int:
    """Draw the loss of CASE over its parameters, with the paths of named starts and of some seeds.

    For a case with two parameters, or with two that it names, a grid of starts is trained as well, to show the basins
    of attraction. Ctrl-C during this training draws the part that is finished.
    """
    from benchsuite.engine import LandscapeEvaluator
    from benchsuite.report import check_path, require_extra
    from benchsuite.results import LandscapeResult, parameter_values

    check_path(output)
    with require_extra("a picture"):
        from benchsuite.report.figures import draw_landscape
    settings, case = settings_and_case(name, options)
    _check_landscape(name, case)
    survey, code, found = LandscapeEvaluator(case, settings, grid), 0, None
    label = survey.problem.label
    with progress_bar(unit="starts") as live:
        live.begin(label, survey.starts(seeds, basins=basins), 0)
        live.stage("paths")
        paths = survey.paths(seeds, live.advance)
        live.stage("loss")
        surfaces = survey.surfaces(parameter_values(paths))
        live.stage("grid of starts")
        try:
            for grown in survey.basins(live.advance) if basins else ():
                found = grown
        except KeyboardInterrupt as interrupt:
            code = signals.exit_code(interrupt)
    draw_landscape(LandscapeResult(f"{label}: {case.summary}", surfaces, paths, found, case.solution_values), output)
    say(f"{'interrupted; ' if code else ''}{label} - drawn into {output}", err=bool(code))
    return code


def _check_landscape(name: str, case: Case) -> None:
    from benchsuite.engine import has_landscape

    if not has_landscape(case):
        drawn = ", ".join(other.name for other in installed_plugins().cases.values() if has_landscape(other))
        raise OptionError(
            f"{name} has no landscape: it has more than two parameters and no solution that defines planes",
            f"name one of {drawn}",
        )
