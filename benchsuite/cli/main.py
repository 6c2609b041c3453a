"""The door for the command line. What a command needs is imported when it runs, so that help comes at once."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from benchsuite import __version__
from benchsuite.errors import BenchsuiteError, CaseError, OptionError, near_matches, printable, wrap_errors
from benchsuite.settings import LOCAL, OPTIONS, QUICK, SOURCE, Settings
from benchsuite.system import signals

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from benchsuite.case import Case
    from benchsuite.engine import Problem
    from benchsuite.execution.executors import Executor
    from benchsuite.plugins import Plugin, Registry
    from benchsuite.results import Result, Summary, Trace
    from benchsuite.store import RunFolder
    from benchsuite.system import progress
    from benchsuite.variants import Treatment, Variant

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: The options that change what a single training does.
_TRAINING = ("protocol", "precision", "dataset", "data_dir", "platform", "treatment", "optimizer")

FAILED = 1

#: Exit codes of a run that was stopped.
_STOPPED = (signals.INTERRUPTED, signals.TERMINATED)


def _settings_options(names: Sequence[str]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(OPTIONS):
            if option.name in names:
                metavar = f"[{'|'.join(option.choices)}]" if option.choices else option.metavar
                kwargs: dict[str, Any] = {"is_flag": True} if option.is_flag else {"metavar": metavar}
                kwargs |= {"multiple": True} if option.is_list else {}
                command = click.option(option.flag, option.name, default=None, help=option.help, **kwargs)(command)
        return command

    return add


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Train little networks from many random starts: how many learn their task, how do the others fail, how fast is it?

    The same runs as `pytest cases/ --benchmark-only`, without pytest.
    """


@cli.command("list")
def list_cases() -> int:
    """List the cases of all plugins."""
    from benchsuite.report.terminal import Column, table

    registry = _registry()
    columns = [
        Column("case", lambda case: case.name, "left", "bold"),
        Column("data", lambda case: case.dataset.name, "left", folds=True),
        Column("source protocol", lambda case: _length(case.schedule), "left", folds=True),
        Column("quick protocol", lambda case: _length(case.quick) if case.quick else "the same", "left", folds=True),
        Column("what it asks", lambda case: case.summary, "left", folds=True),
    ]
    _show(table(registry.cases.values(), columns))
    return _tell_left_out(registry)


def _length(schedule: Any) -> str:
    unit = schedule.unit if schedule.length > 1 else schedule.unit.removesuffix("s")
    return f"{schedule.length:,} {unit}, {schedule.seeds:,} seeds"


@cli.command()
def plugins() -> int:
    """List the plugins, with the reason where one is left out."""
    from benchsuite.report.terminal import Column, table

    def supplies(plugin: Plugin) -> str:
        return ", ".join([*(case.name for case in plugin.cases), *(item.name for item in plugin.treatments)])

    registry = _registry()
    columns = [
        Column("plugin", lambda plugin: plugin.name, "left", "bold"),
        Column("module", lambda plugin: plugin.target, "left", folds=True),
        Column("distribution", lambda plugin: plugin.origin, "left", folds=True),
        Column("supplies", lambda plugin: "LEFT OUT" if plugin.error else supplies(plugin), "left", folds=True),
    ]
    _show(table(registry.plugins, columns))
    return _tell_left_out(registry)


@cli.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
def treatments(names: tuple[str, ...]) -> int:
    """List the treatments of all plugins, and which of the CASEs (all of them by default) each applies to."""
    from benchsuite.report.terminal import Column, table
    from benchsuite.variants import make_variants

    registry = _registry()
    cases = [registry.case(name) for name in names or registry.cases]
    variants = make_variants(cases, list(registry.treatments.values()), None)

    def options(item: Treatment) -> str:
        return ", ".join(f"{name}={value:g}" for name, value in item.options.items())

    def applies(item: Treatment) -> str:
        return ", ".join(v.case for v in variants if v.treatment == item.name and v.treated) or "-"

    columns = [
        Column("treatment", lambda item: item.name, "left", "bold"),
        Column("options", options, "left", folds=True),
        Column("what it does, and who says so", lambda item: f"{item.summary}\n{item.source}", "left", folds=True),
        Column("applies to", applies, "left", folds=True),
    ]
    _show(table(registry.treatments.values(), columns))
    for variant in variants if names else []:
        if variant.error:
            _say(f"{variant.id}: {variant.error}")
    return _tell_left_out(registry)


