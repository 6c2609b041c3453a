"""The conformance kit finds what is wrong with a case, and says what to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from toys import line, trace

from benchsuite import Case, CaseError, Criterion, Schedule, Split, Stream, Table
from benchsuite.engine.ensemble import Ensemble
from benchsuite.results.seeds import SeedTable
from benchsuite.settings import TrainingSettings
from benchsuite.testing import checks as testing
from benchsuite.testing.audit import AGAIN, Audit, AuditResult, compare_seeds
from benchsuite.testing.checks import PROMISES, NotConformingError, check_case
from benchsuite.testing.kit import Kit, NotCheckedError


def kept(promise: str, case: Case) -> str:
    """What one promise finds."""
    return PROMISES[promise](Kit(case, TrainingSettings()))


def test_recompiling_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program for every block would be found."""
    train = Ensemble.train

    def recompiling(self: Ensemble, seeds: np.ndarray) -> Any:
        jax.jit(lambda x: x + seeds[-1])(1.0)
        return train(self, seeds)

    monkeypatch.setattr(Ensemble, "train", recompiling)
    with pytest.raises(CaseError, match=r"a second block compiles [1-9]"):
        kept("no recompilation", line())


def test_rounding_is_told_but_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the order of sums changes is not in the hands of an author, as long as no seed ends otherwise."""
    found = AuditResult("each alone", seeds=16, outcomes=0, figures=1, of=14, largest=1e-7, where="final.r2")
    monkeypatch.setattr(Audit, "findings", lambda self: iter([found]))

    assert "to rounding (final.r2, each alone, by 1e-07)" in kept("purity", line())
    for worse in (replace(found, outcomes=1), replace(found, way=AGAIN), replace(found, beyond_rounding=1)):
        monkeypatch.setattr(Audit, "findings", lambda self, worse=worse: iter([worse]))
        with pytest.raises(CaseError, match=r"final\.r2 by 1e-07"):
            kept("purity", line())


@pytest.mark.parametrize(
    ("column", "value", "beyond"),
    [
        ("r2", 0.5 + 1e-7, 0),
        ("r2", 0.51, 1),
        ("r2", np.nan, 1),
        ("loss", 0.5 * (1 + 1e-5), 0),
        ("tiny", 2e-9, 0),
        ("tiny", 1e-5, 1),
    ],
)
def test_difference_beyond_rounding_is_counted(column: str, value: float, beyond: int) -> None:
    """A figure may differ by a thousandth of its size, or of 0.001 where it is smaller."""

    def table(**changed: float) -> SeedTable:
        figures = {"loss": 0.5, "r2": 0.5, "largest_error": 0.7, "tiny": 1e-9} | changed
        course = trace([[0.0, 0.5]], metrics={name: np.array([[0.0, last]]) for name, last in figures.items()})
        return SeedTable.from_trace(course, line(), [], {})

    assert compare_seeds("each alone", table(**{column: value}), table()).beyond_rounding == beyond


def share_right(prediction: Any, target: Any) -> Any:
    """The share of examples on the right side of one half."""
    return ((prediction > 1 / 2) == (target > 1 / 2)).mean()


def rare(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """A class that 2 % of the examples have."""
    x = jax.random.uniform(key, (n, 1))
    return x, (x < 0.02).astype(x.dtype)


ACCURATE = Criterion("right", at_least=0.95)

EASY: dict[str, tuple[dict[str, Any], str]] = {
    "rare class": (
        {"dataset": Stream(rare, 8, 256), "metrics": {"right": share_right}, "criterion": ACCURATE},
        "the mean of the targets, predicted for every input, meets right ≥ 0.95",
    ),
    "loss above the variance": (
        {"criterion": Criterion("loss", at_most=20)},
        "the mean of the targets, predicted for every input, meets loss ≤ 20",
    ),
    "absolute error above that of the median": (
        {
            "dataset": Stream(
                lambda key, n: (jnp.ones((n, 1)), 50 * jnp.exp(3 * jax.random.normal(key, (n, 1)))), 8, 256
            ),
            "metrics": {"relative": lambda p, y: jnp.log(jnp.maximum(p / y, y / p)).mean()},
            "criterion": Criterion("relative", at_most=3),
        },
        "the median of the targets, predicted for every input",
    ),
}


@pytest.mark.parametrize(("fields", "said"), EASY.values(), ids=EASY)
def test_criterion_that_a_constant_meets_is_found(fields: dict[str, Any], said: str) -> None:
    """The check names the constant, and so does the plan."""
    with pytest.raises(CaseError, match=said):
        kept("constant control", line(**fields))

    assert Kit(line(**fields), TrainingSettings()).plan.constant_meets in said


def test_criterion_that_no_constant_meets_is_sound() -> None:
    """R² of a constant is at most 0, and a class of a half is right by half."""
    halves = Stream(lambda key, n: (x := jax.random.normal(key, (n, 1)), (x > 0).astype(x.dtype)), 8, 256)

    assert kept("constant control", line()) == "no constant prediction meets r2 ≥ 0.99"
    assert kept("constant control", line(dataset=halves, metrics={"right": share_right}, criterion=ACCURATE))


def test_metric_that_refuses_constants_is_not_checked() -> None:
    """A metric may hold for predictions of models alone; then nothing is said."""

    def fussy(prediction: Any, target: Any) -> Any:
        if not isinstance(prediction, jax.core.Tracer):
            raise TypeError("no such prediction")
        return abs(prediction - target).mean()

    case = line(metrics={"fussy": fussy}, criterion=Criterion("fussy", at_most=0.1))

    assert Kit(case, TrainingSettings()).plan.constant_meets == ""
    with pytest.raises(NotCheckedError, match="no such prediction"):
        kept("constant control", case)


def test_targets_without_variance_need_another_metric() -> None:
    """R² has no value there, which is said before anything is trained; the loss has one."""
    flat = {"dataset": Stream(lambda key, n: (jax.random.normal(key, (n, 1)), jnp.ones((n, 1))), 8, 16)}

    with pytest.raises(CaseError, match="r2 has no value, as the targets") as caught:
        kept("contract", line(**flat))
    assert "Criterion" in caught.value.hint
    assert kept("contract", line(**flat, criterion=Criterion("loss", at_most=1e-4)))


@pytest.mark.parametrize(
    ("rows", "batch_size", "said"),
    [
        (1, 1, "all train on the same row"),
        (4, 4, "the same batch of all rows"),
        (9, 4, "the same rows, in another order"),
    ],
)
def test_data_of_seeds_are_only_said_to_differ_where_they_do(rows: int, batch_size: int, said: str) -> None:
    """Seeds of a table share its rows; of one row not even the order differs."""
    x = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    split = Split((x[:rows], 3 * x[:rows]), (x, 3 * x))
    case = line(dataset=Table("points", lambda files: split, batch_size), schedule=Schedule(epochs=4))

    assert said in kept("independent seeds", case)


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
