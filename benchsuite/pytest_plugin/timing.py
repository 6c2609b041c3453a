"""Time the rounds of a case with pytest-benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from benchsuite.errors import BenchsuiteError
from benchsuite.pytest_plugin.suite import SUITE
from benchsuite.settings import with_pytest_flags

if TYPE_CHECKING:
    from benchsuite.case import Case
    from benchsuite.execution import CaseRun
    from benchsuite.results import Summary

#: How to run without pytest-xdist.
NO_WORKERS = "omit -n; benchsuite trains the seeds of a case side by side on all devices by itself"

#: What is wrong where another plugin takes the place of pytest-benchmark.
REPLACED = "the fixture benchmark is that of {}, but the rounds of a case are timed by pytest-benchmark"

#: Exceptions by which a test ends; other plugins of pytest raise them in the middle of a training.
_OUTCOMES = (pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)

#: The property of test reports and JUnit files that holds the result of a case.
PROPERTY = "benchsuite"

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
    def replaced_by(self) -> str:
        """The plugin of pytest whose fixture `benchmark` stands in place of pytest-benchmark's; empty for none."""
        package = type(self._benchmark).__module__.partition(".")[0]
        return "" if package == "pytest_benchmark" else package.replace("_", "-")

    @property
    def enabled(self) -> bool:
        """Whether rounds are timed: --benchmark-disable requests a smoke test of one round."""
        return bool(self._benchmark.enabled)

    def rename(self, suffix: str) -> None:
        """Append to the names of the benchmark, so that only like is compared with like."""
        self._benchmark.name += suffix
        self._benchmark.fullname += suffix

    @property
    def name(self) -> str:
        """The full name of the benchmark."""
        return str(self._benchmark.fullname)

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
            pytest.fail(f"a case was sent to a worker of -n\n  try: {NO_WORKERS}", pytrace=False)
        if other := self._timer.replaced_by:
            pytest.fail(f"{REPLACED.format(other)}\n  try: omit the options of {other}", pytrace=False)
        try:
            with _uncaptured(self._config):
                return self._train(case)
        except (BenchsuiteError, *_OUTCOMES) as error:
            stopped = _stopped_by(error, self._config)
            if not stopped and not isinstance(error, BenchsuiteError):
                raise
            reason = with_pytest_flags(stopped or str(error))
        pytest.fail(reason, pytrace=False)  # outside of the handler, so that no other exception is shown

    def _train(self, case: Case) -> list[Summary]:
        from benchsuite.system import progress

        suite, reporter = self._config.stash[SUITE], self._config.pluginmanager.get_plugin("terminalreporter")
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
        self._properties.append((PROPERTY, result))
        if not run.plan.sweep:
            self._properties += [(f"{PROPERTY}.{name}", getattr(best, name)) for name in _FIGURES]
        return summaries

    def _measure(self, run: CaseRun) -> None:
        label = run.plan.label
        self._timer.rename(label[label.index(" (") :] if " (" in label else "")
        self._config.stash[SUITE].timed.add(self._timer.name)
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


def _stopped_by(error: BaseException, config: pytest.Config) -> str:
    """Say which other plugin of pytest stopped a training, and how to go on; empty if none did."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, _OUTCOMES):
        cause = cause.__cause__
    name = cause and _raised_by(cause.__traceback__, config)
    if not name:
        return ""
    hint = f"change the options of {name}; finished rounds are kept, use --resume to continue"
    return f"{name} stopped the training: {cause}\n  try: {hint}"


def _raised_by(trace: TracebackType | None, config: pytest.Config) -> str:
    """Find the plugin of pytest that raised an exception; empty if it was none."""
    manager = config.pluginmanager
    distributions = {
        getattr(plugin, "__name__", ""): info.project_name for plugin, info in manager.list_plugin_distinfo()
    }
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(trace)]
    foreign = [name for name in modules if manager.has_plugin(name) or name in distributions]
    found = [name for name in foreign if not name.startswith(("_pytest.", "benchsuite."))]
    return distributions.get(found[-1], found[-1]) if found else ""


def _uncaptured(config: pytest.Config) -> Any:
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()
