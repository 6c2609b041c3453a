"""The door for pytest: options, one test for every case, the `bench` fixture, and the convergence table.

Every pytest run of an environment that has benchsuite imports this module, so nothing heavy is imported before a test
asks for a case, or an option for a treatment of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pytest

from benchsuite.errors import BenchsuiteError, printable
from benchsuite.settings import OPTIONS, Settings
from benchsuite.system import signals

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchsuite.case import Case
    from benchsuite.execution import CaseRun
    from benchsuite.execution.executors import Executor
    from benchsuite.plugins import Registry
    from benchsuite.results import Summary
    from benchsuite.store import RunFolder
    from benchsuite.variants import Variant

#: The fixture that asks for a case: a test that has it runs once for every registered case.
CASE_FIXTURE = "registered_case"


_NO_WORKERS = "leave -n out; benchsuite trains the seeds of a case side by side on all devices by itself"


class RoundClock:
    """A clock that stands still but for the rounds, so that pytest-benchmark summaries their training time alone."""

    __name__ = "training_time"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        """The seconds that rounds have taken so far."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let a round have taken so long."""
        self._now += seconds


@dataclass
class Suite:
    """What one pytest session knows of the cases: settings, registry, run folder and summaries, each made when needed."""

    config: pytest.Config
    summaries: list[Summary] = field(default_factory=list)
    loaded: bool = False
    open: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def settings(self) -> Settings:
        """The options of the command line, else those of the ini file, else those of the run that is resumed."""
        said = {option.name: self._said(option.name, option.ini) for option in OPTIONS}
        if not said["resume"]:
            return Settings.parse(said)
        from benchsuite.store import resumed_settings

        return resumed_settings(said)

    def _said(self, name: str, ini: str) -> Any:
        value = self.config.getoption(_destination(name))
        return self.config.getini(ini) if value is None else value

    @cached_property
    def registry(self) -> Registry:
        """The cases of all plugins."""
        from benchsuite.plugins import load_registry
        from benchsuite.system import machine

        machine.configure(self.settings.platform if self.settings.plan else self.settings.own_platform)
        self.loaded = True
        return load_registry()

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """What is to be trained, by its id."""
        from benchsuite.plugins import select_treatments, select_variants

        chosen = select_treatments(self.settings.treatment, self.settings.optimizer, self.registry.treatments)
        cases = list(self.registry.cases.values())
        return {variant.id: variant for variant in select_variants(cases, chosen, self.settings)}

    @cached_property
    def reference(self) -> RunFolder | None:
        """What the run is compared with."""
        if self.settings.convergence_compare is None:
            return None
        from benchsuite.comparison import reference_of

        return reference_of(self.settings)

    @cached_property
    def compared(self) -> tuple[RenderableType, list[str]] | None:
        """What has changed since the reference, and why gates fall."""
        if self.reference is None or not self.summaries:
            return None
        from benchsuite.report.terminal import compare_tables

        try:
            return compare_tables(self.reference, self.folder, self.settings.convergence_compare_fail)
        except BenchsuiteError as error:  # a damaged round_result must not cost the session its summary
            return "", [str(error)]

    @cached_property
    def page(self) -> tuple[str, bool] | None:
        """Where the page of the run has been written, or why not, and whether it has."""
        if self.settings.report is None or not self.summaries:
            return None
        from benchsuite.report import page_writer

        try:
            page, *_ = page_writer()([self.folder], self.settings.report, self.reference)
        except BenchsuiteError as error:
            return f"the page cannot be written: {error}", False
        return f"page: {page}", True

    @cached_property
    def executor(self) -> Executor:
        """What trains; it is open until the session ends."""
        from benchsuite.execution.executors import open_executor

        return self.open.enter_context(
            open_executor(self.settings, [plugin.place for plugin in self.registry.left_out])
        )

    @cached_property
    def folder(self) -> RunFolder:
        """The run folder, made or resumed when the first case runs."""
        from benchsuite.execution import open_folder
        from benchsuite.variants import list_inapplicable

        self.open.enter_context(signals.sigterm_as_interrupt())
        folder = self.open.enter_context(open_folder(self.settings, self.executor).locked())
        folder.write_inapplicable(list_inapplicable(list(self.variants.values())))
        return folder


#: The property of a test report, and of JUnit files, that says how its case went.
_PROPERTY = "benchsuite"

#: Figures of a summary that JUnit files have as well.
_FIGURES = (
    "seeds",
    "converged",
    "rate",
    "rate_interval",
    "seeds_per_second",
    "device_seconds_per_converged",
    "dataset",
)

_SUITE = pytest.StashKey[Suite]()


