"""The state of a pytest session."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from benchsuite.errors import BenchsuiteError
from benchsuite.settings import EVERY, OPTIONS, Option, OutputSettings, TrainingSettings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchsuite.execution import Session
    from benchsuite.results import Summary
    from benchsuite.store import RunFolder
    from benchsuite.variants import Variant


@dataclass
class Suite:
    """The state of one pytest session; everything is made when it is first used.

    Args:
        config: of pytest.
        chosen: the ids of the variants whose tests are run, once they are collected.
        timed: names of the benchmarks of pytest-benchmark that are rounds of a case.
    """

    config: pytest.Config
    chosen: list[str] = field(default_factory=list)
    timed: set[str] = field(default_factory=set)
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

        training, output = self.settings
        if self._selects and not (training.tag or training.family):
            training = replace(training, tag=(EVERY,))
        return self._open.enter_context(Session.open(training, output, chosen=self.chosen))

    @property
    def _selects(self) -> bool:
        """Whether pytest selects among all cases, by -k or a node id."""
        return bool(self.config.option.keyword) or any("[" in argument for argument in self.config.args)

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """The cases, untreated and treated, by id."""
        return {variant.id: variant for variant in self.session.variants}

    @property
    def inapplicable(self) -> dict[str, str]:
        """Why treatments do not apply, by id."""
        training, _ = self.settings
        if not (training.treatment or training.optimizer or training.sweep):
            return {}
        return {name: str(variant.error) for name, variant in self.variants.items() if not variant.applies}

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
        if not self.summaries or self.reference is None:
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


#: Where pytest keeps the suite of its session.
SUITE = pytest.StashKey[Suite]()
