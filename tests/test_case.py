"""What a plugin supplies is checked where it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toys import line, line_table, noisy_line

from benchsuite import (
    Bound,
    CaseError,
    Claim,
    Criterion,
    Diagnostic,
    Download,
    Ends,
    FailureRate,
    Figure,
    Landscape,
    Schedule,
    Stream,
    case,
    settings,
)


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
        (lambda: Criterion("r2", at_least=1, when="first"), "when='first'"),  # type: ignore[arg-type]
        (lambda: line(claims=["half fail"]), "'half fail' among its claims"),
        (lambda: line(metrics={"worst": 3}), "worst is not callable"),
        (lambda: line_table(prepare=None), "prepare is not a function"),
        (lambda: Claim("all fail", FailureRate(equals=100)), "from 0 to 1"),
        (FailureRate, "0 numbers"),
        (lambda: FailureRate(equals=0.5, at_most=1), "2 numbers"),
        (lambda: FailureRate(equals=0.5, failed=1, of=2), "a count and a share"),
        (lambda: FailureRate(failed=21), "failed=21, of=None"),
        (lambda: FailureRate(failed=51, of=50), "failed=51, of=50"),
        (lambda: FailureRate(failed=0, of=0), "failed=0, of=0"),
        (lambda: FailureRate(failed=2.5, of=50), "failed=2.5"),  # type: ignore[arg-type]
        (lambda: Figure("loss", 1.0, spread=-1.0), "the spread -1.0"),
        (lambda: Figure("loss", 1.0, of_runs=0), "is of 0 runs"),
        (lambda: Figure("loss", 1.0, spread=0.1, of_runs=1), "is of 1 runs"),
        (lambda: Bound("r2"), "has no bound"),
        (lambda: Bound("r2", at_most=float("nan")), "nan"),
        (lambda: Figure("loss", "high"), "'high'"),  # type: ignore[arg-type]
        (lambda: Claim("all fail", 1.0), "checked by 1.0"),  # type: ignore[arg-type]
        (lambda: line(claims=[Claim("half fail", FailureRate(equals=0.5, among="w<0"))]), "is about the group 'w<0'"),
        (lambda: line(claims=[Claim("it is stuck", Ends("red", converges=False))]), "is about the start 'red'"),
        (lambda: line(starts={"red": {"w": "far"}}), "its starts contain {'w': 'far'}"),
        (lambda: line(diagnostics=[Diagnostic("width", "of it", of_data=len)] * 2), "duplicate names"),
        (lambda: Bound("r2", at_least=5, at_most=1), "smaller as at_least"),
        (lambda: line(groups={"w < 0": -1}), "w < 0 is not callable"),
        (lambda: line(diagnostics=[len]), "among its diagnostics"),
        (lambda: Diagnostic("width", "of the net"), "0 functions"),
        (lambda: Diagnostic("width", "", of_data=len), "the reading of diagnostic 'width' is ''"),
        (lambda: Diagnostic("wid\0th", "Of the net.", of_data=len), "a diagnostic's name is"),
        (lambda: Claim(5, FailureRate(equals=0.5)), "a claim is 5"),  # type: ignore[arg-type]
        (lambda: Claim("Half fail.", FailureRate(equals=0.5), None), "the source of the claim"),  # type: ignore[arg-type]
        (lambda: line(metrics={"\ud800": len}), "a name among its metrics is"),
        (lambda: Landscape(ranges={"w": (1, -1)}), "range of w is 1 to -1"),
        (lambda: Landscape(basins={"w": (-1, 1)}), "have 1 parameters"),
        (lambda: line(landscape=(-1, 1)), "landscape is a tuple"),
        (lambda: Stream(noisy_line, batch_size=0), "batch_size is 0"),
        (lambda: Stream(None, batch_size=1), "draw is not a function"),  # type: ignore[arg-type]
        (lambda: line_table(batch_size=-1), "batch_size is -1"),
        (lambda: Download((), {}), r"mirrors is \(\)"),
        (lambda: Download("http://example.org/", {}), "mirrors is 'http"),
        (lambda: Download(["http://example.org"], {}), "give a base address"),
        (lambda: Download(("https://example.org/",), {"../escape": ""}), r"\.\./escape"),
        (lambda: line(name="no spaces"), "no spaces"),
        (lambda: line(name="../../escape"), "escape"),
        (lambda: line(name=None), "None"),
        (lambda: line(summary=None), "summary is None"),
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


def test_case_records_standard_metrics_beside_its_own() -> None:
    """Every case has the same three metrics, so that cases can be compared."""
    assert set(line(metrics={"worst": lambda p, y: abs(p - y).max()}).all_metrics) == {
        "loss",
        "r2",
        "largest_error",
        "worst",
    }


def test_criterion_reads_like_what_it_means() -> None:
    """The criterion is shown as a formula."""
    assert str(Criterion("r2", at_least=0.99)) == "r2 ≥ 0.99"
    assert str(Criterion("loss", at_most=1e-3)) == "loss ≤ 0.001"
    assert str(Criterion("r2", at_least=0.99, when="ever")) == "r2 ≥ 0.99 at any evaluation"
    assert str(Criterion("r2", at_least=0.99, when="best")) == "r2 ≥ 0.99 at the best evaluation"


def test_criteria_with_other_bounds_have_other_texts() -> None:
    """Plans compare the text, so that it has every digit that counts."""
    assert str(Criterion("accuracy", at_least=0.9999999)) == "accuracy ≥ 0.9999999"


#: Largest number of examples of which a share is judged on all counts.
EXAMPLES = 10_000


def float32_shares(k: int, n: int) -> np.ndarray:
    """K of n as XLA may compute it: divided by n, or multiplied by 1/n."""
    return np.array([np.float32(k) / np.float32(n), np.float32(k) * (np.float32(1) / np.float32(n))], np.float32)


def test_all_of_any_number_of_examples_are_all() -> None:
    """Accuracy 1 is met by n of n for every n to 10,000."""
    shares = np.stack([float32_shares(n, n) for n in range(1, EXAMPLES + 1)])

    assert Criterion("accuracy", at_least=1.0).holds(shares).all()
    assert not Criterion("accuracy", at_least=1.0).holds(np.float32([1 - 1 / EXAMPLES])).any()


def test_share_in_float32_meets_the_bound_of_the_same_count() -> None:
    """K of n meet k/n, and k - 1 of n do not: one count of every n to 10,000, and all counts of some n."""
    one_of_each = [(n - n // 10, n) for n in range(1, EXAMPLES + 1)]
    all_of_some = [(k, n) for n in (41, 97, 500) for k in range(1, n + 1)]
    for k, n in one_of_each + all_of_some:
        reached = Criterion("accuracy", at_least=k / n)
        assert reached.holds(float32_shares(k, n)).all()
        assert Criterion("error", at_most=k / n).holds(float32_shares(k, n)).all()
        assert not reached.holds(float32_shares(k - 1, n)).any()


def test_share_of_all_under_jit_is_one() -> None:
    """The float32 mean of 41 Trues is 0.99999994 under XLA, and yet all of them."""
    shares = np.array([jax.jit(jnp.mean)(jnp.ones(n, bool)) for n in (41, 47, 55)])

    assert Criterion("accuracy", at_least=1.0).holds(shares).all()


def test_measures_of_regression_have_no_tolerance() -> None:
    """They are no shares: R² just below its bound is below it, as it always was."""
    below = np.nextafter(np.float32([0.99]), 0, dtype=np.float32)

    assert not Criterion("r2", at_least=0.99).holds(below).any()
    assert Criterion("accuracy", at_least=0.99).holds(below).all()


def test_data_are_never_called_lambda() -> None:
    """Functions without a name have none in the label."""
    assert Stream(lambda key, n: noisy_line(key, n + 0), batch_size=1).name == "data"
    assert Stream(lambda key, n: noisy_line(key, n + 0), batch_size=1, prepare=len).name == "len"  # type: ignore[arg-type]
    assert Stream(noisy_line, batch_size=1, prepare=lambda rows: rows).name == "noisy_line"


def test_settings_name_the_types_of_numbers_that_a_case_may_have() -> None:
    """They are written down twice, so that pytest without a case imports settings alone."""
    assert settings.DTYPES == case.DTYPES