@cli.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@_settings_options([option.name for option in OPTIONS])
def run(names: tuple[str, ...], **options: Any) -> int:
    """Train every seed of the CASEs (all of them by default) and show how many converged.

    With --treatment or --optimizer, every case is trained untreated and treated, and compared seed by seed.
    """
    from benchsuite.comparison import reference_of
    from benchsuite.execution import open_folder
    from benchsuite.execution.executors import open_executor
    from benchsuite.report import page_writer
    from benchsuite.store import resumed_settings

    settings = resumed_settings(options) if options["resume"] else Settings.parse(options)
    registry = _registry(settings.platform if settings.plan else settings.own_platform)
    registry.check_dataset(settings.dataset)
    variants = _variants([registry.case(name) for name in names or registry.cases], settings, registry)
    if settings.plan:
        return _show_forecasts(variants, settings)
    reference = reference_of(settings)
    if settings.report:
        page_writer()  # so that it is known before anything is trained whether there can be a page
    with open_executor(settings, [plugin.place for plugin in registry.left_out]) as executor:
        _introduce(settings, registry, executor)
        with open_folder(settings, executor).locked() as folder:
            code = _run_variants(variants, _Run(settings, folder, executor), surfaces=settings.report is not None)
    if settings.report and folder.summaries:
        _write_report([folder], settings.report, reference)
    if reference and code not in _STOPPED:
        code = _compare(reference, folder, settings.convergence_compare_fail) or code
    left_out = _tell_left_out(registry)
    return code or left_out


def _show_forecasts(variants: Sequence[Variant], settings: Settings) -> int:
    from benchsuite.execution import forecast_runs
    from benchsuite.report.terminal import forecast_table

    _show(forecast_table(forecast_runs([variant.treated for variant in variants if variant.treated], settings)))
    return 0


def _introduce(settings: Settings, registry: Registry, executor: Executor) -> None:
    """Say what is going to be measured on what."""
    from benchsuite.report.terminal import header_lines

    about = executor.describe(settings)
    left_out = [plugin.name for plugin in registry.left_out]
    _say("\n".join(header_lines(about, settings.protocol, settings.precision, left_out)))


def _variants(cases: Sequence[Case], settings: Settings, registry: Registry) -> list[Variant]:
    from benchsuite.plugins import select_treatments, select_variants

    chosen = select_treatments(settings.treatment, settings.optimizer, registry.treatments)
    return select_variants(cases, chosen, settings)


class _Run(NamedTuple):
    """What all cases of a run share."""

    settings: Settings
    folder: RunFolder
    executor: Executor

    def with_seeds(self, case: Case, times: int) -> _Run:
        """The same with so many times the case's own number of seeds, unless the user has said how many."""
        if self.settings.seeds or self.settings.half_width or times == 1:
            return self
        from benchsuite.results import schedule_for

        _, schedule = schedule_for(case, self.settings.protocol)
        return self._replace(settings=replace(self.settings, seeds=times * schedule.seeds))


