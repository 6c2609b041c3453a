"""The pytest plugin: options, one test per case, the fixture `bench`, and the tables at the end.

Every pytest run of an environment with benchsuite imports this module. It therefore imports nothing heavy before a test
requests a case, or an option a treatment, and prefixes all flags with `--benchsuite-`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pytest

from benchsuite.errors import BenchsuiteError, printable
from benchsuite.settings import OPTIONS, Option, OutputSettings, TrainingSettings, with_pytest_flags

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchsuite.case import Case
    from benchsuite.execution import CaseRun, Session
    from benchsuite.results import Summary
    from benchsuite.store import RunFolder
    from benchsuite.variants import Variant

#: The fixture that requests a case: a test that uses it runs once per registered case.
CASE_FIXTURE = "registered_case"

_NO_WORKERS = "omit -n; benchsuite trains the seeds of a case side by side on all devices by itself"

#: The property of test reports and JUnit files that holds the result of a case.
_PROPERTY = "benchsuite"

#: Fields of a summary that JUnit files hold as well.
_FIGURES = (
    "seeds",
    "converged",
    "rate",
    "rate_interval",
    "seeds_per_second",
    "device_seconds_per_converged",
    "dataset",
)


@dataclass
class Suite:
    """The state of one pytest session; everything is made when it is first used."""

    config: pytest.Config
    _open: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def settings(self) -> tuple[TrainingSettings, OutputSettings]:
        """The options of the command line, else of the ini file, else of the run to resume."""
        given = {option.name: self._given(option) for option in OPTIONS}
        if not given["resume"]:
            return TrainingSettings.parse(given), OutputSettings.parse(given)
        from benchsuite.execution import read_settings

        return read_settings(given)

    def _given(self, option: Option) -> Any:
        value = self.config.getoption(option.ini)
        return self.config.getini(option.ini) if value is None else value

    @property
    def output(self) -> OutputSettings:
        """What to do with the result."""
        return self.settings[1]

    @property
    def loaded(self) -> bool:
        """Whether the plugins are loaded: a test requests a case, or an option a treatment."""
        return "session" in vars(self)

    @cached_property
    def session(self) -> Session:
        """The session of all cases."""
        from benchsuite.execution import Session
        from benchsuite.plugins import load_registry
        from benchsuite.system import machine

        training, output = self.settings
        machine.configure(training.platform if output.plan else training.own_platform)
        session = Session(load_registry(), training, output, surfaces=output.report is not None)
        return self._open.enter_context(session)

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """The cases, untreated and treated, by id."""
        return {variant.id: variant for variant in self.session.variants}

    @property
    def summaries(self) -> list[Summary]:
        """The summaries of the cases trained so far."""
        return self.session.summaries if self.loaded else []

    @cached_property
    def trains(self) -> Session:
        """The session, with SIGTERM handled as an interrupt from now on."""
        from benchsuite.system import signals

        self._open.enter_context(signals.sigterm_as_interrupt())
        return self.session

    @cached_property
    def reference(self) -> RunFolder | None:
        """The run to compare with."""
        if self.output.compare is None:
            return None
        from benchsuite.comparison import reference_of

        return reference_of(self.output)

    @cached_property
    def compared(self) -> tuple[RenderableType, list[str]] | None:
        """The changes since the reference, and the reasons why gates fail."""
        if self.reference is None or not self.summaries:
            return None
        from benchsuite.report.terminal import compare_tables

        try:
            return compare_tables(self.reference, self.session.folder, self.output.compare_fail)
        except BenchsuiteError as error:  # a damaged round must not cost the session its summary
            return "", [str(error)]

    @cached_property
    def page(self) -> tuple[str, bool] | None:
        """Where the page of the run is written, or why it cannot be, and whether it is."""
        if self.output.report is None or not self.summaries:
            return None
        from benchsuite.report.html import write_report

        try:
            page, *_ = write_report([self.session.folder], self.output.report, self.reference)
        except BenchsuiteError as error:
            return f"the page cannot be written: {error}", False
        return f"page: {page}", True

    def close(self) -> None:
        """Close the executor and unlock the folder."""
        self._open.close()


_SUITE = pytest.StashKey[Suite]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add every option of the settings, as a flag and as an ini setting."""
    group = parser.getgroup("benchsuite", "benchsuite: train cases from many random starts")
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
    config.stash[_SUITE] = suite = Suite(config)
    if config.getoption("numprocesses", None) and config.getoption("benchmark_only", False):
        raise pytest.UsageError(
            f"-n and --benchmark-only exclude each other: parallel workers disturb timings\n  try: {_NO_WORKERS}"
        )
    with _usage_errors():
        suite.settings  # noqa: B018  # parses and checks them


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Check the options that depend on plugins, files or extras, before any case is collected."""
    suite = session.config.stash[_SUITE]
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
    variants = metafunc.config.stash[_SUITE].variants
    # Where a case cannot be trained, its error is shown; that its benchmark was not used is no news.
    quiet = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")

    def marks(variant: Variant) -> list[pytest.MarkDecorator]:
        timed = [RoundTimer.mark(), quiet]
        return timed if variant.applies else [*timed, pytest.mark.skip(reason=f"does not apply: {variant.error}")]

    params = [pytest.param(name, id=name, marks=marks(variant)) for name, variant in variants.items()]
    metafunc.parametrize(CASE_FIXTURE, params, indirect=True)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Show the machine, versions and protocol."""
    suite = config.stash[_SUITE]
    if not suite.loaded or config.option.collectonly or suite.output.plan:
        return []
    from benchsuite.report.terminal import header_lines

    session = suite.session
    with _usage_errors():
        session.check()
        about = session.executor.describe(session.training)
    left_out = [plugin.name for plugin in session.registry.left_out]
    return header_lines(about, session.training.protocol, session.training.precision, left_out)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --benchsuite-plan, show the estimated costs instead of training."""
    suite = session.config.stash[_SUITE]
    if not suite.output.plan or session.testsfailed:
        return None
    from benchsuite.report.terminal import forecast_table, render

    calls = [item.callspec.params for item in session.items if hasattr(item, "callspec")]
    chosen = [suite.variants[params[CASE_FIXTURE]].treated for params in calls if CASE_FIXTURE in params]
    with _usage_errors():
        forecasts = suite.session.forecasts([case for case in chosen if case])
    writer, reporter = session.config.get_terminal_writer(), session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.section("plan")
        reporter.write(render(forecast_table(forecasts), writer.fullwidth, writer.hasmarkup))
    return True


@pytest.fixture
def registered_case(request: pytest.FixtureRequest) -> Case:
    """A case of an installed plugin, untreated or treated; a test that uses it runs once per case."""
    variant = request.config.stash[_SUITE].variants[request.param]
    if variant.treated is None:
        pytest.fail(with_pytest_flags(str(variant.error)), pytrace=False)
    return variant.treated


@pytest.fixture
def bench(benchmark: Any, request: pytest.FixtureRequest) -> Callable[[Case], list[Summary]]:
    """Trains all seeds of a case as rounds of pytest-benchmark; returns its summaries, one per value of a sweep."""
    return Bench(benchmark, request)


class RoundClock:
    """A clock that only advances by the training time of rounds; the timer of pytest-benchmark."""

    __name__ = "training_time"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """The total seconds of the rounds so far."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Add the seconds of a round."""
        self._now += seconds


