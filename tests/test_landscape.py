"""Landscapes are the loss itself, with real trainings on them, in a picture that tells what it shows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_library.relu import relu_bias
from conftest import Command
from flax import nnx
from toys import line

from benchsuite import Case, CaseError, Landscape, Schedule
from benchsuite.engine.landscape import LandscapeEvaluator, has_landscape
from benchsuite.errors import OptionError
from benchsuite.report.figures import draw_landscape
from benchsuite.results.landscape import LandscapeResult as LandscapeOfCase
from benchsuite.results.landscape import Surface
from benchsuite.results.outcome import NEVER
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine


def quiet(_: float) -> None:
    """Hears of progress and says nothing."""


def case_of(module: Any, **fields: Any) -> Case:
    """The case of a plugin, with a short schedule unless said otherwise."""
    (case,) = module.benchsuite_cases()
    return dataclasses.replace(case, **({"schedule": Schedule(steps=300, evaluate_every=100)} | fields))


def test_basins_are_the_outcomes_of_their_starts() -> None:
    """On the axis b = 0 the sign of w decides, and the grid is filled chunk by chunk."""
    case = case_of(relu_bias, schedule=Schedule(steps=2000, evaluate_every=500))
    survey = LandscapeEvaluator(case, TrainingSettings(), grid=3)

    (basins,) = survey.basins(quiet)

    assert basins.axes["w"].tolist() == basins.axes["b"].tolist() == [-3, 0, 3]
    assert (basins.outcomes[1, 0], basins.outcomes[1, 2]) == ("stuck", "converged")
    assert basins.outcomes[0, 1] == "dead", "w = 0 and b = -3: never active"
    assert basins.steps[1, 2] > 0
    assert basins.steps[1, 0] == NEVER
    assert basins.trained == 9


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("relu-bias", "-o", "x.gif"), "did you mean .svg"),
        (("relu-bias", "-o", "nowhere/x.png"), "the folder of nowhere/x.png does not exist"),
        (("relu-bias", "-o", "x.png", "--grid", "1"), "1 is not in the range"),
        (("relu-bias", "-o", "x.png", "--grid", "10000000"), "choose a smaller --grid"),
        (("relu-bais", "-o", "x.png"), "did you mean relu-bias"),
        (("relu-bias",), "Missing option"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_anything_is_trained(
    benchsuite: Command, args: tuple[str, ...], said: str
) -> None:
    """Cases without a landscape, wrong files and grids beyond memory get a sentence."""
    code, _, err = benchsuite("landscape", *args)

    assert code == 2
    assert said in err
    assert not Path("x.png").exists()


@pytest.mark.parametrize(
    "loss", [[[1.0, 2.0], [3.0, np.nan]], [[-1.0, -2.0], [-3.0, 0.0]], [[np.nan] * 2] * 2, [[0.0] * 2] * 2]
)
def test_any_loss_can_be_drawn(loss: list[list[float]], tmp_path: Path) -> None:
    """Losses may be negative, all alike, or no numbers."""
    axes = {"w": np.array([0.0, 1.0]), "b": np.array([0.0, 1.0])}

    surface = Surface("loss", axes, np.array(loss, float).reshape(2, 2))

    draw_landscape(LandscapeOfCase("any", [surface], [], None, {}), tmp_path / "any.png")

    assert (tmp_path / "any.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"landscape": Landscape(ranges={"w": (0, 1)})}, CaseError, "names 'w', which is not a parameter"),
        ({"solution": {"bias[0]": 1}}, CaseError, "lacks kernel"),
        ({"landscape": Landscape(close_up={"bias[0]": (0, 1)})}, CaseError, "covers only bias.0."),
    ],
)
def test_wrong_name_in_a_landscape_is_told(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    """A landscape that names what the model does not have is refused."""
    with pytest.raises(error, match=said):
        LandscapeEvaluator(line(**fields), TrainingSettings(), grid=4)


def test_grid_beyond_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that a grid takes is known before."""
    monkeypatch.setattr(machine, "free_memory", lambda: 10_000)

    with pytest.raises(OptionError, match="256 points along each axis needs about"):
        LandscapeEvaluator(line(), TrainingSettings(), grid=256)


def test_case_without_recorded_parameters_has_no_landscape() -> None:
    """Many parameters have none, whatever the case says."""
    wide = line(
        model=lambda rngs: nnx.Sequential(nnx.Linear(1, 20, rngs=rngs), nnx.Linear(20, 1, rngs=rngs)),
        solution={"w": 1},
    )

    assert not has_landscape(wide)