def _run_variants(variants: Sequence[Variant], run: _Run, surfaces: bool, times: int = 1) -> int:
    """Train all that applies, each with so many times its own number of seeds; gives the exit code."""
    from benchsuite.variants import list_inapplicable

    summaries: list[Summary] = []
    code = 0
    run.folder.write_inapplicable(list_inapplicable(variants))
    for variant in variants:
        if variant.applies and variant.error:
            _say(f"error: {variant.error}", err=True)
            code = FAILED
    try:
        cases = [variant.treated for variant in variants if variant.treated]
        for number, case in enumerate(cases, start=1):
            place = f"{number}/{len(cases)}" if len(cases) > 1 else ""
            code = _run_case(case, run.with_seeds(case, times), summaries, place, surfaces=surfaces) or code
    except KeyboardInterrupt as interrupt:
        _say(f"interrupted; go on with --resume --run-dir {run.folder.path}", err=True)
        code = signals.exit_code(interrupt)
    if summaries:
        _show_summaries(summaries, run.folder)
    return code


def _run_case(case: Case, run: _Run, summaries: list[Summary], place: str, *, surfaces: bool) -> int:
    from benchsuite.execution import CaseRun
    from benchsuite.system import progress

    hint = "run it by pytest to see where: this should have been a sentence"
    try:
        with (
            progress.ProgressBar(sys.stderr, place=place) as live,
            wrap_errors(lambda raised: CaseError(f"case {case.id} failed: {raised}", hint)),
        ):
            case_run = CaseRun(case, run.settings, run.folder, live, run.executor)
            try:
                for _ in case_run.round_results():
                    pass
                if surfaces:
                    case_run.write_surfaces()
            finally:
                if case_run.has_rows:
                    summaries += case_run.summaries()
    except BenchsuiteError as error:
        _say(f"error: {error}", err=True)
        return FAILED
    return 0


_PICTURE = click.Path(path_type=Path, dir_okay=False)
_SEEDS = click.IntRange(0, 2**32 - 1)


@cli.command()
@click.argument("name", metavar="CASE")
@click.option(
    "--seed", type=_SEEDS, help="Which random start to train again; with --start, whose data it sees [0].", metavar="N"
)
@click.option("--start", metavar="START", help='A start that CASE names, or parameters such as "w=-10,b=0".')
@click.option("-o", "--output", type=_PICTURE, help="Draw it into FILE (.png, .svg, .pdf).", metavar="FILE")
@_settings_options(_TRAINING)
def replay(name: str, seed: int | None, start: str | None, output: Path | None, **options: Any) -> int:
    """Train one seed or start of CASE again and show every evaluation, as a table or as a picture."""
    from benchsuite.engine import Problem, parameter_names
    from benchsuite.report.figures import check_path, draw_training, replay_diagnostics, replay_table
    from benchsuite.results import DEFINITIONS, Outcome, classify

    if seed is None and start is None:
        raise OptionError("nothing to replay was named", "add --seed N, or --start NAME")
    if output:
        check_path(output)
    settings, case = _settings_and_case(name, options)
    problem = Problem.load(case, settings)
    what = f"seed {seed}" if start is None else f"start {start}" + (f" on the data of seed {seed}" if seed else "")
    trace, seconds = _train_again(problem, settings, seed or 0, start, what)
    outcome = Outcome(classify(trace, case.criterion)[0])
    title = f"{problem.label}, {what}: {outcome.value}"
    parameters = parameter_names(case)
    if output:
        draw_training(trace, parameters, title, case.criterion.metric, output)
        _say(f"{title} - drawn into {output}")
        return 0
    _show(replay_table(trace, parameters))
    _say(f"{title} ({DEFINITIONS[outcome]}), {case.criterion}, {seconds:.2f} s")
    if case.diagnostics:
        _show(replay_diagnostics(trace, problem.facts, {item.name: item.reading for item in case.diagnostics}))
    return 0


def _settings_and_case(name: str, options: Mapping[str, Any]) -> tuple[Settings, Case]:
    settings = Settings.parse(options)
    registry = _registry(settings.platform)
    registry.check_dataset(settings.dataset)
    name, _, treatment = name.partition("+")
    said = (*settings.treatment, *([treatment] if treatment else []))
    variants = _variants([registry.case(name)], replace(settings, treatment=said), registry)
    if len(variants) > 2:  # noqa: PLR2004  # the untreated case and a treated one
        raise OptionError(f"{len(variants) - 1} treatments of {name} at once", "name one, or join them as in he+adam")
    if error := variants[-1].error:
        raise error
    return settings, variants[-1].treated or registry.case(name)