class RoundTimer:
    """All uses of pytest-benchmark beyond its documented interface; a test names each of them.

    Args:
        benchmark: the fixture of pytest-benchmark.
        node: the test, marked by `RoundTimer.mark`.
    """

    def __init__(self, benchmark: Any, node: pytest.Item) -> None:
        self._benchmark = benchmark
        marker = node.get_closest_marker("benchmark")
        self._clock: RoundClock = marker.kwargs["timer"] if marker else RoundClock()

    @staticmethod
    def mark() -> pytest.MarkDecorator:
        """The mark that gives a test its own clock."""
        return pytest.mark.benchmark(timer=RoundClock())

    @property
    def enabled(self) -> bool:
        """Whether rounds are timed: --benchmark-disable requests a smoke test of one round."""
        return bool(self._benchmark.enabled)

    def rename(self, suffix: str) -> None:
        """Append to the names of the benchmark, so that only like is compared with like."""
        self._benchmark.name += suffix
        self._benchmark.fullname += suffix

    def add_info(self, facts: dict[str, Any]) -> None:
        """Add facts to the benchmark's entry in JSON files."""
        self._benchmark.extra_info.update(facts)

    def measure(self, train_round: Callable[[], float], rounds: int) -> None:
        """Train rounds, each timed by the seconds that it returns."""

        def timed() -> None:
            try:
                self._clock.advance(train_round())
            except BaseException:
                # Otherwise, Ctrl-C during a round would cost pytest-benchmark the results of all benchmarks.
                self._benchmark.has_error = True
                raise

        self._benchmark.pedantic(timed, rounds=rounds)


