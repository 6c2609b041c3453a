"""The conformance kit: test whether a case keeps every promise that all cases must keep.

In the tests of a plugin::

    from benchsuite.testing import check_case

    def test_case_keeps_the_contract():
        check_case(my_case)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError, CaseError, wrap_errors
from benchsuite.execution.executors import Job, plan_in_subprocess
from benchsuite.plugins import load_registry
from benchsuite.results import Plan
from benchsuite.settings import TrainingSettings
from benchsuite.system import compat, machine, process
from benchsuite.testing import contract, controls
from benchsuite.testing.kit import Kit, NotCheckedError

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"

#: Seconds that the checks of a case may take, unless --time-limit is given.
TIME_LIMIT = 900

_FIRST = "contract"

#: Every promise by name, in the order in which they are checked. Without the first one, no other can be checked.
PROMISES: dict[str, Callable[[Kit], str]] = {
    _FIRST: contract.check_contract,
    "description": contract.check_description,
    "shapes": contract.check_shapes,
    "purity": contract.check_purity,
    "independent seeds": contract.check_independence,
    "no recompilation": contract.check_recompilation,
    "NaN is seen": controls.check_nan,
    "start is no solution": controls.check_start,
    "null control": controls.check_null,
    "constant control": controls.check_constant,
    "oracle control": controls.check_oracle,
    "cost": contract.report_cost,
}


class CheckResult(NamedTuple):
    """The result of checking one promise.

    Args:
        name: the promise.
        verdict: "passed", "failed" or "not checked".
        found: what was observed.
        hint: what to change, if the check failed.
    """

    name: str
    verdict: str
    found: str
    hint: str = ""


class NotConformingError(AssertionError):
    """A case breaks promises that every case must keep; the message lists them with what to change."""


def check_case(case: Case, settings: TrainingSettings | None = None) -> list[CheckResult]:
    """Check that a case keeps every promise.

    The checks run in this process, without a time limit; `benchsuite check` has one.

    Args:
        case: the case as its plugin supplies it; if it is installed, another process makes it too, to compare the two.
        settings: options of the training, such as the data folder.

    Returns:
        The result of every check, in the order of `PROMISES`.

    Raises:
        NotConformingError: a check failed.
    """
    found = find_results(case, settings or TrainingSettings())
    failed = [check for check in found if check.verdict == FAILED]
    if failed:
        lines = "\n".join(f"- {check.name}: {check.found}\n  try: {check.hint}" for check in failed)
        raise NotConformingError(f"case {case.name} fails {len(failed)} of {len(found)} checks:\n{lines}")
    return found


def find_results(case: Case, settings: TrainingSettings) -> list[CheckResult]:
    """Check every promise of a case in this process, as `check_case` does, and return all results."""
    kit = Kit(case, settings, _planned_if_installed)
    return list(_one_by_one(lambda name: _try(name, kit)))


def run_checks(job: Job, on_check: Callable[[str], None] = lambda _: None) -> Iterator[CheckResult]:
    """Check every promise in a child process with a time limit.

    Args:
        job: the case, as its plugin supplies it, and the options of the training.
        on_check: called with each promise before it is checked.
    """
    limit = job.settings.time_limit or TIME_LIMIT
    on_check("another process")
    elsewhere = plan_in_subprocess(job, limit)
    child = process.ChildProcess(f"case {job.name}", partial(_checking, job, elsewhere), limit)
    try:
        yield from _one_by_one(partial(child.call, "try"), on_check)
    finally:
        child.stop()


def _one_by_one(
    attempt: Callable[[str], CheckResult], on_check: Callable[[str], None] = lambda _: None
) -> Iterator[CheckResult]:
    """Check the promises in turn, until nothing more can be checked."""
    why = ""
    for name in PROMISES:
        on_check(name)
        if why:
            yield CheckResult(name, NOT_CHECKED, why)
            continue
        try:
            check = attempt(name)
        except BenchsuiteError as error:  # of the child process
            check, why = CheckResult(name, FAILED, error.message, error.hint), "its process has ended"
        yield check
        if name == _FIRST and check.verdict == FAILED:
            why = "it cannot be trained"


def _try(name: str, kit: Kit) -> CheckResult:
    hint = "call the case's functions by hand on a batch"
    try:
        with (
            machine.restore_settings(f"case {kit.case.name}"),
            wrap_errors(lambda raised: CaseError(raised, hint)),
            compat.wide_numbers(kit.dtype),
        ):
            found = PROMISES[name](kit)
    except NotCheckedError as reason:
        return CheckResult(name, NOT_CHECKED, reason.message, reason.hint)
    except BenchsuiteError as error:
        return CheckResult(name, FAILED, error.message, error.hint)
    return CheckResult(name, PASSED, found)


def _checking(job: Job, elsewhere: Plan | None, _: process.Notify) -> Mapping[str, Callable[..., CheckResult]]:
    """The handlers of the child process that runs the checks."""
    kit = Kit(job.registry().case(job.name), job.settings, lambda _: elsewhere)
    return {"try": lambda name: _try(name, kit)}


def _planned_if_installed(kit: Kit) -> Plan | None:
    """Plan a case in another process; None where no plugin supplies the same case."""
    from benchsuite.engine import Problem, make_plan

    supplied = load_registry().cases.get(kit.case.name)
    if supplied is None:
        return None
    plan = make_plan(Problem.load(supplied, kit.settings), kit.settings, kit.device)
    return plan_in_subprocess(Job.of(supplied, kit.settings), TIME_LIMIT) if plan == kit.plan else None