def _destination(name: str) -> str:
    return f"benchsuite_{name}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add every option of `Settings`, as a flag and as an ini setting."""
    group = parser.getgroup("benchsuite", "benchsuite: train cases from many random starts")
    for option in OPTIONS:
        how: dict[str, Any] = {"dest": _destination(option.name), "default": None}
        if option.is_flag:
            how["action"] = "store_true"
        elif option.is_list:
            how |= {"action": "append", "metavar": option.metavar}
        elif option.choices:
            how["metavar"] = f"{{{','.join(option.choices)}}}"
        else:
            how["metavar"] = option.metavar
        group.addoption(option.flag, help=f"{option.help.replace('%', '%%')} Also as ini setting {option.ini}.", **how)
        kind: Literal["bool", "linelist", "string"] = (
            "bool" if option.is_flag else "linelist" if option.is_list else "string"
        )
        nothing = {"bool": False, "linelist": [], "string": ""}[kind]
        parser.addini(option.ini, f"Default of {option.flag}.", type=kind, default=nothing)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs."""
    config.stash[_SUITE] = suite = Suite(config)
    if config.getoption("numprocesses", None) and config.getoption("benchmark_only", False):
        raise pytest.UsageError(
            "-n and --benchmark-only exclude each other: workers side by side would disturb every timing.\n"
            f"  try: {_NO_WORKERS}"
        )
    try:
        suite.settings  # noqa: B018  # parses and checks them
    except BenchsuiteError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Check what is asked of the cases before any of them is collected."""
    suite = session.config.stash[_SUITE]
    asked = suite.settings.treatment or suite.settings.optimizer or suite.settings.sweep
    try:
        suite.reference  # noqa: B018  # reads and checks it
        if suite.settings.report:
            from benchsuite.report import page_writer

            page_writer()
        if asked:
            suite.variants  # noqa: B018  # as above
    except BenchsuiteError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a case once for every case, with a clock of its own for pytest-benchmark."""
    if CASE_FIXTURE not in metafunc.fixturenames:
        return
    variants = metafunc.config.stash[_SUITE].variants
    # A case that cannot be trained has said why; that its benchmark was not used need not be said as well.
    quiet = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")

    def marks(variant: Variant) -> list[pytest.MarkDecorator]:
        timed = [pytest.mark.benchmark(timer=RoundClock()), quiet]
        return timed if variant.applies else [*timed, pytest.mark.skip(reason=f"does not apply: {variant.error}")]

    params = [pytest.param(name, id=name, marks=marks(variant)) for name, variant in variants.items()]
    metafunc.parametrize(CASE_FIXTURE, params, indirect=True)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what is going to be measured on what."""
    suite = config.stash[_SUITE]
    if not suite.loaded or config.option.collectonly or suite.settings.plan:
        return []
    from benchsuite.report.terminal import header_lines

    try:
        suite.registry.check_dataset(suite.settings.dataset)
        about = suite.executor.describe(suite.settings)
    except BenchsuiteError as error:
        raise pytest.UsageError(str(error)) from error
    left_out = [plugin.name for plugin in suite.registry.left_out]
    return header_lines(about, suite.settings.protocol, suite.settings.precision, left_out)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --plan, show what would run instead of running it."""
    suite = session.config.stash[_SUITE]
    if not suite.settings.plan or session.testsfailed:
        return None
    from benchsuite.execution import forecast_runs
    from benchsuite.report.terminal import forecast_table, render

    calls = [item.callspec.params for item in session.items if hasattr(item, "callspec")]
    chosen = [suite.variants[params[CASE_FIXTURE]].treated for params in calls if CASE_FIXTURE in params]
    try:
        found = forecast_runs([case for case in chosen if case], suite.settings)
    except BenchsuiteError as error:
        raise pytest.UsageError(str(error)) from error
    writer, reporter = session.config.get_terminal_writer(), session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.section("plan")
        reporter.write(render(forecast_table(found), writer.fullwidth, writer.hasmarkup))
    return True


@pytest.fixture
def registered_case(request: pytest.FixtureRequest) -> Case:
    """A case of an installed plugin, as it is or treated; a test that asks for it runs once for every one of them."""
    variant = request.config.stash[_SUITE].variants[request.param]
    if variant.treated is None:
        pytest.fail(str(variant.error), pytrace=False)
    return variant.treated


@pytest.fixture
def bench(benchmark: Any, request: pytest.FixtureRequest) -> Callable[[Case], list[Summary]]:
    """Trains all seeds of a case, as rounds of pytest-benchmark; gives its summary, or one for each value of a sweep."""
    return Bench(benchmark, request)


class Bench:
    """Trains a case over many seeds under pytest-benchmark; what the fixture `bench` gives to a test."""

    def __init__(self, benchmark: Any, request: pytest.FixtureRequest) -> None:
        self._benchmark = benchmark
        self._config = request.config
        self._properties: list[tuple[str, object]] = request.node.user_properties
        self._clock: RoundClock = request.node.get_closest_marker("benchmark").kwargs["timer"]

    def __call__(self, case: Case) -> list[Summary]:
        """Train all seeds of `case`; a failure that is somebody's fault fails the test with one sentence."""
        if hasattr(self._config, "workerinput"):
            pytest.fail(f"a case was sent to a worker of -n\n  try: {_NO_WORKERS}", pytrace=False)
        try:
            with _uncaptured(self._config):
                return self._train(case)
        except BenchsuiteError as error:
            reason = str(error)
        pytest.fail(reason, pytrace=False)  # outside of the handler, so that the sentence stands alone

    def _train(self, case: Case) -> list[Summary]:
        from benchsuite.execution import CaseRun
        from benchsuite.system import progress

        suite, reporter = self._config.stash[_SUITE], self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write("\n")
        with progress.ProgressBar(sys.stderr) as live:
            run = CaseRun(case, suite.settings, suite.folder, live, suite.executor)
            try:
                self._measure(run)
                if suite.settings.report:
                    run.write_surfaces()
            finally:
                if run.has_rows:
                    suite.summaries += run.summaries()
        summaries = run.summaries()
        best = max(summaries, key=lambda summary: summary.converged)
        facts = {"sweep": [summary.to_json() for summary in summaries]} if run.plan.sweep else best.to_json()
        self._benchmark.extra_info.update(facts)
        said = f"{best.label}: {'at best ' if run.plan.sweep else ''}{best.converged:,} of {best.seeds:,} converged"
        self._properties.append((_PROPERTY, said))
        if not run.plan.sweep:
            self._properties += [(f"{_PROPERTY}.{name}", getattr(best, name)) for name in _FIGURES]
        return summaries

    def _measure(self, run: CaseRun) -> None:
        benchmark, label = self._benchmark, run.plan.label
        benchmark.name, benchmark.fullname = (_labelled(text, label) for text in (benchmark.name, benchmark.fullname))
        round_results = run.round_results()
        steady_rounds = run.steady_rounds if benchmark.enabled else 0

        def train_round() -> None:
            try:
                round_result = next(round_results, None)
                if round_result is None:  # a worker was started again, and had one more first run than was expected
                    return
                while round_result.first_run and steady_rounds:  # warms up; its rows count, its time does not
                    round_result = next(round_results, replace(round_result, first_run=False))
                self._clock.advance(round_result.seconds)
            except BaseException:
                # Without it, Ctrl-C in a round would cost pytest-benchmark the figures of all benchmarks.
                benchmark.has_error = True
                raise

        benchmark.pedantic(train_round, rounds=max(1, steady_rounds))
        if benchmark.enabled:  # --benchmark-disable asks for a smoke test of one round
            # A first run at the end, after a resume, has no steady one behind it; and workers may have had fewer.
            for _ in round_results:
                pass


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Let a case that was trained say how many of its seeds converged, instead of a dot."""
    said = dict(report.user_properties).get(_PROPERTY) if hasattr(report, "user_properties") else None
    if said and report.when == "call" and report.passed:
        return "passed", str(said), f"PASSED {said}"
    return None


def _labelled(name: str, label: str) -> str:
    """The benchmark's name with the marks that keep its figures apart, so that only like is compared with like."""
    return name + label[label.index(" (") :] if " (" in label else name


