"""Comparisons that train: versus and board on the command line, in Python and in pytest."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import optax
import pytest
import toys
from conftest import Command

import benchsuite as bs
from benchsuite.errors import OptionError
from benchsuite.tuning import Entry

SEEDS = ("--tune-seeds", "0:4", "--judge-seeds", "100:110")

FAST = 'optimizer = "optax.sgd"\n[default]\nlearning_rate = 0.1\n[space]\nlearning_rate = "log(0.05, 0.2)"\n'
SLOW = 'optimizer = "optax.sgd"\n[default]\nlearning_rate = 1e-4\n'


def test_versus_tunes_and_judges(benchsuite: Command) -> None:
    """Two optimisers are tuned and judged; the same command trains nothing more, and says the same."""
    command = (
        "versus",
        "optax.adam",
        "optax.sgd",
        "line",
        "--space",
        "learning_rate=log(1e-3, 0.5)",
        "--settings",
        "2",
    )

    code, shown, errors = benchsuite(*command, *SEEDS)
    before = {path: path.stat().st_mtime_ns for path in Path(".benchsuite").rglob("*.npz")}
    again = benchsuite(*command, *SEEDS)

    assert code == 0, errors
    assert "adam is" in " ".join(shown.split())
    assert "tuned on seeds 0:4, judged on seeds 100:110" in shown
    assert again[:2] == (code, shown)
    assert before == {path: path.stat().st_mtime_ns for path in Path(".benchsuite").rglob("*.npz")}


def test_board_grows_by_an_entry(benchsuite: Command, tmp_path: Path) -> None:
    """A board is made, extended by an entry that costs only its own trainings, and found equal to its rows."""
    (tmp_path / "fast.toml").write_text(FAST)
    (tmp_path / "slow.toml").write_text(SLOW)
    made = benchsuite(
        "board", str(tmp_path), "--case", "line", "--rules", "default,tuned-2", "--reference", "slow", *SEEDS
    )
    before = {path: path.read_bytes() for path in Path("board").rglob("*.npz")}
    (tmp_path / "third.toml").write_text('optimizer = "optax.adam(0.1)"\n')
    grown = benchsuite("board", str(tmp_path))
    figures = json.loads(Path("board", "board.json").read_text())

    assert made[0] == grown[0] == 0, made[2] + grown[2]
    assert "fast is better than slow" in " ".join(made[1].split())
    assert all(path.read_bytes() == content for path, content in before.items())
    assert [ranking["rules"] for ranking in figures["rankings"]] == ["default", "tuned-2"]
    assert len(figures["rankings"][1]["scores"]) == 3
    assert benchsuite("board", "--check")[0] == 0
    refused = benchsuite("board", "--tune-seeds", "0:5")
    assert refused[0] == 2
    assert "the board has tune seeds 0:4, and now 0:5 is given" in refused[2]


def test_plan_shows_what_is_missing(benchsuite: Command, tmp_path: Path) -> None:
    """With --plan nothing is trained, and the trainings of tuning and judging are counted."""
    (tmp_path / "fast.toml").write_text(FAST)
    (tmp_path / "slow.toml").write_text(SLOW)

    code, shown, _ = benchsuite("board", str(tmp_path), "--case", "line", "--rules", "tuned-2", *SEEDS, "--plan")

    assert code == 0
    assert "28 trainings" in shown  # two settings of fast on 4 seeds, and both entries on 10
    assert not Path("board").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("optax.adam", "optax.sgd", "line", "--space", "rate=log(1e-3, 1)"), "'rate'"),
        (("optax.adam", "optax.sgd", "line", "--space", "learning_rate=[]"), "is empty"),
        (("optax.adam(0.1)", "optax.sgd(0.1)", "line", "--judge-seeds", "50:60"), "are tune seeds too"),
        (("optax.adam(0.1)", "optax.adam(0.1)", "line"), "two entries are named adam-0.1"),
        (("optax.adam(0.1)", "optax.nope(0.1)", "line"), "optax has no function 'nope'"),
        (("optax.adam(0.1)", "missing.toml", "line"), "missing.toml cannot be read"),
        (("optax.adam(0.1)", "optax.sgd(0.1)", "lime"), "did you mean line"),
    ],
)
def test_bad_comparisons_are_refused(benchsuite: Command, arguments: tuple[str, ...], message: str) -> None:
    """Options that do not exist, empty spaces and seeds that are used twice are refused before anything is trained."""
    code, _, errors = benchsuite("versus", *arguments)

    assert code == 2
    assert message in errors
    assert not list(Path().rglob("*.npz"))


@pytest.mark.usefixtures("benchsuite")
def test_comparison_in_python() -> None:
    """Objects are compared as on the command line; the same seeds for tuning and judging are refused."""
    seeds = {"tune_seeds": range(4), "judge_seeds": range(100, 110)}

    def make(learning_rate: float) -> Any:
        return optax.sgd(learning_rate)

    space = {"learning_rate": "log(0.05, 0.2)"}
    found = bs.versus(make, optax.sgd(1e-4), "line", space=space, settings=2, **seeds)

    assert found.pairs[0].difference == 1
    assert found.sentence.startswith("make is better than optimizer")
    assert found.cells().height == 2
    assert "won : lost" in repr(found)
    with pytest.raises(OptionError, match="are tune seeds too"):
        bs.versus(partial(make, 0.1), optax.sgd(1e-4), "line", tune_seeds=range(10), judge_seeds=range(5, 10))
    with pytest.raises(OptionError, match="entry make has neither default options nor a space"):
        bs.versus(make, optax.sgd(1e-4), "line")
    with pytest.raises(OptionError, match="there is no option 'tune_seed'"):
        bs.versus(make, optax.sgd(1e-4), "line", tune_seed=3)


@pytest.mark.usefixtures("benchsuite")
def test_order_is_checked_after_twice_the_steps() -> None:
    """With `twice` the cases with the tag core are judged after twice the steps too, where a slow entry succeeds."""
    case = toys.line(name="marked", tags=("core",))
    entries = [
        Entry(name, "optax.sgd", default={"learning_rate": rate}) for name, rate in (("fast", 0.1), ("slow", 0.013))
    ]

    found = bs.board(*entries, cases=[case], judge_seeds=range(100, 110), twice=True)

    (ranking,) = found.board.rankings
    assert {score.entry: score.score for score in ranking.scores} == {"fast": 1, "slow": 0}
    check = ranking.checks[-1]
    assert check.name == "twice the steps in 1 case"
    assert check.scores == {"fast": 1, "slow": 1}


def test_failed_case_is_on_the_board(benchsuite: Command, tmp_path: Path) -> None:
    """An entry that fails on a case is shown with the reason, and not ranked; the others are."""
    Path("failing.py").write_text("def broken(case):\n    raise KeyError('no such luck')\n")
    (tmp_path / "slow.toml").write_text(SLOW)
    (tmp_path / "fast.toml").write_text(FAST)
    (tmp_path / "broken.toml").write_text('treatment = "failing:broken"\n')

    code, shown, errors = benchsuite("board", str(tmp_path), "--case", "line", *SEEDS)

    assert code == 1
    assert "no such luck" in errors
    assert "broken is not ranked (default): line: failed" in " ".join(shown.split())
    assert benchsuite("board", "--check")[0] == 0


@pytest.mark.usefixtures("benchsuite")
def test_pytest_ranks_entries(pytester: pytest.Pytester) -> None:
    """--benchsuite-board ranks entries over the collected cases, in place of their tests."""
    folder = pytester.mkdir("entries")
    (folder / "fast.toml").write_text(FAST)
    (folder / "slow.toml").write_text(SLOW)
    pytester.makepyfile("def test_case(registered_case, bench):\n    bench(registered_case)\n")

    result = pytester.runpytest("--benchsuite-board", str(folder), "--benchsuite-seeds", "10000:10010", "-k", "[line")

    result.stdout.fnmatch_lines(["*board*", "*fast*100.0 %*", "*slow*0.0 %*"])