def _train_again(problem: Problem, settings: Settings, seed: int, start: str | None, what: str) -> tuple[Trace, float]:
    import numpy as np

    from benchsuite.engine import Ensemble, parameter_names
    from benchsuite.system import machine, progress
    from benchsuite.variants import find_start

    case, devices = problem.case, machine.devices(settings.platform)
    values = None if start is None else find_start(case, start, parameter_names(case))
    with progress.ProgressBar(sys.stderr) as live:
        live.begin(f"{problem.label}, {what}", 1, 0)
        live.stage("compiling")
        ensemble = Ensemble.fitting(problem, 1, devices, pinned=values is not None)
        live.stage("training")
        if values is None:
            return ensemble.train(np.array([seed]), live.advance)
        return ensemble.train_from(values, seed, live.advance)


@cli.command()
@click.argument("name", metavar="CASE")
@click.option(
    "-o", "--output", type=_PICTURE, required=True, help="Draw it into FILE (.png, .svg, .pdf).", metavar="FILE"
)
@click.option(
    "--grid", type=click.IntRange(2), default=256, show_default=True, help="Points along each axis.", metavar="N"
)
@click.option(
    "--seeds", type=click.IntRange(0, 1000), default=8, show_default=True, help="Random starts to draw.", metavar="N"
)
@click.option("--basins/--no-basins", default=True, help="Whether to train a grid of starts, which takes minutes.")
@_settings_options(_TRAINING)
def landscape(name: str, output: Path, grid: int, seeds: int, basins: bool, **options: Any) -> int:
    """Draw the loss of CASE over its parameters, with the paths of named starts and of some seeds on it.

    For two parameters, or where the case names two, a grid of starts is trained as well, to show where each leads.
    Ctrl-C while it is trained draws what there is by then.
    """
    from benchsuite.engine import LandscapeEvaluator, has_landscape
    from benchsuite.report.figures import check_path, draw_landscape
    from benchsuite.results import LandscapeResult, parameter_values
    from benchsuite.system import progress

    check_path(output)
    settings, case = _settings_and_case(name, options)
    if not has_landscape(case):
        drawn = ", ".join(other.name for other in _registry().cases.values() if has_landscape(other))
        raise OptionError(
            f"{name} has no landscape: it has more than two parameters, and names no solution to lay planes through",
            f"one of {drawn}",
        )
    survey, code, found = LandscapeEvaluator(case, settings, grid), 0, None
    label = survey.problem.label
    with progress.ProgressBar(sys.stderr, "starts") as live:
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
    _say(f"{'interrupted; ' if code else ''}{label} - drawn into {output}", err=bool(code))
    return code


@cli.command()
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write a page and a summary in Markdown into folder OUT; or, where OUT ends with .png, .svg or .pdf, draw one"
    " picture into it.",
    metavar="OUT",
)
@click.option(
    "--compare", "reference", type=click.Path(path_type=Path), metavar="RUN", help="Add what has changed since RUN."
)
@click.option(
    "--picture",
    type=click.Choice(["ladder", "treatments", "sweep"]),
    help="What to draw: how small an error is reached how often and how soon; the rate under each treatment;"
    " or the rate at each value of a sweep. [default: what the run was about]",
)
def report(paths: tuple[Path, ...], output: Path | None, reference: Path | None, picture: str | None) -> int:
    """Show the tables of the run in folder RUN (the latest by default), a finished one or not.

    With -o they become a page, on which several RUNs of different cases can stand together. It is one file that needs
    no network, and `pip install 'benchsuite[report]'` to be made.
    """
    from benchsuite.report.figures import check_path
    from benchsuite.store import RunFolder

    is_picture = output is not None and (bool(picture) or (output.suffix[1:].isalpha() and not output.is_dir()))
    if output and not is_picture:
        folders = [RunFolder(path) for path in paths] or [RunFolder.latest()]
        return _write_report(folders, output, RunFolder(reference) if reference else None)
    if reference:
        raise OptionError("--compare is for the page", "add -o DIR, or use `benchsuite compare`")
    if len(paths) > 1:
        raise OptionError(f"{len(paths)} runs", "name one, or add -o DIR to have them on one page")
    if output:
        check_path(output)
    elif picture:
        raise OptionError("--picture draws into a file", "add -o FILE")
    folder, found = _finished(paths[0] if paths else None)
    if output:
        _draw(found, folder, picture or _about(found), output)
        _say(f"{folder.path} - drawn into {output}")
        return 0
    _show_summaries([result.summary for result in found], folder)
    return 0


