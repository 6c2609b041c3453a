"""The conformance kit finds what is wrong with a case, and says what to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from toys import line

from benchsuite import Case, CaseError
from benchsuite.engine.ensemble import Ensemble
from benchsuite.settings import TrainingSettings
from benchsuite.testing import checks as testing
from benchsuite.testing.audit import AGAIN, Audit, AuditResult
from benchsuite.testing.checks import PROMISES, NotConformingError, check_case
from benchsuite.testing.kit import Kit


def kept(promise: str, case: Case) -> str:
    """What one promise finds."""
    return PROMISES[promise](Kit(case, TrainingSettings()))


def test_recompiling_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program for every chunk would be found."""
    train = Ensemble.train

    def recompiling(self: Ensemble, seeds: np.ndarray) -> Any:
        jax.jit(lambda x: x + seeds[-1])(1.0)
        return train(self, seeds)

    monkeypatch.setattr(Ensemble, "train", recompiling)
    with pytest.raises(CaseError, match=r"a second chunk compiles [1-9]"):
        kept("no recompilation", line())


def test_rounding_is_told_but_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the order of sums changes is not in the hands of an author, as long as no seed ends otherwise."""
    found = AuditResult("each alone", seeds=16, outcomes=0, figures=1, of=14, largest=1e-7, where="final.r2")
    monkeypatch.setattr(Audit, "findings", lambda self: iter([found]))

    assert "to rounding (final.r2, each alone, by 1e-07)" in kept("purity", line())
    for worse in (replace(found, outcomes=1), replace(found, way=AGAIN)):
        monkeypatch.setattr(Audit, "findings", lambda self, worse=worse: iter([worse]))
        with pytest.raises(CaseError, match=r"final\.r2 by 1e-07"):
            kept("purity", line())


def test_whatever_a_promise_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of any kind is a failed check, and the next one is tried."""

    def fail(_: Any) -> str:
        raise RuntimeError("no such luck\nat all")

    few = {"contract": lambda _: "", "cost": fail, "shapes": lambda _: "all is well"}
    monkeypatch.setattr(testing, "PROMISES", few)
    with pytest.raises(NotConformingError, match=r"fails 1 of 3 checks:\n- cost: RuntimeError: no such luck\n  try: "):
        check_case(line())


def test_case_that_cannot_be_trained_is_told_once() -> None:
    """All other promises are not tried then."""
    with pytest.raises(NotConformingError, match=r"fails 1 of 12 checks:\n- contract: .*\n  try: "):
        check_case(line(model=lambda rngs: nnx.Linear(1, 2, rngs=rngs)))
