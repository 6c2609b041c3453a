"""Train every registered case from many random starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchsuite.case import Case
    from benchsuite.results import Summary


def test_training(registered_case: Case, bench: Callable[[Case], list[Summary]]) -> None:
    """Train and time all seeds of a case, and record their outcomes."""
    bench(registered_case)