def _write_report(folders: Sequence[RunFolder], output: Path, reference: RunFolder | None) -> int:
    from benchsuite.report import page_writer

    for path in page_writer()(folders, output, reference):
        _say(f"written: {path}")
    return 0


def _about(found: Sequence[Result]) -> str:
    if any(result.summary.setting for result in found):
        return "sweep"
    return "treatments" if any(result.summary.treatment for result in found) else "ladder"


def _draw(found: Sequence[Result], folder: RunFolder, picture: str, output: Path) -> None:
    from benchsuite.report.figures import draw_heatmap, draw_ladder, draw_sweep

    if picture == "ladder":
        draw_ladder(found, output)
    elif picture == "treatments":
        draw_heatmap([result.summary for result in found], folder.inapplicable, output)
    else:
        draw_sweep([result.summary for result in found], output)


@cli.command()
@click.argument("path", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    required=True,
    type=click.Choice(["bencher", "github", "parquet"]),
    help="bencher: Bencher Metric Format; github: customBiggerIsBetter of github-action-benchmark;"
    " parquet: a row for every seed.",
)
@click.option(
    "-o", "--output", type=_PICTURE, help="Write into FILE; texts go to the terminal without.", metavar="FILE"
)
def export(path: Path | None, kind: str, output: Path | None) -> int:
    """Write the figures of the run in folder RUN (the latest by default) for another tool."""
    from benchsuite.store import export as exporter

    if not output and kind not in exporter.TEXTS:
        raise OptionError(f"{kind} is no text", "add -o FILE")
    _, found = _finished(path)
    if output:
        exporter.export(found, kind, output)
        _say(f"written into {output}", err=True)
    else:
        click.echo(exporter.TEXTS[kind](found))
    return 0


@cli.command()
@click.argument("reference", metavar="REFERENCE", type=click.Path(path_type=Path))
@click.argument("path", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--fail", "gates", multiple=True, metavar="GATE", help="Fail if a case has dropped: rate:0.01, speed:0.01."
)
def compare(reference: Path, path: Path | None, gates: tuple[str, ...]) -> int:
    """Compare the run in folder RUN (the latest by default) with the one in REFERENCE.

    Rates are compared seed by seed where the seeds are the same, speeds where the machines agree. Runs of another
    protocol, of other data or of a changed case are not compared.
    """
    from benchsuite.store import RunFolder

    now = RunFolder(path) if path else RunFolder.latest()
    return _compare(RunFolder(reference), now, gates)


def _compare(reference: RunFolder, now: RunFolder, texts: Sequence[str]) -> int:
    """Show what has changed; the exit code says whether a gate falls."""
    from benchsuite.report.terminal import compare_tables

    console = _console()
    shown, fallen = compare_tables(reference, now, texts)
    console.print(shown)
    for reason in fallen:
        _say(f"gate: {reason}", err=True)
    return FAILED if fallen else 0


