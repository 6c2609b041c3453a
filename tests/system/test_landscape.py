"""Landscapes are the loss itself, with real trainings on them, in a picture that tells what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from benchsuite_library.relu import relu_bias, relu_output, relu_to_relu
from conftest import Command
from test_landscape import case_of, quiet
from toys import line

from benchsuite.engine.landscape import LandscapeEvaluator, has_landscape
from benchsuite.report.figures import draw_landscape
from benchsuite.results.landscape import BasinMap, parameter_values
from benchsuite.results.landscape import LandscapeResult as LandscapeOfCase
from benchsuite.settings import TrainingSettings


def test_paths_are_those_of_the_run_in_more_points() -> None:
    """Named starts and seeds are trained by the case's own schedule, and seen more often."""
    survey = LandscapeEvaluator(case_of(relu_bias), TrainingSettings(), grid=5)
    heard: list[float] = []

    paths = survey.paths(2, heard.append)

    assert [(path.label, path.named) for path in paths] == [
        ("red", True), ("blue", True), ("seed 0", False), ("seed 1", False)
    ]  # fmt: skip
    assert len(paths[0].trace.steps) == 151
    assert paths[0].trace.parameters[0, 0].tolist() == [1.5, -2.5]
    assert sum(heard) == pytest.approx(4)
    assert survey.starts(2, basins=True) == 4 + 25


def test_basins_of_two_parameters_among_more() -> None:
    """The others start at zero."""
    survey = LandscapeEvaluator(case_of(relu_output), TrainingSettings(), grid=2)

    (basins,) = survey.basins(quiet)

    assert (list(basins.axes), basins.fixed) == (["w", "v"], {"b": 0, "c": 0})


