"""The conformance kit finds what is wrong with a case, and says what to change."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import LINE, Command, InstallPlugin
from flax import nnx
from test_testing import kept
from toys import line, line_table, noisy_line

from benchsuite import Criterion, Schedule, Split, Stream, Table
from benchsuite.testing.audit import Audit
from benchsuite.testing.checks import PROMISES, NotCheckedError, check_case

SOLUTION = {"bias[0]": 1.0, "kernel[0, 0]": 3.0}


def test_sound_case_keeps_everything() -> None:
    """Every promise is tried, and a case that keeps them passes."""
    found = check_case(line(solution=SOLUTION))

    assert [check.name for check in found] == list(PROMISES)
    assert {check.verdict for check in found} == {"passed"}


def test_table_keeps_everything_but_a_solution() -> None:
    """A finite dataset is tried as well; a promise that cannot be tried is said not to be."""
    tables = line(dataset=line_table(), schedule=Schedule(epochs=4))

    for promise in ("contract", "shapes", "purity", "independent seeds", "null control"):
        assert kept(promise, tables)
    with pytest.raises(NotCheckedError, match="it states no solution"):
        kept("oracle control", tables)


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


def deaf(key: Any, n: int) -> Any:
    """As many examples as it pleases."""
    del n
    return noisy_line(key, 16)


def complex_numbers(key: Any, n: int) -> Any:
    """Targets that no loss takes."""
    x, y = noisy_line(key, n)
    return x, y * 1j


def without_inputs(key: Any, n: int) -> Any:
    """Nothing to learn from."""
    return (), noisy_line(key, n)[1]


def unseeded(files: Any) -> Split:
    """Other rows whenever it is called."""
    del files
    x = np.random.default_rng().normal(size=(50, 1)).astype(np.float32)
    return Split((x, 3 * x + 1), (x, 3 * x + 1))


def one_hole(files: Any) -> Split:
    """A row far from the first ones that is not a number."""
    del files
    x = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    return Split((x, np.where(x == 1, np.nan, x)), (x, x))


class DroppingOut(nnx.Module):
    """Starts alike for every seed, but for what it drops."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(1, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.linear(self.dropout(x))


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
    """A loss that is small where the prediction is not a number."""
    return jnp.nan_to_num(((prediction - target) ** 2).mean())


def table(load: Any) -> dict[str, Any]:
    """The fields of a case with a table."""
    return {"dataset": Table("points", load=load, batch_size=4), "schedule": Schedule(epochs=4)}


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no sentence": ("description", {"summary": "A line"}, "its summary is 'A line'"),
    "no source": ("description", {"source": " "}, "it names no source"),
    "infinite": ("shapes", {"dataset": Stream(infinite, 8, 16)}, "the targets of a batch are not all finite"),
    "complex": ("shapes", {"dataset": Stream(complex_numbers, 8, 16)}, "the targets of a batch are complex64"),
    "deaf": ("shapes", {"dataset": Stream(deaf, 8, 16)}, r"the inputs of a batch have shape \(16, 1\)"),
    "no inputs": ("shapes", {"dataset": Stream(without_inputs, 8, 16)}, "the inputs of a batch are empty"),
    "hole in a table": ("shapes", table(one_hole), "the targets of the training data are not all finite"),
    "impure": ("purity", {"dataset": Stream(impure, 8, 16)}, "another program when they are called again"),
    "loaded anew": ("purity", table(unseeded), "its data differ when they are called again"),
    "same data": ("independent seeds", {"dataset": Stream(same_for_all, 8, 16)}, "all seeds see the same data"),
    "same start": (
        "independent seeds",
        {"model": lambda rngs: nnx.Linear(1, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)},
        "all seeds start alike",
    ),
    "same start, other dropouts": ("independent seeds", {"model": DroppingOut}, "all seeds start alike"),
    "hidden NaN": ("NaN is seen", {"loss": hidden}, "its loss is finite where the prediction is NaN"),
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


#: A case of which every process makes another one, and one that hangs where only a kill helps.
UNSOUND = (
    LINE
    + """
import numpy as np

SLOPE = np.random.default_rng().normal()

def moody_line(key, n):
    x, y = noisy_line(key, n)
    return x, SLOPE * y

def endless(key, n):
    x, y = noisy_line(key, n)
    return x, jax.lax.while_loop(lambda y: True, lambda y: y + 1, y)

@hookimpl
def benchsuite_cases():
    for draw, summary in ((moody_line, "A line"), (endless, "A line without an end.")):
        dataset = Stream(draw, batch_size=32, evaluation_size=256)
        yield line(draw.__name__.replace("_", "-"), summary=summary, dataset=dataset)
"""
)


def test_check_command(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """Each check that fails is told with what to change; what differs from process to process is found."""
    install_plugin("unsound", UNSOUND)

    code, out, _ = benchsuite("check", "moody-line")

    assert code == 1
    told = " ".join(out.split())
    assert "description failed its summary is 'A line' try: write a sentence that ends in a full stop" in told
    assert "purity failed its functions make another program in another process try: draw random numbers" in told
    assert "2 failed" in out
    assert benchsuite("check", "nobody")[0] == 2


def test_check_stops_what_hangs(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """A case without an end costs no other, and not for ever."""
    install_plugin("unsound", UNSOUND)

    code, out, _ = benchsuite("check", "endless", "--time-limit", "1")

    assert code == 1
    assert "case endless was stopped: it exceeded the time limit of 1 s" in out
    assert f"1 failed, {len(PROMISES) - 1} not checked" in out


def test_audit_command(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds are trained in every way, and nothing differs; if something does, it is counted."""
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")

    assert code == 0
    assert "every seed ends the same to the last bit" in out
    assert "each alone 7 0" in " ".join(out.split())
    assert "one compilation, default options; blocks of 128 lanes; " in out

    train = Audit._train_alone

    def spoilt(self: Audit) -> Any:
        trace = train(self)
        trace.metrics["r2"][2, -1] = np.nan
        return trace

    monkeypatch.setattr(Audit, "_train_alone", spoilt)
    code, out, _ = benchsuite("audit", "line", "--seeds", "7")
    assert code == 1
    assert "seeds do not end the same: final.r2 differs most, each alone" in out
    assert "each alone 7 1 2 of 63 inf" in " ".join(out.split())