def _finished(path: Path | None) -> tuple[RunFolder, list[Result]]:
    """A run and its results, of which there is at least one."""
    from benchsuite.store import RunFolder, read_results

    folder = RunFolder(path) if path else RunFolder.latest()
    found = read_results(folder)
    if not found:
        raise OptionError(f"{folder.path} has no finished round", "go on with --resume, or name another run")
    return folder, found


@cli.command()
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--site", "path", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The site.")
@click.option("--title", default="", metavar="TEXT", help="Of the site.")
@click.option("--address", default="", metavar="URL", help="Where it is published, for the links of its feed.")
def publish(paths: tuple[Path, ...], path: Path, title: str, address: str) -> int:
    """Add the RUNs (the latest by default), each as a night, to the static site in DIR.

    The site has an index, a page for each run, the rate and speed of each case over time with the nights at which they
    changed, an Atom feed of these changes, and a badge. Runs that are published are never written again.
    """
    from benchsuite.report import installed
    from benchsuite.store import RunFolder

    folders = [RunFolder(run) for run in paths] or [RunFolder.latest()]
    with installed("a site"):
        from benchsuite.publish import Site
    added = Site.publish(path, folders, title, address)
    for night in added:
        _say(f"published: {path / night.page}")
    if len(added) < len(folders):
        _say(f"already there: {len(folders) - len(added)} of {len(folders)}")
    _say(f"site: {path / 'index.html'}")
    return 0


#: The options of a run that a night does not settle by itself.
_NIGHT = [
    option.name
    for option in OPTIONS
    if option.name not in ("run_dir", "resume", "plan", "report", "convergence_compare", "convergence_compare_fail")
]


@cli.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("nightly"),
    show_default=True,
    metavar="DIR",
    help="Keeps the runs, the site, and what the next night needs.",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="GATE",
    help="What must not have dropped since the last good night. [default: rate:0.01 and speed:0.001]",
)
@click.option("--accept", is_flag=True, help="Compare the next night with this one, whatever the gates say.")
@_settings_options(_NIGHT)
def nightly(names: tuple[str, ...], folder: Path, gates: tuple[str, ...], accept: bool, **options: Any) -> int:
    """Run the CASEs (all of them by default), compare with the last good night, and publish what was measured.

    On an accelerator every case follows its source's protocol, with ten times its own number of seeds; on a CPU the
    quick one with its own; each in a process of its own, and for an hour at most unless --time-limit says otherwise.
    Clocks, temperature and load before and after say whether the timing is to be relied on. The site lies in DIR/site;
    DIR/summary.md tells the night in Markdown, and DIR/issue.md what is wrong, if something is. The exit code is 0
    after a good night.
    """
    from benchsuite.comparison import Gate
    from benchsuite.execution import open_folder
    from benchsuite.execution.executors import open_executor
    from benchsuite.report import installed
    from benchsuite.system import load

    with installed("a night"):
        from benchsuite.publish import nightly as night
    read = [Gate.parse(text) for text in gates or night.GATES]
    settings = Settings.parse(options)
    if settings.executor == LOCAL:
        settings = replace(settings, time_limit=settings.time_limit or night.TIME_LIMIT)
    registry = _registry(settings.own_platform)
    registry.check_dataset(settings.dataset)
    cases = [registry.case(name) for name in names or registry.cases]
    nights = night.Nights(folder, read, accept=accept, partial=bool(names))
    with open_executor(settings, [plugin.place for plugin in registry.left_out]) as executor:
        accelerated = executor.describe(settings)["platform"] != "cpu"
        if not options["protocol"]:
            settings = replace(settings, protocol=SOURCE if accelerated else QUICK)
        variants = _variants(cases, settings, registry)
        settings = replace(settings, run_dir=nights.begin(), rounds=settings.rounds or night.ROUNDS)
        times = night.SEEDS_ON_ACCELERATOR if accelerated else 1
        _introduce(settings, registry, executor)
        before = load.measure_load()
        with open_folder(settings, executor).locked() as run:
            code = _run_variants(variants, _Run(settings, run, executor), surfaces=True, times=times)
    if code in _STOPPED:
        return code
    wrong = [f"plugin {plugin.name} was left out: {plugin.error}" for plugin in registry.left_out]
    if run.summaries:
        verdict = nights.finish(run, before, [*wrong, *(["a case failed, see the log"] if code else [])])
        _say(f"page: {verdict.page}")
        wrong = list(verdict.wrong)
    else:
        wrong = nights.fail(run, wrong)
    for reason in wrong:
        _say(f"not good: {reason}", err=True)
    return FAILED if wrong else 0


