"""Treatments change what they say, keep what must stay to be compared, and say where they make no sense."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest
from flax import nnx
from scipy.stats import binomtest, kstest
from test_treatment import BIAS, OURS, OUTPUT, REGISTRY, RELU, XOR, starts
from toys import cut_down, line, line_table, run

from benchsuite import Case, DoesNotApply, Schedule, Stream
from benchsuite.case.sweep import SweepRange
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.problem import Problem
from benchsuite.plugins.selection import select_treatments
from benchsuite.results.trace import Trace
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.variant import sweep_case


def train(case: Case, seeds: int = 16, **schedule: Any) -> Trace:
    """The first seeds of a case."""
    case = dataclasses.replace(case, schedule=dataclasses.replace(case.schedule, **schedule))
    problem = Problem.load(case, TrainingSettings(protocol="source"))
    return Ensemble.fitting(problem, machine.devices()).train(np.arange(seeds))[0]


def converged(case: Case, course: Trace) -> np.ndarray:
    """Which seeds ended as the criterion wants."""
    return np.asarray(case.criterion.holds(course.metrics[case.criterion.metric][:, -1]))


#: One of each kind: single units, layers, images, a sum of units, a deep net, an objective, and no data.
NAMES = (
    *("relu-to-relu", "relu-bias", "relu-output", "euclidean-distance", "mnist-identity-1L"),
    *("xor-two-relu", "dying-relu", "two-blobs", "teacher-student-k-6"),
)
CASES = [REGISTRY.case(name) for name in NAMES]


@pytest.mark.parametrize("name", OURS)
def test_treatment_applies_or_says_why(name: str) -> None:
    """Each of ours can be traced with every kind of case that it applies to, and applies to one at least."""
    applied = 0
    for case in map(cut_down, CASES):
        try:
            treated = OURS[name].apply(case)
        except DoesNotApply as reason:
            assert len(reason.message) > 10  # noqa: PT017  # it may also apply
            continue
        assert treated.id == f"{case.name}+{name}"
        assert Problem.load(treated, TrainingSettings()).training.steps[-1] > 0
        applied += 1

    assert applied
    assert OURS[name].summary.endswith(".")


@pytest.mark.parametrize("name", ["leaky-relu", "momentum", "adam", "learning-rate-x10"])
def test_same_starts_and_data(name: str) -> None:
    """What leaves the parameters' shape and start alone trains the same starts, to the last bit."""
    np.testing.assert_array_equal(starts(BIAS), starts(OURS[name].apply(BIAS)))


def test_starts_of_another_scale_are_the_same_numbers() -> None:
    """He's start is Glorot's times √2 for a single weight, LeCun's is the same, a larger one is doubled."""
    glorot = starts(OUTPUT)

    for name, factor in (("he", 2**0.5), ("lecun", 1.0), ("larger-start", 2.0)):
        np.testing.assert_allclose(starts(OURS[name].apply(OUTPUT)), factor * glorot, rtol=1e-6)


def test_asymmetric_start_has_one_positive_draw() -> None:
    """Of w and b, one is drawn from Beta(2, 1) and the other from a normal of deviation 0.6007."""
    b, w = starts(OURS["asymmetric"].apply(BIAS), 400).T
    (alone,) = starts(OURS["asymmetric"].apply(RELU), 400).T

    assert ((w > 0) | (b > 0)).all()
    assert kstest(alone, "beta", args=(2, 1)).pvalue > 1e-3
    negative = np.concatenate([w[w < 0], b[b < 0]]) / 0.6007
    assert kstest(-negative, "halfnorm").pvalue > 1e-3


def test_momentum_and_large_rates_jump_the_gap() -> None:
    """On the wrong side w shrinks by 1 - η a step: above η = 1 it lands on the right one, and all seeds learn."""
    for name in ("learning-rate-x150", "momentum", "leaky-relu"):
        treated = OURS[name].apply(RELU)
        assert converged(treated, train(treated)).all()


def test_wider_units_push_each_other_apart() -> None:
    """With a sum of units, those that all start on the wrong side do not stay there."""
    wide = OURS["wider"].apply(RELU, factor=2)
    course = train(wide, 64)

    wrong = (course.parameters[:, 0] < 0).all(axis=1)
    assert wrong.any()
    assert converged(wide, course).all()