class Bench:
    """Trains a case over many seeds under pytest-benchmark; the value of the fixture `bench`."""

    def __init__(self, benchmark: Any, request: pytest.FixtureRequest) -> None:
        self._timer = RoundTimer(benchmark, request.node)
        self._config = request.config
        self._properties: list[tuple[str, object]] = request.node.user_properties

    def __call__(self, case: Case) -> list[Summary]:
        """Train all seeds of `case`; an error of the suite fails the test without a traceback."""
        if hasattr(self._config, "workerinput"):
            pytest.fail(f"a case was sent to a worker of -n\n  try: {_NO_WORKERS}", pytrace=False)
        try:
            with _uncaptured(self._config):
                return self._train(case)
        except BenchsuiteError as error:
            reason = with_pytest_flags(str(error))
        pytest.fail(reason, pytrace=False)  # outside of the handler, so that no other exception is shown

    def _train(self, case: Case) -> list[Summary]:
        from benchsuite.system import progress

        suite, reporter = self._config.stash[_SUITE], self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write("\n")
        with progress.ProgressBar(sys.stderr) as live, suite.trains.case_run(case, live) as run:
            self._measure(run)
        summaries = run.summaries()
        best = max(summaries, key=lambda summary: summary.converged)
        self._timer.add_info(
            {"sweep": [summary.to_json() for summary in summaries]} if run.plan.sweep else best.to_json()
        )
        result = f"{best.label}: {'at best ' if run.plan.sweep else ''}{best.converged:,} of {best.seeds:,} converged"
        self._properties.append((_PROPERTY, result))
        if not run.plan.sweep:
            self._properties += [(f"{_PROPERTY}.{name}", getattr(best, name)) for name in _FIGURES]
        return summaries

    def _measure(self, run: CaseRun) -> None:
        label = run.plan.label
        self._timer.rename(label[label.index(" (") :] if " (" in label else "")
        round_results = run.round_results()
        steady_rounds = run.steady_rounds if self._timer.enabled else 0

        def train_round() -> float:
            round_result = next(round_results, None)
            if round_result is None:  # a worker was restarted, and had one more first run than expected
                return 0.0
            while round_result.first_run and steady_rounds:  # the warm-up; its rows count, its time does not
                round_result = next(round_results, replace(round_result, first_run=False))
            return round_result.seconds

        self._timer.measure(train_round, max(1, steady_rounds))
        if self._timer.enabled:
            # After a resume, a first run may be the last round; and workers may have had fewer than expected.
            for _ in round_results:
                pass


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show how many seeds of a case converged, instead of a dot."""
    result = dict(report.user_properties).get(_PROPERTY) if hasattr(report, "user_properties") else None
    if result and report.when == "call" and report.passed:
        return "passed", str(result), f"PASSED {result}"
    return None


def _uncaptured(config: pytest.Config) -> Any:
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the machine and the plugins that were left out to pytest-benchmark's files.

    Not as machine_info: pytest-benchmark compares that before any case is collected, so it would always differ.
    """
    suite = config.stash[_SUITE]
    if suite.loaded:
        output_json["benchsuite"] = {
            "run": str(suite.session.folder.path) if suite.summaries else None,
            "machine": suite.session.folder.machine if suite.summaries else None,
            "plugins_left_out": {plugin.name: str(plugin.error) for plugin in suite.session.registry.left_out},
        }


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the convergence table, the comparison, and the plugins that were left out."""
    suite = config.stash[_SUITE]
    if suite.summaries:
        _show_summaries(terminalreporter, suite)
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
    from benchsuite.report.terminal import run_tables
    from benchsuite.store import read_results

    folder, results = suite.session.folder, []
    terminalreporter.section("convergence")
    try:
        results = read_results(folder)
    except BenchsuiteError as error:
        message = f"treatments and sweeps cannot be shown: {error}"
        terminalreporter.write_line(with_pytest_flags(message), red=True)
    width = suite.config.get_terminal_writer().fullwidth
    tables = run_tables(suite.summaries, width, results, folder.inapplicable)
    terminalreporter.write(_rendered(tables, suite.config))
    terminalreporter.write_line(f"rows of every seed: {folder.path}")


def _rendered(tables: RenderableType, config: pytest.Config) -> str:
    from benchsuite.report.terminal import render

    writer = config.get_terminal_writer()
    return with_pytest_flags(render(tables, writer.fullwidth, writer.hasmarkup))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the executor and unlock the folder."""
    if suite := config.stash.get(_SUITE, None):
        suite.close()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run with a plugin left out, a gate that fails, or a page that cannot be written."""
    suite = session.config.stash.get(_SUITE, None)
    if not suite or exitstatus != pytest.ExitCode.OK:
        return
    failed_gates = suite.compared[1] if suite.compared else []
    if failed_gates or (suite.page and not suite.page[1]) or (suite.loaded and suite.session.registry.left_out):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