@cli.command()
@click.argument("name", metavar="CASE")
@click.option(
    "--seeds",
    type=click.IntRange(1, 2**32),
    help="Random starts to train, numbered from 0. [default: the case's own number, 16 at most]",
    metavar="N",
)
@_settings_options(_TRAINING)
def audit(name: str, seeds: int | None, **options: Any) -> int:
    """Train seeds of CASE in several ways, and count what differs to the last bit.

    All side by side on all devices, the same again, a few side by side, each alone, and on one device: a seed is to end
    the same. The exit code is 0 if it does.
    """
    import numpy as np

    from benchsuite.report.terminal import audit_table
    from benchsuite.system import progress
    from benchsuite.testing import Audit

    settings, case = _settings_and_case(name, options)
    tried = Audit(case, settings, np.arange(seeds) if seeds else None)
    with progress.ProgressBar(sys.stderr, "ways") as live:
        live.begin(tried.problem.label, len(tried.ways), 0)
        found = list(tried.findings(_one_after_the_other(live)))
    _show(audit_table(found, f"{tried.problem.label}, seeds 0 to {len(tried.seeds) - 1}"))
    return 0 if all(finding.same for finding in found) else FAILED


def _one_after_the_other(live: progress.ProgressBar) -> Callable[[str], None]:
    """Shows what is done now, and that all before has been done."""
    begun: list[str] = []

    def on_next(name: str) -> None:
        if begun:
            live.advance(1)
        begun.append(name)
        live.stage(name)

    return on_next


@cli.command()
@click.argument("names", metavar="[PLUGIN|CASE]...", nargs=-1)
@_settings_options(["precision", "dataset", "data_dir", "platform", "time_limit"])
def check(names: tuple[str, ...], **options: Any) -> int:
    """Try whether cases keep what every case must keep, and say what to change where one does not.

    Those of the PLUGINs, or the CASEs by themselves (all of them by default), each in a process of its own that is
    stopped when it hangs, after 900 s unless --time-limit says otherwise. In the tests of a plugin the same is
    `benchsuite.testing.check_case(case)`.
    """
    from benchsuite.execution.executors import Job
    from benchsuite.report.terminal import check_table
    from benchsuite.system import progress
    from benchsuite.testing import FAILED as BROKEN
    from benchsuite.testing import PROMISES, run_checks

    settings = Settings.parse(options)
    registry = _registry(settings.platform)
    code = 0
    for case in _of_plugins(names, registry):
        with progress.ProgressBar(sys.stderr, "checks") as live:
            live.begin(case.name, len(PROMISES) + 1, 0)
            job = Job.of(case, settings, left_out=[plugin.place for plugin in registry.left_out])
            found = list(run_checks(job, _one_after_the_other(live)))
        _show(check_table(found, case.name))
        code = FAILED if any(one.verdict == BROKEN for one in found) else code
    return code or _tell_left_out(registry)


def _of_plugins(names: Sequence[str], registry: Registry) -> list[Case]:
    """The cases that are called so, or whose plugins are."""
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    found: dict[str, Case] = {}
    for name in names or registry.cases:
        if name in plugins and (error := plugins[name].error):
            raise error
        cases = plugins[name].cases if name in plugins and plugins[name].cases else [registry.case(name)]
        found |= {case.name: case for case in cases}
    return list(found.values())


