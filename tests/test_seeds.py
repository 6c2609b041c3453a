"""Seeds are a number, a range or a list, and any seeds can be trained, stored, resumed and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from hypothesis import given
from hypothesis import strategies as st
from toys import line, run

from benchsuite.errors import OptionError
from benchsuite.execution import open_folder
from benchsuite.results.round import CURVES_KEPT
from benchsuite.seeds import MAX_SEEDS, SeedNumbers, parse_seeds
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.store import RunFolder, read_results


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("3", [0, 1, 2]),
        (3, [0, 1, 2]),
        ("0:3", [0, 1, 2]),
        ("100:103", [100, 101, 102]),
        (range(5, 7), [5, 6]),
        ("7,3", [3, 7]),
        ("3,", [3]),
        ([7, 3], [3, 7]),
        (np.array([9, 4, 6]), [4, 6, 9]),
        (range(0, 10, 4), [0, 4, 8]),
    ],
)
def test_seeds_are_read_from_every_form(value: Any, numbers: list[int]) -> None:
    """A number counts from 0; a range has no end; a list may be in any order."""
    assert SeedNumbers.of(parse_seeds(value)).as_array().tolist() == numbers


@given(st.sets(st.integers(0, 60), min_size=1))
def test_equal_seeds_are_equal_and_can_be_typed_again(seeds: set[int]) -> None:
    """The text of seeds gives the same seeds, and a range in a list is that range."""
    parsed = parse_seeds(list(seeds))
    again = parse_seeds(str(SeedNumbers.of(parsed)))

    assert again == parsed
    assert isinstance(parsed, int) == (seeds == set(range(len(seeds))))


@pytest.mark.parametrize("text", ["5:5", "9:3", "1,1", "a", "1.5", "-3:2", "1:2:3", "3,x", f"0:{MAX_SEEDS + 1}"])
def test_impossible_seeds_are_refused_with_the_forms(text: str) -> None:
    """The message shows the value, and how seeds are written."""
    with pytest.raises(OptionError, match="--seeds is") as refused:
        TrainingSettings.parse({"seeds": text})

    assert "100:200" in refused.value.hint


def test_rows_of_a_range_are_those_of_a_longer_run() -> None:
    """Seed 12 is the same seed in every run; the plan, its file and the curves know the seeds."""
    everything = read_results(_run_folder(seeds=20))[0]
    folder = _run_folder(seeds=parse_seeds("8:16"))
    (part,) = read_results(RunFolder(folder.path))

    assert part.rows.seeds.tolist() == list(range(8, 16))
    assert (part.rows.final["loss"] == everything.rows.final["loss"][8:16]).all()
    assert folder.plans[0].seed_numbers == "8:16"
    assert folder.settings["seeds"] == "8:16"
    assert part.curves.seeds.tolist() == list(range(8, 16))


def test_curves_are_kept_of_the_first_seeds_of_a_run() -> None:
    """Also where these seeds are large numbers."""
    (result,) = read_results(_run_folder(seeds=parse_seeds([5 * CURVES_KEPT, 9 * CURVES_KEPT])))

    assert result.curves.seeds.tolist() == [5 * CURVES_KEPT, 9 * CURVES_KEPT]


def test_resuming_with_other_seeds_adds_them() -> None:
    """Stored seeds stay in the run, and the plan counts all of them."""
    folder = _run_folder(seeds=parse_seeds([3, 7]))

    more = run(line(), RunFolder(folder.path), seeds=parse_seeds("6:9"))

    assert more.summaries()[0].seeds == more.summaries()[0].planned_seeds == 4
    assert more.plan.seed_numbers == "3,6,7,8"


def _run_folder(**options: Any) -> RunFolder:
    folder = open_folder(TrainingSettings(**options), OutputSettings())
    run(line(), folder, **options)
    return folder


def test_command_line_trains_and_compares_any_seeds(benchsuite: Command) -> None:
    """--seeds 2:6 and --seeds 2,3,4,5 are the same seeds, so that the runs are paired; --resume keeps them."""
    assert benchsuite("run", "line", "--seeds", "2:6", "--run-dir", "one")[0] == 0
    assert benchsuite("run", "line", "--seeds", "5,2,3,4", "--run-dir", "two")[0] == 0
    assert benchsuite("run", "line", "--resume", "--run-dir", "two")[0] == 0

    code, out, _ = benchsuite("compare", "one", "two")

    assert code == 0
    assert "McNemar" in out
    assert read_results(RunFolder(Path("two")))[0].rows.seeds.tolist() == [2, 3, 4, 5]
    assert benchsuite("run", "line", "--seeds", "2:6", "--plan")[1].count(" 4 ") >= 1