def test_restarts_are_independent_and_cure_only() -> None:
    """The first is the seed's own start; with three, an eighth of the seeds fail where half of them did."""
    tripled = OURS["restarts"].apply(RELU, times=3)
    untreated, treated = (converged(case, train(case, 200, steps=300, evaluate_every=300)) for case in (RELU, tripled))

    assert (treated | ~untreated).all()
    assert binomtest(int(treated.sum()), 200, 7 / 8).pvalue > 1e-3


def test_restarts_count_their_cost() -> None:
    """The steps of every attempt are steps."""
    once, twice = (run(case, seeds=6).summaries()[0] for case in (line(), dataclasses.replace(line(), restarts=2)))

    assert once.converged == twice.converged == 6
    assert twice.time_to_success["expected_running_time"] == 2 * once.time_to_success["expected_running_time"]


def test_scaled_data_can_be_swept() -> None:
    """They are scaled once, whatever the values of an option of the optimiser."""
    tables = line(dataset=line_table(), schedule=Schedule(epochs=2), optimizer=partial(optax.sgd, learning_rate=0.1))
    wide = line(optimizer=partial(optax.sgd, learning_rate=0.1), dataset=Stream(wide_line, batch_size=8))
    (joined,) = select_treatments(["standardise+decay"], [], OURS)

    for case in (tables, wide):
        course = train(sweep_case(case, joined, SweepRange("learning_rate", (0.01, 0.1))), 2)
        assert np.isfinite(course.metrics["loss"]).all()


def wide_line(key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
    """Inputs around 5, with a deviation of 3."""
    x = 5 + 3 * jax.random.normal(key, (n, 1))
    return x, x


def test_flipped_signs_keep_some_examples_alive() -> None:
    """Each layer of a deep network keeps half of the examples that reach it, where most networks are born dead."""
    case = REGISTRY.case("dying-relu")
    x = np.linspace(-1.7, 1.7, 64)[:, None]

    def living(case: Case) -> np.ndarray:
        share = jax.vmap(lambda seed: (case.model(nnx.Rngs(jax.random.key(seed))).last(x) > 0).any(1).mean())  # type: ignore[attr-defined]
        return np.asarray(jax.jit(share)(np.arange(32)))

    assert (living(case) == 0).sum() > 16
    assert (living(OURS["flip-signs"].apply(case)) >= 2**-10).all()


#: The points of XOR.
POINTS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])


def before_activation(parameters: np.ndarray) -> np.ndarray:
    """Compute the arguments of both units at the four points, (seeds, 4, 2), as their biases start at zero."""
    return np.asarray(POINTS @ parameters[:, 2:].reshape(-1, 2, 2))


def test_mirrored_units_start_as_opposites() -> None:
    """The second unit has the weights of the first with opposite signs, which are those without the treatment."""
    mirrored, untreated = starts(OURS["mirrored"].apply(XOR)), starts(XOR)

    np.testing.assert_array_equal(mirrored[:, [3, 5]], -mirrored[:, [2, 4]])
    np.testing.assert_array_equal(mirrored[:, [2, 4]], untreated[:, [2, 4]])


def test_redrawn_starts_leave_no_example_silent() -> None:
    """Starts with a silent point are drawn again, and no others."""
    untreated, redrawn = (starts(case, 64) for case in (XOR, OURS["redraw"].apply(XOR)))
    sound = (before_activation(untreated) > 0).any(2).all(1)

    assert (before_activation(redrawn) > 0).any(2).all()
    assert 0 < sound.sum() < 64
    np.testing.assert_array_equal(redrawn[sound], untreated[sound])
    assert (redrawn[~sound] != untreated[~sound]).any(1).all()


def test_starts_redrawn_by_loss_have_a_lower_loss() -> None:
    """The first of low loss is trained, or the one of the lowest loss."""
    ended = {}
    for name, options in {"untreated": None, "best": {}, "enough": {"below": 0.4}}.items():
        case = XOR if options is None else OURS["redraw-by-loss"].apply(XOR, **options)
        outputs = before_activation(starts(case, 32)).clip(0).sum(2)
        ended[name] = ((outputs - [0, 1, 1, 0]) ** 2).mean(1)

    assert (ended["best"] <= ended["untreated"]).all()
    assert (ended["best"] <= ended["enough"]).all()
    assert (ended["enough"] <= 0.4).all()
    np.testing.assert_array_equal((ended["enough"] == ended["untreated"]), ended["untreated"] <= 0.4)
