"""The conformance kit finds what is wrong with a case, and says what to change."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from flax import nnx
from toys import line, line_table, noisy_line

from benchsuite import Case, Criterion, Schedule, Stream
from benchsuite.settings import Settings
from benchsuite.testing import FAILED, NOT_CHECKED, PROMISES, NotConformingError, _Kit, check_case

SOLUTION = {"bias[0]": 1.0, "kernel[0, 0]": 3.0}


def kept(promise: str, case: Case) -> str:
    """What one promise finds."""
    return PROMISES[promise](_Kit(case, Settings()))


def test_sound_case_keeps_everything() -> None:
    """Every promise is tried, and a case that keeps them passes."""
    found = check_case(line(solution=SOLUTION))

    assert [check.name for check in found] == list(PROMISES)
    assert {check.verdict for check in found} == {"passed"}


def test_table_keeps_everything_but_a_solution() -> None:
    """A finite dataset is tried as well; a promise that cannot be tried is said not to be."""
    found = {check.name: check for check in check_case(line(dataset=line_table(), schedule=Schedule(epochs=4)))}

    assert found.pop("oracle control").verdict == NOT_CHECKED
    assert {check.verdict for check in found.values()} == {"passed"}


NUMBERS = itertools.count()


def impure(key: Any, n: int) -> Any:
    """Other data whenever it is called."""
    x, y = noisy_line(key, n)
    return x, y + next(NUMBERS)


def same_for_all(key: Any, n: int) -> Any:
    """The same data for every seed."""
    del key
    return noisy_line(jax.random.key(0), n)


def infinite(key: Any, n: int) -> Any:
    """Data that are no numbers."""
    x, y = noisy_line(key, n)
    return x, y / 0


class Learner(nnx.Module):
    """Knows the solution as soon as it has seen a batch, whatever the optimiser does."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(1, 1, rngs=rngs)
        self.seen = nnx.BatchStat(jnp.zeros(()))
        self.use_running_average = False  # as flax calls it, which sets it for evaluation

    def __call__(self, x: Any) -> Any:
        seen = self.seen[...]
        if not self.use_running_average:
            self.seen[...] = jnp.ones(())
        return self.linear(x) * (1 - seen) + (3 * x + 1) * seen


def hidden(prediction: Any, target: Any) -> Any:
    """An error that is small where the prediction is not a number."""
    return jnp.nan_to_num(abs(prediction - target).mean())


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no sentence": ("contract", {"summary": "A line"}, "its summary is 'A line'"),
    "no source": ("contract", {"source": " "}, "it names no source"),
    "infinite": ("shapes", {"dataset": Stream(infinite, 8, 16)}, "its targets are not all finite"),
    "impure": ("purity", {"dataset": Stream(impure, 8, 16)}, "another program when they are called again"),
    "same data": ("independent seeds", {"dataset": Stream(same_for_all, 8, 16)}, "all seeds see the same data"),
    "same start": (
        "independent seeds",
        {"model": lambda rngs: nnx.Linear(1, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)},
        "all seeds start alike",
    ),
    "hidden NaN": (
        "NaN is seen",
        {"metrics": {"hidden": hidden}, "criterion": Criterion("hidden", at_most=1.0)},
        "hidden is finite where the prediction is NaN",
    ),
    "easy": ("start is no solution", {"criterion": Criterion("r2", at_least=-1e9)}, "64 of 64 random starts"),
    "learns without": ("null control", {"model": Learner}, "with a learning rate of 0, 16 of 16 seeds"),
    "no solution": (
        "oracle control",
        {"solution": SOLUTION | {"bias[0]": 5.0}},
        "its solution does not meet r2 ≥ 0.99",
    ),
}


@pytest.mark.parametrize(("promise", "fields", "said"), BROKEN.values(), ids=BROKEN)
def test_broken_promise_is_told(promise: str, fields: dict[str, Any], said: str) -> None:
    """Each promise can be broken, and is then told with what to change."""
    with pytest.raises(Exception, match=said) as caught:
        kept(promise, line(**fields))

    assert caught.value.hint  # type: ignore[attr-defined]


def test_case_that_cannot_be_trained_is_told_once() -> None:
    """All other promises are not tried then."""
    with pytest.raises(NotConformingError, match=r"fails 1 of 10 checks:\n- contract: .*\n  try: "):
        check_case(line(model=lambda rngs: nnx.Linear(1, 2, rngs=rngs)))


def test_check_command(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """A plugin's cases are tried by its name; the exit code says whether all is well."""
    bad = "summary='A line'"
    install_plugin("bad", LINE + SUPPLY.replace("line()", f"line('bad-line', {bad})"))

    code, out, _ = benchsuite("check", "bad")

    assert code == 1
    assert "bad-line" in out
    assert "its summary is 'A line'" in out
    assert "try: write a sentence" in out
    assert FAILED in out
    assert benchsuite("check", "nobody")[0] == 2


def test_audit_command(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds are trained in every way, and nothing differs; if something does, it is counted."""
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")

    assert code == 0
    assert "every seed ends the same to the last bit" in out
    assert "each alone          7               0" in out

    from benchsuite.audit import Audit

    train = Audit._train_alone

    def spoilt(self: Audit) -> Any:
        trace = train(self)
        trace.metrics["r2"][2, -1] = np.nan
        return trace

    monkeypatch.setattr(Audit, "_train_alone", spoilt)
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")
    assert code == 1
    assert "seeds do not end the same" in out
    assert "each alone          7               1        2 of 63         inf" in out