def _uncaptured(config: pytest.Config) -> Any:
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Notify pytest-benchmark's files what was measured on, and which plugins were left out.

    Not as machine_info: pytest-benchmark compares that before any case could be collected, so it would always differ.
    """
    suite = config.stash[_SUITE]
    if suite.loaded:
        output_json["benchsuite"] = {
            "run": str(suite.folder.path) if suite.summaries else None,
            "machine": suite.folder.machine if suite.summaries else None,
            "plugins_left_out": {plugin.name: str(plugin.error) for plugin in suite.registry.left_out},
        }


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the convergence table, and the plugins that were left out."""
    suite = config.stash[_SUITE]
    writer = config.get_terminal_writer()
    if suite.summaries:
        from benchsuite.report.terminal import render, run_tables
        from benchsuite.store import read_results

        width, colour = writer.fullwidth, writer.hasmarkup
        terminalreporter.section("convergence")
        try:
            run = read_results(suite.folder)
        except BenchsuiteError as error:
            run = []
            terminalreporter.write_line(f"treatments and sweeps cannot be shown: {error}", red=True)
        terminalreporter.write(
            render(run_tables(suite.summaries, width, run, suite.folder.inapplicable), width, colour)
        )
        terminalreporter.write_line(f"rows of every seed: {suite.folder.path}")
    if suite.page:
        terminalreporter.write_line(suite.page[0], red=not suite.page[1])
    if suite.summaries and suite.compared:
        from benchsuite.report.terminal import render

        shown, fallen = suite.compared
        terminalreporter.section("convergence compared", red=bool(fallen))
        terminalreporter.write(render(shown, writer.fullwidth, writer.hasmarkup))
        for reason in fallen:
            terminalreporter.write_line(f"gate: {reason}", red=True)
    if suite.loaded and suite.registry.left_out:
        terminalreporter.section("benchsuite: plugins left out", red=True)
        for plugin in suite.registry.left_out:
            terminalreporter.write_line(printable(f"{plugin.name} ({plugin.origin}): {plugin.error}"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of workers that were started."""
    if suite := config.stash.get(_SUITE, None):
        suite.open.close()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let a run fail whose plugins were not all usable, that a gate does not let pass, or whose page is not written."""
    suite = session.config.stash.get(_SUITE, None)
    if not suite or exitstatus != pytest.ExitCode.OK:
        return
    fallen = suite.compared[1] if suite.compared else []
    if fallen or (suite.page and not suite.page[1]) or (suite.loaded and suite.registry.left_out):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
