"""Of many random starts, how many trainings of a small network succeed, how do the others fail, and how fast is it?

These are the functions of the library, and the names that a plugin needs. Each is imported when it is first used. JAX
is imported with the first plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchsuite.api import BoardResults, CaseResult, Results, board, cases, check, load, run, treatments, versus
    from benchsuite.case import (
        Bound,
        Case,
        Claim,
        Criterion,
        Diagnostic,
        Download,
        Ends,
        FailureRate,
        Figure,
        Landscape,
        Measure,
        Optimizer,
        Player,
        Schedule,
        Split,
        Stream,
        Table,
        accuracy,
        binary_accuracy,
        largest_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        r2,
    )
    from benchsuite.errors import BenchsuiteError, BenchsuiteWarning, CaseError, DataError, DoesNotApply
    from benchsuite.plugins import RunObserver, hookimpl
    from benchsuite.store import Frame
    from benchsuite.variants import Ladder, Treatment

    __version__: str

__all__ = [
    "BenchsuiteError",
    "BenchsuiteWarning",
    "BoardResults",
    "Bound",
    "Case",
    "CaseError",
    "CaseResult",
    "Claim",
    "Criterion",
    "DataError",
    "Diagnostic",
    "DoesNotApply",
    "Download",
    "Ends",
    "FailureRate",
    "Figure",
    "Frame",
    "Ladder",
    "Landscape",
    "Measure",
    "Optimizer",
    "Player",
    "Results",
    "RunObserver",
    "Schedule",
    "Split",
    "Stream",
    "Table",
    "Treatment",
    "accuracy",
    "binary_accuracy",
    "board",
    "cases",
    "check",
    "hookimpl",
    "largest_error",
    "load",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "r2",
    "run",
    "treatments",
    "versus",
]

#: Where the names are found that are not in `benchsuite.case`.
_ELSEWHERE = {
    **dict.fromkeys(
        ("BoardResults", "CaseResult", "Results", "board", "cases", "check", "load", "run", "treatments", "versus"),
        "benchsuite.api",
    ),
    "BenchsuiteError": "benchsuite.errors",
    "BenchsuiteWarning": "benchsuite.errors",
    "CaseError": "benchsuite.errors",
    "DataError": "benchsuite.errors",
    "DoesNotApply": "benchsuite.errors",
    "Ladder": "benchsuite.variants",
    "Frame": "benchsuite.store",
    "RunObserver": "benchsuite.plugins",
    "Treatment": "benchsuite.variants",
    "hookimpl": "benchsuite.plugins",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        return import_module("importlib.metadata").version("benchsuite")
    if name not in __all__:
        raise AttributeError(f"module 'benchsuite' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "benchsuite.case")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
