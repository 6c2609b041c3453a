"""Run a night: judge the timings, compare with the last good night, publish, and report failures.

A night's folder has `runs/` with a run folder for every night, `site/`, `last-good` with the name of the run that the
next night is compared with, `summary.md`, and `issue.md` if something failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchsuite.comparison import MISSING, CaseChange, Gate, RunResults, compare_runs
from benchsuite.errors import BenchsuiteError, StoreError
from benchsuite.execution import Session, SessionResult
from benchsuite.plugins import Plugin
from benchsuite.publish.night import Night
from benchsuite.publish.site import Site
from benchsuite.report.html import collect_content, escape_markdown, render_markdown
from benchsuite.settings import LOCAL, QUICK, SOURCE, TrainingSettings
from benchsuite.store import RunFolder, is_folder_name, make_folder, read_results
from benchsuite.system import files, load

RUNS, SITE, GOOD, SUMMARY, ISSUE = "runs", "site", "last-good", "summary.md", "issue.md"

#: Default gates: a significant drop of a success rate, or one of a speed by more than machines differ from day to day.
GATES = ("rate:0.01", "speed:0.001:10%")

#: Factor of the number of seeds of each case on an accelerator.
SEEDS_ON_ACCELERATOR = 10

#: Default number of rounds: with fewer, no rank test of six cases reaches the level of the gate.
ROUNDS = 10

#: Default time limit of a case in seconds.
TIME_LIMIT = 3600

_HINT = "free disk space, and run the night again"


@dataclass(frozen=True)
class NightResult:
    """The result of a night.

    Args:
        wrong: failures; empty after a good night.
        page: of the night on the site; None without a finished round.
    """

    wrong: Sequence[str]
    page: Path | None


def nightly_settings(training: TrainingSettings) -> TrainingSettings:
    """The settings of a night: a time limit unless Dask workers train, and a default number of rounds."""
    limit = training.time_limit or TIME_LIMIT if training.executor == LOCAL else training.time_limit
    return replace(training, time_limit=limit, rounds=training.rounds or ROUNDS)


@dataclass(frozen=True)
class Nights:
    """A folder of nights.

    Args:
        folder: of the runs, the site and the reference.
        gates: against the last good night.
        accept: whether this night becomes the reference of the next one, whatever the gates say.
        partial: whether only some cases are trained, so that others may be missing.
    """

    folder: Path
    gates: Sequence[Gate]
    accept: bool = False
    partial: bool = False

    def prepare(self, session: Session, *, keep_protocol: bool) -> None:
        """Adapt a session to its device, check its selection, and give it a run folder.

        Args:
            session: with `nightly_settings`.
            keep_protocol: whether the user chose the protocol.

        Raises:
            BenchsuiteError: an option is invalid, or the folder cannot be created.
        """
        accelerated = session.executor.describe(session.training)["platform"] != "cpu"
        if not keep_protocol:
            session.training = replace(session.training, protocol=SOURCE if accelerated else QUICK)
        session.seed_factor = SEEDS_ON_ACCELERATOR if accelerated else 1
        session.check()
        session.output = replace(session.output, run_dir=self.begin())

    def begin(self) -> Path:
        """Remove the summary and issue of the night before, and create a run folder.

        Raises:
            StoreError: it cannot be created.
        """
        for name in (SUMMARY, ISSUE):
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{self.folder / name} cannot be removed: {error.strerror}", _HINT) from error
        return make_folder(self.folder / RUNS)

    def last_good(self) -> RunFolder | None:
        """The run to compare with; None before the first good night.

        Raises:
            StoreError: it is damaged or missing.
        """
        pointer = self.folder / GOOD
        try:
            name = files.read(pointer).decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"{pointer} cannot be read: {error.strerror}", "delete it to start without a reference"
            ) from error
        if not is_folder_name(name):
            raise StoreError(
                f"{pointer} names {name[:80]!r}, which holds no run", "write the name of a good night into it"
            )
        return RunFolder(self.folder / RUNS / name)

    def conclude(
        self, result: SessionResult, before: Mapping[str, Any], left_out: Sequence[Plugin] = ()
    ) -> NightResult:
        """Judge and publish a finished session.

        Args:
            result: of the session.
            before: the load of the machine at its start, from `load.measure_load`.
            left_out: plugins that could not be loaded.

        Raises:
            BenchsuiteError: the site is damaged, or a file cannot be written.
        """
        wrong = [f"plugin {plugin.name} was left out: {plugin.error}" for plugin in left_out]
        if not result.folder.summaries:
            return NightResult(self.fail(result.folder, wrong), None)
        return self.finish(
            result.folder, before, [*wrong, *(["a case failed, see the log"] if result.failures else [])]
        )

    def finish(self, run: RunFolder, before: Mapping[str, Any], wrong: Sequence[str] = ()) -> NightResult:
        """Judge and publish a run.

        Args:
            run: with at least one finished round.
            before: the load of the machine at its start, from `load.measure_load`.
            wrong: failures so far.

        Raises:
            BenchsuiteError: the site is damaged, or a file cannot be written.
        """
        after = load.measure_load()
        run.write_load(before, after, load.timing_warnings(before, after, run.machine["platform"]))
        reference, found, fallen = self._compare(run)
        missing = [change.label for change in found if change.rate_incomparable == MISSING]
        wrong = [*wrong, *fallen]
        name = reference.path.name if reference else ""
        if missing and not self.partial:
            wrong.append(f"missing since {name}: {', '.join(missing)}")
        Site.publish(self.folder / SITE, [run], reference=reference)
        notes = [note for gate in self.gates if (note := gate.blind(found))]
        notes += [f"the timing is unreliable: {warning}" for warning in run.timing_warnings]
        files.write(self.folder / SUMMARY, _summary(run, reference, wrong, notes).encode(), _HINT)
        if wrong:
            files.write(self.folder / ISSUE, _issue(run, name, wrong, found).encode(), _HINT)
        # A night with unreliable timings or missing cases is no reference: its changes would never be detected.
        whole = reference is None or not (run.timing_warnings or missing)
        if self.accept or (whole and not wrong):
            files.write(self.folder / GOOD, f"{run.path.name}\n".encode(), _HINT)
        return NightResult(wrong, self.folder / SITE / Night.of(run, read_results(run)).page)

    def fail(self, run: RunFolder, wrong: Sequence[str]) -> list[str]:
        """Describe a night without a finished round; returns its failures.

        Args:
            run: without rows.
            wrong: failures so far.
        """
        wrong = ["no case has a finished round, see the log", *wrong]
        listed = "".join(f"- {escape_markdown(reason)}\n" for reason in wrong)
        files.write(self.folder / SUMMARY, f"**This night is not good:**\n\n{listed}".encode(), _HINT)
        files.write(self.folder / ISSUE, _issue(run, "", wrong, []).encode(), _HINT)
        return wrong

    def _compare(self, run: RunFolder) -> tuple[RunFolder | None, list[CaseChange], list[str]]:
        """The reference, the changes since, and the gates that fail; an unreadable reference counts as a failure."""
        try:
            reference = self.last_good()
            if reference is None:
                return None, [], []
            level = min(gate.level for gate in self.gates)
            found = compare_runs(
                RunResults.of(reference, read_results(reference)), RunResults.of(run, read_results(run)), level
            )
        except BenchsuiteError as error:
            return None, [], [f"the reference cannot be read: {error}"]
        return reference, found, [reason for gate in self.gates for reason in gate.falls(found)]


def _summary(run: RunFolder, reference: RunFolder | None, wrong: Sequence[str], notes: Sequence[str]) -> str:
    verdict = "**This night is not good:**\n\n" if wrong else "This night is good.\n\n"
    listed = "".join(f"- {escape_markdown(reason)}\n" for reason in (*wrong, *notes))
    return f"{render_markdown(collect_content([run], reference))}\n{verdict}{listed}"


def _issue(run: RunFolder, reference: str, wrong: Sequence[str], found: Sequence[CaseChange]) -> str:
    """Write an issue: a title, a blank line, and a body in Markdown."""
    changed = [change.label for change in found if any(reason.startswith(f"{change.label}:") for reason in wrong)]
    title = f"Nightly {run.path.name}: {', '.join(dict.fromkeys(changed)) or 'failed'}"
    listed = "".join(f"- {escape_markdown(reason)}\n" for reason in wrong)
    compared = f"\nCompared with `{reference}`, the last good night.\n" if reference else ""
    look = (
        f"benchsuite compare {RUNS}/{reference} {RUNS}/{run.path.name}"
        if reference
        else f"benchsuite report {run.path}"
    )
    return (
        f"{title}\n\n{listed}{compared}\nFor details, download the runs and run\n\n    {look}\n\nIf the change is"
        " intended, run the night with `--accept`, which makes it the reference of the next one.\n"
    )
