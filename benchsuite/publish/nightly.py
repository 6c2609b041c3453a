"""A night's work after the training: judge the timing, compare with the last good night, publish, and tell.

All of it lies in one folder: `runs/` with a run folder for every night, `site/`, `last-good` with the name of the run
that the next night is compared with, `summary.md`, and `issue.md` where something is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite.comparison import MISSING, CaseChange, Gate, RunResults, compare_runs
from benchsuite.errors import BenchsuiteError, StoreError
from benchsuite.publish.night import Night
from benchsuite.publish.site import Site
from benchsuite.report.html import collect_content, escape_markdown, render_markdown
from benchsuite.store import RunFolder, is_folder_name, make_folder, read_results
from benchsuite.system import files, load

RUNS, SITE, GOOD, SUMMARY, ISSUE = "runs", "site", "last-good", "summary.md", "issue.md"

#: What fails a night unless the user says so: a rate that dropped, or a speed that did, more surely.
GATES = ("rate:0.01", "speed:0.001")

#: On an accelerator, seeds of a case for each of its own.
SEEDS_ON_ACCELERATOR = 10

#: Rounds of each case, unless the user says so: with fewer, no rank test of six cases reaches the level of the gate.
ROUNDS = 10

_HINT = "make room, and run the night again"


@dataclass(frozen=True)
class NightResult:
    """How a night went.

    Args:
        wrong: sentences; none where all is well.
        page: the night's own page.
    """

    wrong: Sequence[str]
    page: Path


#: Seconds that a case may take, unless the user says so.
TIME_LIMIT = 3600


@dataclass(frozen=True)
class Nights:
    """A folder of nights.

    Args:
        folder: where they lie.
        gates: what must not have dropped since the last good one.
        accept: whether the next night is compared with this one whatever the gates say.
        partial: whether only some of the cases are to run, so that others may be missing.
    """

    folder: Path
    gates: Sequence[Gate]
    accept: bool = False
    partial: bool = False

    def begin(self) -> Path:
        """Take away what the night before told, and make a run folder for this one.

        Raises:
            StoreError: it cannot be made.
        """
        for told in (SUMMARY, ISSUE):
            try:
                (self.folder / told).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{self.folder / told} cannot be taken away: {error.strerror}", _HINT) from error
        return make_folder(self.folder / RUNS)

    def last_good(self) -> RunFolder | None:
        """The run to compare with; nothing before the first good night.

        Raises:
            StoreError: it is damaged or gone.
        """
        pointer = self.folder / GOOD
        try:
            name = files.read(pointer).decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{pointer} cannot be read: {error.strerror}", "take it away to begin anew") from error
        if not is_folder_name(name):
            raise StoreError(
                f"{pointer} names {name[:80]!r}, which holds no run", "write the name of a good night into it"
            )
        return RunFolder(self.folder / RUNS / name)

    def finish(self, run: RunFolder, before: Mapping[str, Any], wrong: Sequence[str] = ()) -> NightResult:
        """Bring a night to its end.

        Args:
            run: with rows in it.
            before: the state of the machine as it began, see `load.measure_load`.
            wrong: what has gone wrong so far.

        Raises:
            BenchsuiteError: the site is damaged, or something cannot be written.
        """
        after = load.measure_load()
        run.write_load(before, after, load.timing_warnings(before, after, run.machine["platform"]))
        reference, found, fallen = self._compare(run)
        missing = [change.label for change in found if change.rate_incomparable == MISSING]
        wrong = [*wrong, *fallen]
        name = reference.path.name if reference else ""
        if missing and not self.partial:
            wrong.append(f"missing since {name}: {', '.join(missing)}")
        Site.publish(self.folder / SITE, [run])
        notes = [note for gate in self.gates if (note := gate.blind(found))]
        notes += [f"the timing is in doubt: {doubt}" for doubt in run.timing_warnings]
        files.write(self.folder / SUMMARY, _summary(run, reference, wrong, notes).encode(), _HINT)
        if wrong:
            files.write(self.folder / ISSUE, _issue(run, name, wrong, found).encode(), _HINT)
        # A doubtful timing or a part of the cases is no reference: what changed that night would never be seen.
        whole = reference is None or not (run.timing_warnings or missing)
        if self.accept or (whole and not wrong):
            files.write(self.folder / GOOD, f"{run.path.name}\n".encode(), _HINT)
        return NightResult(wrong, self.folder / SITE / Night.of(run, read_results(run)).page)

    def fail(self, run: RunFolder, wrong: Sequence[str]) -> list[str]:
        """Bring a night to its end of which there is nothing to publish; gives what is wrong.

        Args:
            run: without rows.
            wrong: what has gone wrong.
        """
        wrong = ["no case has a finished round, see the log", *wrong]
        listed = "".join(f"- {escape_markdown(reason)}\n" for reason in wrong)
        files.write(self.folder / SUMMARY, f"**This night is not good:**\n\n{listed}".encode(), _HINT)
        files.write(self.folder / ISSUE, _issue(run, "", wrong, []).encode(), _HINT)
        return wrong

    def _compare(self, run: RunFolder) -> tuple[RunFolder | None, list[CaseChange], list[str]]:
        """The reference, what has changed since, and which gates fall; one that cannot be read is as bad as a drop."""
        try:
            reference = self.last_good()
            if reference is None:
                return None, [], []
            level = min(gate.level for gate in self.gates)
            found = compare_runs(
                RunResults.of(reference, read_results(reference)), RunResults.of(run, read_results(run)), level
            )
        except BenchsuiteError as error:
            return None, [], [f"there is nothing to compare with: {error}"]
        return reference, found, [reason for gate in self.gates for reason in gate.falls(found)]


def _summary(run: RunFolder, reference: RunFolder | None, wrong: Sequence[str], notes: Sequence[str]) -> str:
    verdict = "**This night is not good:**\n\n" if wrong else "This night is good.\n\n"
    listed = "".join(f"- {escape_markdown(reason)}\n" for reason in (*wrong, *notes))
    return f"{render_markdown(collect_content([run], reference))}\n{verdict}{listed}"


def _issue(run: RunFolder, reference: str, wrong: Sequence[str], found: Sequence[CaseChange]) -> str:
    """A title, a blank line, and a body in Markdown."""
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
        f"{title}\n\n{listed}{compared}\nWith the runs at hand, look closer with\n\n    {look}\n\nIf the change is"
        " meant, run the night with `--accept`: the next one is then compared with it.\n"
    )