@cli.command()
@click.argument("names", metavar="[DATASET]...", nargs=-1)
@click.option("--verify", is_flag=True, help="Only look whether the files are there and sound; fetch nothing.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Look into DIR first.")
def data(names: tuple[str, ...], verify: bool, data_dir: Path | None) -> int:
    """Fetch the files of the DATASETs (all of them by default) ahead of a run, and verify them."""
    from benchsuite.engine import obtain, verified_content

    downloads = _registry().downloads
    for name in names:
        if name not in downloads:
            raise OptionError(f"there is no dataset {name!r} to fetch", near_matches(name, downloads))
    for name in names or downloads:
        download = downloads[name]
        paths = obtain(name, download, data_dir, fetch=not verify, on_fetch=lambda url: _say(f"fetching {url}"))
        for file, path in paths.items():
            content = verified_content(path, download.sha256[file])
            _say(f"{name}: {path} is sound ({len(content):,} bytes uncompressed)")
    return 0


@cli.command()
@click.argument("name", metavar="NAME")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write into DIR, a new or empty folder. [default: benchsuite-NAME]",
)
def new(name: str, output: Path | None) -> int:
    """Write a plugin to begin with, which supplies a case called NAME: a distribution with tests and workflows.

    The case works as it is: a linear unit learns a noisy line. What to change for a case of your own is marked with the
    word CHANGE. docs/plugins.md tells the way from there to a published plugin.
    """
    from benchsuite.plugins import scaffold

    folder = output or Path(scaffold.PREFIX + name)
    plugins = _registry().plugins
    taken = {item: f"{p.target} of {p.origin}" for p in plugins for item in (p.name, *(case.name for case in p.cases))}
    for path in scaffold.write_plugin(name, folder, taken):
        _say(f"written: {path}")
    _say("\nnext:")
    for command in (f"cd {shlex.quote(str(folder))}", 'pip install -e ".[test]"', f"benchsuite check {name}", "pytest"):
        _say(f"  {command}")
    return 0


def _registry(platform: str = "auto") -> Registry:
    from benchsuite.plugins import load_registry
    from benchsuite.system import machine

    machine.configure(platform)
    return load_registry()


def _tell_left_out(registry: Registry) -> int:
    for plugin in registry.left_out:
        _say(f"left out: {plugin.name} ({plugin.origin}): {plugin.error}", err=True)
    return FAILED if registry.left_out else 0


def _show_summaries(summaries: Sequence[Summary], folder: RunFolder) -> None:
    from benchsuite.report.terminal import run_tables
    from benchsuite.store import read_results

    console, run = _console(), []
    try:
        run = read_results(folder)
    except BenchsuiteError as error:
        _say(f"treatments and sweeps cannot be shown: {error}", err=True)
    console.print(run_tables(summaries, console.width, run, folder.inapplicable))
    _say(f"rows of every seed: {folder.path}")


def _say(text: str, err: bool = False) -> None:
    """Print a line in which there may be names and texts of plugins."""
    click.echo(printable(text), err=err)


def _show(renderable: RenderableType) -> None:
    _console().print(renderable)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def main() -> None:
    """Run the command line; failures are sentences, and the exit code says what kind they were.

    0: all is well; 1: something failed, or a plugin was left out; 2: an option or argument cannot be used;
    130: interrupted; 143: terminated.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # "≥" is no reason to fail where the encoding lacks it
    try:
        with signals.sigterm_as_interrupt():
            sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BenchsuiteError as error:
        _say(f"error: {error}", err=True)
        sys.exit(click.UsageError.exit_code if isinstance(error, OptionError) else FAILED)
    except (OSError, MemoryError) as error:  # of a path that nobody can bear, or of numbers beyond all memory
        _say(f"error: {error}", err=True)
        sys.exit(FAILED)
    except (click.Abort, KeyboardInterrupt) as interrupt:
        _say("interrupted", err=True)
        sys.exit(signals.exit_code(interrupt.__cause__ or interrupt))  # of which click has made an Abort
