"""The Python library trains what the command line trains, and gives its results in the forms that people use."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import optax
import pytest
from toys import line

import benchsuite as bs
from benchsuite.errors import CaseError, OptionError, StoreError
from benchsuite.plugins import RoundFinished

#: A case that cannot be trained.
BROKEN = line(name="broken", loss=lambda prediction, target: 1 / 0)

slow = bs.Treatment("slow", "A small step.", "https://example.org/slow", lambda case: _with(case, optax.sgd(0.001)))


def _with(case: bs.Case, optimizer: Any) -> bs.Case:
    return replace(case, optimizer=optimizer)


def test_results_have_the_figures_of_each_case() -> None:
    """Rate, interval, outcomes, claims and timings of a case, by its id."""
    res = bs.run(line(claims=[bs.Claim("It learns.", bs.FailureRate(equals=0))]), seeds=4)
    case = res["line"]

    assert (case.rate, case.seeds, case.outcomes["converged"]) == (1.0, 4, 4)
    assert case.interval[0] < 1 <= case.interval[1]
    assert [claim.statement for claim in case.claims] == ["It learns."]
    assert case.timings.seeds_per_second > 0
    with pytest.raises(KeyError, match="did you mean line"):
        res["lime"]
    assert res.get("lime") is None
    assert "100.0 %" in repr(res)
    assert str(res.path) in repr(res)


@pytest.fixture(scope="module")
def res(tmp_path_factory: pytest.TempPathFactory) -> bs.Results:
    """A case that is learnt, and is not with a treatment."""
    return bs.run(line(), treatments=slow, seeds=[2, 5, 7], run_dir=tmp_path_factory.mktemp("results") / "run")


def test_tables_have_a_row_per_seed_evaluation_and_treatment(res: bs.Results) -> None:
    """What does not exist is masked: steps of failed seeds, and comparisons of the untreated case."""
    seeds, curves, summary = res.seeds(), res.curves(), res.summary()

    assert seeds["seed"].tolist() == [2, 5, 7] * 2
    assert seeds["outcome"].tolist() == ["converged"] * 3 + ["slow"] * 3
    assert seeds["steps_to_success"].tolist() == [20, 20, 20, None, None, None]
    assert curves["step"].tolist() == [0, 20, 40, 60] * 6
    assert "parameter.bias[0]" in curves
    assert summary["treatment"].tolist() == ["", "slow"]
    assert summary["difference"].tolist() == [None, -1.0]
    assert next(summary.rows())["status"] == "trained"
    with pytest.raises(KeyError, match="no column"):
        seeds["seeds"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_convert_with_nulls(library: str, res: bs.Results) -> None:
    """Each library gets the same rows, with null where a value does not exist."""
    pytest.importorskip(library)

    if library == "pandas":
        found = res.to_pandas()["steps_to_success"].isna().tolist()
    elif library == "polars":
        found = res.to_polars()["steps_to_success"].is_null().to_list()
    else:
        found = res.to_arrow()["steps_to_success"].is_null().to_pylist()

    assert found == [False] * 3 + [True] * 3


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas, a sentence says what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(OptionError, match="requires pandas, which is not installed"):
        bs.Frame({"x": np.arange(2)}).to_pandas()


def test_columns_with_one_value_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long table the columns that vary are shown; a short one keeps its order."""
    monkeypatch.setenv("COLUMNS", "60")
    columns = {"case": np.array(["line"] * 20), "step": np.arange(20), "none": np.ma.masked_all(20)}
    long, short = bs.Frame(columns), bs.Frame({name: values[:2] for name, values in columns.items()})

    assert "in every row: case line, none -" in repr(long)
    assert repr(long).splitlines()[0].split() == ["step"]
    assert repr(short).splitlines()[0].split() == ["case", "step", "none"]


def test_frames_show_themselves_within_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long tables show both ends, wide ones the columns that fit, and both say so."""
    monkeypatch.setenv("COLUMNS", "40")
    frame = bs.Frame({f"column{n}": np.arange(1000.0) for n in range(6)}, "numbers")

    shown = repr(frame).splitlines()

    assert max(map(len, shown[:-1])) <= 40
    assert shown[0] == "numbers"
    assert any("…" in text for text in shown)
    assert "1,000 rows × 6 columns" in shown
    assert "column5" in shown[-1]
    assert "<table" in frame._repr_html_()


@pytest.mark.usefixtures("benchsuite")
def test_loaded_results_replay_and_compare() -> None:
    """A stored run gives the same figures, trains a seed again to the same end, and is compared with another."""
    ran = bs.run("line", seeds=3)
    res = bs.load(ran.path)

    again = res.replay("line", seed=2)
    changes = bs.load().compare(ran)

    assert again["metric.loss"][-1] == res["line"].rows.final["loss"][2]
    assert again.caption == "line, seed 2: converged"
    assert changes["difference"].tolist() == [0.0]
    assert changes["rate_test"].tolist() == ["McNemar"]
    with pytest.raises(StoreError, match="holds no run"):
        bs.load("nowhere")
    with pytest.raises(OptionError, match="there is no case"):
        res.replay("lime")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": 0}, "seeds is 0"),
        ({"seeds": []}, r"seeds is \[\]"),
        ({"half_width": 3}, "half_width is 3"),
        ({"half_width": 0.1, "seeds": 3}, "half_width and seeds exclude each other"),
        ({"seed": 3}, "there is no option 'seed'"),
        ({"protocol": "fast"}, "protocol is 'fast'"),
    ],
)
def test_errors_name_keywords(options: dict[str, Any], said: str) -> None:
    """Options are named as Python writes them."""
    with pytest.raises(OptionError, match=f"^{said}"):
        bs.run(line(), **options)


def test_failure_of_all_cases_is_raised_and_of_one_is_a_warning() -> None:
    """What was trained is returned, with the failures."""
    with pytest.raises(CaseError):
        bs.run(BROKEN, seeds=2)
    with pytest.warns(bs.BenchsuiteWarning, match="the other cases were trained"):
        res = bs.run(BROKEN, line(), seeds=2)

    assert list(res) == ["line"]
    assert len(res.failures) == 1
    assert res.summary()["status"].tolist() == ["trained", "failed"]


class Interrupting(bs.RunObserver):
    """Presses Ctrl-C after the second round."""

    def round_finished(self, event: RoundFinished) -> None:
        if event.number == 2:
            os.kill(os.getpid(), signal.SIGINT)


def test_interrupt_goes_on_with_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a script KeyboardInterrupt carries the results; in a notebook they are returned."""
    with pytest.raises(KeyboardInterrupt) as stopped:
        bs.run(line(), seeds=20, rounds=5, observers=[Interrupting()])
    monkeypatch.setattr("benchsuite.api.library.in_notebook", lambda: True)
    with pytest.warns(bs.BenchsuiteWarning, match="interrupted; continue with resume=True"):
        res = bs.run(line(), seeds=20, rounds=5, observers=[Interrupting()])

    assert stopped.value.partial["line"].seeds == res["line"].seeds == 8  # type: ignore[attr-defined]
    whole = bs.run(line(), seeds=20, run_dir=res.path, resume=True)
    assert whole["line"].seeds == 20


def test_settings_of_jax_are_those_of_the_caller() -> None:
    """A run trains in 32 bits, and leaves the width of the caller's numbers as it was."""
    with jax.enable_x64(True):
        bs.run(line(), seeds=2)
        assert jax.numpy.ones(1).dtype == "float64"
    assert jax.numpy.ones(1).dtype == "float32"
