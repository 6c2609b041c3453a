"""The pytest plugin: options, one test per case, the fixture `bench`, and the tables at the end.

In: flags with the prefix `--benchsuite-`, ini settings, and tests that use the fixtures.
Out: one test per case, timed by pytest-benchmark, the tables of the run, and the exit code.
Every pytest run of an environment with benchsuite imports this package. It therefore imports nothing heavy before a
test requests a case, or an option a treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest

from benchsuite.errors import BenchsuiteError, printable, wrap_lines
from benchsuite.pytest_plugin.ranking import ENTRIES, add_board_option, rank_cases
from benchsuite.pytest_plugin.suite import SUITE, Suite
from benchsuite.pytest_plugin.timing import NO_WORKERS, PROPERTY, REPLACED, Bench, RoundTimer
from benchsuite.settings import OPTIONS, with_pytest_flags

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchsuite.case import Case
    from benchsuite.results import Summary

__all__ = ["CASE_FIXTURE", "bench", "registered_case"]

#: The fixture that requests a case: a test that uses it runs once per registered case.
CASE_FIXTURE = "registered_case"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add every option of the settings, as a flag and as an ini setting."""
    group = parser.getgroup("benchsuite", "benchsuite: train cases from many random starts")
    add_board_option(group)
    for option in OPTIONS:
        how: dict[str, Any] = {"dest": option.ini, "default": None}
        if option.is_flag:
            how["action"] = "store_true"
        elif option.is_list:
            how |= {"action": "append", "metavar": option.metavar}
        elif option.choices:
            how["metavar"] = f"{{{','.join(option.choices)}}}"
        else:
            how["metavar"] = option.metavar
        text = with_pytest_flags(option.help).replace("%", "%%")
        group.addoption(option.pytest_flag, help=f"{text} Ini setting: {option.ini}.", **how)
        kind: Literal["bool", "linelist", "string"] = (
            "bool" if option.is_flag else "linelist" if option.is_list else "string"
        )
        nothing = {"bool": False, "linelist": [], "string": ""}[kind]
        parser.addini(option.ini, f"Default of {option.pytest_flag}.", type=kind, default=nothing)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Convert errors of the suite to usage errors of pytest."""
    try:
        yield
    except BenchsuiteError as error:
        raise pytest.UsageError(with_pytest_flags(str(error))) from error


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs."""
    config.stash[SUITE] = suite = Suite(config)
    if config.getoption("numprocesses", None) and config.getoption("benchmark_only", False):
        raise pytest.UsageError(
            f"-n and --benchmark-only exclude each other: parallel workers disturb timings\n  try: {NO_WORKERS}"
        )
    if config.getoption("codspeed", None) and config.getoption("benchmark_only", False):
        raise pytest.UsageError(f"{REPLACED.format('pytest-codspeed')}\n  try: omit --codspeed")
    with _usage_errors():
        suite.settings  # noqa: B018  # parses and checks them


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Check the options that depend on plugins, files or extras, before any case is collected."""
    suite = session.config.stash[SUITE]
    training, output = suite.settings
    with _usage_errors():
        suite.reference  # noqa: B018  # reads and checks it
        if output.report:
            from benchsuite.report import require_extra

            with require_extra("a report"):
                import benchsuite.report.html  # noqa: F401
        if training.treatment or training.optimizer or training.sweep:
            suite.variants  # noqa: B018  # selects and checks them


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that requests a case once per case, each with its own clock for pytest-benchmark."""
    if CASE_FIXTURE not in metafunc.fixturenames:
        return
    suite = metafunc.config.stash[SUITE]
    # Where a case cannot be trained, its error is shown; that its benchmark was not used is no news.
    quiet = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")

    inapplicable = suite.inapplicable

    def marks(name: str) -> list[pytest.MarkDecorator]:
        timed = [RoundTimer.mark(), quiet]
        reason = inapplicable.get(name)
        return [*timed, pytest.mark.skip(reason=f"does not apply: {reason}")] if reason else timed

    params = [pytest.param(name, id=name, marks=marks(name)) for name in suite.session.ids]
    metafunc.parametrize(CASE_FIXTURE, params, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember the variants whose tests will run: of other cases no plugin is imported."""
    suite = session.config.stash[SUITE]
    calls = [item.callspec.params for item in session.items if hasattr(item, "callspec")]
    suite.chosen += dict.fromkeys(params[CASE_FIXTURE] for params in calls if CASE_FIXTURE in params)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Show the machine, versions and protocol."""
    suite = config.stash[SUITE]
    if not suite.loaded or config.option.collectonly or suite.output.plan:
        return []
    from benchsuite.report import size
    from benchsuite.report.terminal import header_lines
    from benchsuite.system import machine

    session = suite.session
    with _usage_errors():
        session.check()
        about = session.executor.describe(session.training)
    left_out = [plugin.name for plugin in session.registry.left_out]
    training = session.training
    disk = f"takes at most {size(session.estimated_bytes(suite.chosen))} on disk"
    notes = [f"note: {sentence}" for sentence in machine.overruled_settings(training.precision)]
    lines = [*header_lines(about, training.protocol, training.precision, left_out, training.dtype), disk, *notes]
    width = config.get_terminal_writer().fullwidth
    return [part for line in lines for part in wrap_lines(line, width).splitlines()]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --benchsuite-plan, show the estimated costs instead of training; with --benchsuite-board, rank entries."""
    suite = session.config.stash[SUITE]
    if suite.config.getoption(ENTRIES) and not session.testsfailed:
        with _usage_errors():
            rank_cases(suite, list(dict.fromkeys(suite.variants[name].case for name in suite.chosen)), session)
        return True
    if not suite.output.plan or session.testsfailed:
        return None
    from benchsuite.report.terminal import forecast_table, render

    chosen = [suite.variants[name] for name in suite.chosen]
    failures = [variant.error for variant in chosen if variant.applies and variant.error]
    session.testsfailed = len(failures)
    with _usage_errors():
        forecasts = suite.session.forecasts([variant.treated for variant in chosen if variant.treated])
    writer, reporter = session.config.get_terminal_writer(), session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.section("plan")
        reporter.write(render(forecast_table(forecasts, failures), writer.fullwidth, writer.hasmarkup))
    return True


@pytest.fixture
def registered_case(request: pytest.FixtureRequest) -> Case:
    """A case of an installed plugin, untreated or treated; a test that uses it runs once per case."""
    variant = request.config.stash[SUITE].variants[request.param]
    if variant.treated is None:
        pytest.fail(with_pytest_flags(str(variant.error)), pytrace=False)
    return variant.treated


@pytest.fixture
def bench(benchmark: Any, request: pytest.FixtureRequest) -> Callable[[Case], list[Summary]]:
    """Trains all seeds of a case as rounds of pytest-benchmark; returns its summaries, one per value of a sweep."""
    return Bench(benchmark, request)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show how many seeds of a case converged, instead of a dot."""
    result = dict(report.user_properties).get(PROPERTY) if hasattr(report, "user_properties") else None
    if result and report.when == "call" and report.passed:
        return "passed", str(result), f"PASSED {result}"
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the machine and the plugins that were left out to pytest-benchmark's files.

    Not as machine_info: pytest-benchmark compares that before any case is collected, so it would always differ.
    """
    suite = config.stash[SUITE]
    if suite.loaded:
        output_json["benchsuite"] = {
            "run": str(suite.session.folder.path) if suite.summaries else None,
            "machine": suite.session.folder.machine if suite.summaries else None,
            "plugins_left_out": {plugin.name: str(plugin.error) for plugin in suite.session.registry.left_out},
        }


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_benchmark_group_stats(config: pytest.Config) -> Generator[None, Any, Any]:
    """Leave rounds of cases out of pytest-benchmark's table, unless it is asked for more than the speeds."""
    groups, suite = (yield), config.stash[SUITE]
    asked = ("benchmark_compare", "benchmark_histogram", "benchmark_verbose", "benchmark_cprofile")
    if config.option.verbose > 0 or any(config.getoption(name, None) for name in asked):
        return groups
    others = [(group, [one for one in found if one["fullname"] not in suite.timed]) for group, found in groups]
    return [(group, found) for group, found in others if found]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the convergence table, the comparison, and the plugins that were left out."""
    suite = config.stash[SUITE]
    if suite.summaries:
        _show_summaries(terminalreporter, suite)
    if suite.loaded:
        for name, tries in suite.session.tries.items():
            if tries > 1:
                terminalreporter.write_line(f"{name} was tried {tries} times in this session; the last try counts")
    if suite.page:
        terminalreporter.write_line(with_pytest_flags(suite.page[0]), red=not suite.page[1])
    if suite.compared:
        shown, reasons = suite.compared
        terminalreporter.section("convergence compared", red=bool(reasons))
        terminalreporter.write(_rendered(shown, config))
        for reason in reasons:
            terminalreporter.write_line(with_pytest_flags(f"gate: {reason}"), red=True)
    if suite.loaded and suite.session.registry.left_out:
        terminalreporter.section("benchsuite: plugins left out", red=True)
        for plugin in suite.session.registry.left_out:
            terminalreporter.write_line(printable(f"{plugin.name} ({plugin.origin}): {plugin.error}"))


def _show_summaries(terminalreporter: pytest.TerminalReporter, suite: Suite) -> None:
    from benchsuite.report.terminal import answer_tables, run_tables
    from benchsuite.results import Result
    from benchsuite.store import folder_size, read_results

    folder, results = suite.session.folder, list[Result]()
    terminalreporter.section("convergence")
    try:
        results = read_results(folder)
    except BenchsuiteError as error:
        message = f"treatments and sweeps cannot be shown: {error}"
        terminalreporter.write_line(with_pytest_flags(message), red=True)
    width = suite.config.get_terminal_writer().fullwidth
    untrained: list[Any] = [*folder.inapplicable, *folder.untrained]
    if suite.config.option.verbose > 0:
        tables = run_tables(suite.summaries, width, results, untrained)
        terminalreporter.write(_rendered(tables, suite.config))
    shown = [result.summary for result in results] or suite.summaries
    answer = answer_tables(shown, results, untrained, folder.path, folder_size(folder.path))
    terminalreporter.write(_rendered(answer, suite.config))


def _rendered(tables: RenderableType, config: pytest.Config) -> str:
    from benchsuite.report.terminal import render

    writer = config.get_terminal_writer()
    return with_pytest_flags(render(tables, writer.fullwidth, writer.hasmarkup))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the executor and unlock the folder."""
    if suite := config.stash.get(SUITE, None):
        suite.close()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run with a plugin left out, a gate that fails, or a page that cannot be written."""
    suite = session.config.stash.get(SUITE, None)
    if not suite or exitstatus != pytest.ExitCode.OK:
        return
    failed_gates = suite.compared[1] if suite.compared else []
    if failed_gates or (suite.page and not suite.page[1]) or (suite.loaded and suite.session.registry.left_out):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
