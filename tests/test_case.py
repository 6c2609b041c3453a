"""What a plugin supplies is checked where it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optax
import pytest
from toys import line, line_table, noisy_line

from benchsuite import CaseError, Claim, Criterion, Download, Schedule, Stream


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Schedule, "steps=None and epochs=None"),
        (lambda: Schedule(steps=10, epochs=10), "only one of them"),
        (lambda: Schedule(steps=0), "length is 0"),
        (lambda: Schedule(steps=10.0), "length is 10.0"),  # type: ignore[arg-type]
        (lambda: Schedule(steps=10, evaluate_every=3), "every 3 of 10 steps"),
        (lambda: Schedule(steps=10, seeds=0), "seeds is 0"),
        (lambda: Criterion("r2"), "exactly one"),
        (lambda: Criterion("r2", at_least=0.9, at_most=1), "exactly one"),
        (lambda: Criterion("r2", at_least=float("nan")), "bound nan"),
        (lambda: Criterion("r2", at_least="high"), "bound 'high'"),  # type: ignore[arg-type]
        (lambda: line(claims=["half fail"]), "'half fail' among its claims"),
        (lambda: line(metrics={"worst": 3}), "worst is not callable"),
        (lambda: line_table(prepare=None), "prepare is not a function"),
        (lambda: Claim("all fail", failure_rate=100), "between 0 and 1"),
        (lambda: Stream(noisy_line, batch_size=0), "batch_size is 0"),
        (lambda: Stream(None, batch_size=1), "draw is not a function"),  # type: ignore[arg-type]
        (lambda: line_table(batch_size=-1), "batch_size is -1"),
        (lambda: Download((), {}), "mirrors is empty"),
        (lambda: Download(("https://example.org/",), {"../escape": ""}), r"\.\./escape"),
        (lambda: line(name="no spaces"), "no spaces"),
        (lambda: line(name="../../escape"), "escape"),
        (lambda: line(name=None), "None"),
        (lambda: line(summary=None), "summary is a NoneType"),
        (lambda: line(model="Linear"), "model is not callable"),
        (lambda: line(dataset=[1, 2, 3]), "give Stream or Table"),
        (lambda: line(optimizer=optax.sgd), "optax.sgd"),
        (lambda: line(schedule=100), "schedule is a int"),
        (lambda: line(schedule=Schedule(epochs=3)), "scheduled in steps, not epochs"),
        (lambda: line(dataset=line_table()), "scheduled in epochs, not steps"),
        (lambda: line(quick=Schedule(epochs=3)), "scheduled in steps, not epochs"),
        (lambda: line(criterion=Criterion("r3", at_least=1)), "did you mean r2"),
    ],
)
def test_mistake_is_told_where_it_was_made(make: Callable[[], Any], said: str) -> None:
    """A wrong field is refused with a sentence and a hint."""
    with pytest.raises(CaseError, match=said) as caught:
        make()

    assert caught.value.hint


def test_case_records_loss_and_r2_beside_its_own_metrics() -> None:
    """Every case has the same two metrics, so that cases can be compared."""
    assert set(line(metrics={"worst": lambda p, y: abs(p - y).max()}).all_metrics) == {"loss", "r2", "worst"}


def test_criterion_reads_like_what_it_means() -> None:
    """The criterion is shown as a formula."""
    assert str(Criterion("r2", at_least=0.99)) == "r2 ≥ 0.99"
    assert str(Criterion("loss", at_most=1e-3)) == "loss ≤ 0.001"