def test_interrupted_map_is_drawn_as_far_as_it_is(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the grid keeps the starts that were trained."""
    basins = LandscapeEvaluator.basins

    def interrupted(self: LandscapeEvaluator, *args: Any) -> Any:
        for whole in basins(self, *args):
            half = np.where(np.arange(16).reshape(4, 4) < 8, whole.outcomes, "")
            yield BasinMap(whole.axes, half, whole.steps, whole.fixed, whole.steps_trained)
            raise KeyboardInterrupt

    monkeypatch.setattr(LandscapeEvaluator, "basins", interrupted)

    code, _, err = benchsuite("landscape", "relu-bias", "--grid", "4", "--seeds", "0", "-o", "map.svg")

    assert code == 130
    assert "interrupted; relu-bias - drawn into map.svg" in err
    assert "8 starts not trained" in Path("map.svg").read_text()


def test_picture_tells_what_it_shows(benchsuite: Command) -> None:
    """Title, axes, legend of outcomes, named starts and solution are all in it."""
    code, out, err = benchsuite("landscape", "relu-bias", "--grid", "6", "--seeds", "2", "-o", "map.svg")

    assert code == 0
    assert "drawn into map.svg" in out
    text = Path("map.svg").read_text()
    for label in (
        *("relu-bias: One ReLU unit", "w at the start", "b at the start", "red: stuck", "blue: converged"),
        *("converged: ", "stuck: ", "solution", "close-up", "steps to success by start", "loss on the evaluation data"),
    ):
        assert f">{label}" in text, label
    assert "6 × 6 starts" in text
    assert "Traceback" not in err


def test_curve_is_drawn_without_a_map(benchsuite: Command) -> None:
    """One parameter has a curve, with the named start on it, in any of the formats."""
    code, out, _ = benchsuite("landscape", "relu-to-relu", "--grid", "50", "--seeds", "3", "-o", "curve.pdf")

    assert code == 0
    assert "relu-to-relu - drawn into curve.pdf" in out
    assert Path("curve.pdf").read_bytes().startswith(b"%PDF")


def test_foreign_case_of_two_parameters_has_a_landscape() -> None:
    """It need say nothing: the ranges are those that its paths need."""
    survey = LandscapeEvaluator(line(), TrainingSettings(), grid=4)

    (surface,) = survey.surfaces(parameter_values(paths := survey.paths(2, quiet)))

    assert has_landscape(line())
    ends = np.concatenate([path.trace.parameters[0] for path in paths])
    for number, values in enumerate(surface.axes.values()):
        assert values[0] < ends[:, number].min()
        assert values[-1] > ends[:, number].max()


@pytest.mark.parametrize("rate", [0.1, 1e6])
def test_any_landscape_can_be_drawn(rate: float, tmp_path: Path) -> None:
    """One that says nothing of itself, and one whose every path diverges."""
    survey = LandscapeEvaluator(line(optimizer=optax.sgd(rate)), TrainingSettings(), grid=4)
    paths = survey.paths(2, quiet)
    *_, basins = survey.basins(quiet)
    seen = LandscapeOfCase("line", survey.surfaces(parameter_values(paths)), paths, basins, {})

    draw_landscape(seen, tmp_path / "line.png")

    assert (tmp_path / "line.png").stat().st_size > 10_000
    assert {path.outcome for path in paths} == {"converged" if rate < 1 else "diverged"}


def test_curve_is_the_loss_on_the_evaluation_data() -> None:
    """Every point of the curve and of its close-up is the mean squared error there, computed by hand."""
    survey = LandscapeEvaluator(case_of(relu_to_relu), TrainingSettings(), grid=31)
    x = np.asarray(survey.problem.data.test, float)

    whole, close_up = survey.surfaces({})

    for surface in (whole, close_up):
        (w,) = surface.axes.values()
        expected = [((np.maximum(v * x, 0) - np.maximum(x, 0)) ** 2).mean() for v in w]
        np.testing.assert_allclose(surface.loss, expected, rtol=1e-4, atol=1e-7)
    assert (close_up.axes["w"][0], close_up.axes["w"][-1]) == (-0.3, 0.3)


def test_surface_has_its_axes_the_right_way_round() -> None:
    """SeedTable are the second parameter, columns the first, as the case orders them."""
    survey = LandscapeEvaluator(case_of(relu_bias), TrainingSettings(), grid=5)

    whole, _ = survey.surfaces({})

    assert list(whole.axes) == ["w", "b"]
    assert whole.loss.shape == (5, 5)
    x = np.asarray(survey.problem.data.test, float)
    w, b = whole.axes["w"][4], whole.axes["b"][1]
    assert whole.loss[1, 4] == pytest.approx(((np.maximum(w * x + b, 0) - np.maximum(x, 0)) ** 2).mean(), rel=1e-4)


def test_planes_go_through_the_solution() -> None:
    """Six planes of four parameters, each with the loss of the solution at its place."""
    survey = LandscapeEvaluator(case_of(relu_output, solution={"w": 1, "b": 0, "v": 1, "c": 0}), TrainingSettings(), 5)

    planes = survey.surfaces({})

    assert [list(plane.axes) for plane in planes] == [
        ["w", "b"], ["w", "v"], ["w", "c"], ["b", "v"], ["b", "c"], ["v", "c"]
    ]  # fmt: skip
    for plane in planes:
        assert {**plane.fixed, **plane.axes}.keys() == {"w", "b", "v", "c"}
        assert plane.fixed == {name: {"w": 1, "b": 0, "v": 1, "c": 0}[name] for name in plane.fixed}
    assert survey.paths(3, quiet) == [], "a path is in no plane"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("euclidean-distance", "relu-bias, relu-output, relu-to-relu"),
        ("mnist-identity-4L", "more than two parameters"),
    ],
)
def test_cases_without_a_landscape_name_those_with_one(benchsuite: Command, case: str, said: str) -> None:
    """A case of many parameters without a solution is refused before anything is trained."""
    code, _, err = benchsuite("landscape", case, "-o", "x.png")

    assert code == 2
    assert said in err
    assert not Path("x.png").exists()
