"""Rates agree with a second implementation, in NumPy, that shares no code with the suite.

Where two programs draw different random numbers, two shares of the same probability differ by chance: Fisher's exact
test says how likely that is. The seeds on both sides are fixed, so these tests give the same answer every time.
"""

from __future__ import annotations

import numpy as np
import pytest
from benchsuite_library.distance import euclidean_distance
from benchsuite_library.relu import relu_output
from scipy.stats import fisher_exact

from benchsuite import Case
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.model import parameter_names
from benchsuite.engine.problem import Problem
from benchsuite.results.outcome import classify
from benchsuite.results.seeds import SeedTable
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine

#: A disagreement less likely than this is no chance.
LEVEL = 0.001

Array = np.ndarray


def rows_of_the_suite(case: Case, seeds: int) -> SeedTable:
    """The first seeds of a case, trained by the suite."""
    program = Ensemble.fitting(Problem.load(case, TrainingSettings()), machine.devices())
    trace, _ = program.train(np.arange(seeds))
    assert (classify(trace, case.criterion) != "diverged").all()
    return SeedTable.from_trace(trace, case, parameter_names(case), {})


def agree(ours: Array, theirs: Array) -> bool:
    """Whether two arrays of truth values may well have the same share of true ones."""
    table = [[successes.sum(), (~successes).sum()] for successes in (ours, theirs)]
    return bool(fisher_exact(table).pvalue > LEVEL)


def r2(y: Array, prediction: Array) -> Array:
    """The share of the variance that is learnt, by seed, (seeds, examples) → (seeds,)."""
    return 1 - ((y - prediction) ** 2).sum(1) / ((y - y.mean(1, keepdims=True)) ** 2).sum(1)


def uniform(rng: np.random.Generator, fan_in: int, fan_out: int, *shape: int) -> Array:
    """Glorot and Bengio's uniform start."""
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def numpy_relu_output(seeds: int, steps: int = 2000, batch: int = 1000) -> tuple[Array, Array, Array]:
    """v·relu(w·x + b) + c by plain SGD at 0.01: w and v at the start, and whether the seed converged."""
    rng = np.random.default_rng(1)
    w, v = uniform(rng, 1, 1, seeds, 1), uniform(rng, 1, 1, seeds, 1)
    start_w, start_v = w[:, 0].copy(), v[:, 0].copy()
    b, c = np.zeros_like(w), np.zeros_like(w)
    for _ in range(steps):
        x = rng.standard_normal((seeds, batch), np.float32)
        hidden = np.maximum(w * x + b, 0)
        error = v * hidden + c - np.maximum(x, 0)
        slope = np.where(hidden > 0, error, 0)
        gradients = [v * (slope * x).mean(1, keepdims=True), v * slope.mean(1, keepdims=True)]
        gradients += [(error * hidden).mean(1, keepdims=True), error.mean(1, keepdims=True)]
        w, b, v, c = (p - 0.02 * g for p, g in zip((w, b, v, c), gradients, strict=True))
    x = rng.standard_normal((seeds, 4096), np.float32)
    return start_w, start_v, r2(np.maximum(x, 0), v * np.maximum(w * x + b, 0) + c) >= 0.99


def test_relu_output_agrees_by_starting_signs() -> None:
    """The rate of every combination of right and wrong signs is that of the second implementation."""
    (case,) = relu_output.benchsuite_cases()
    ours = rows_of_the_suite(case, 80)
    w, v, converged = numpy_relu_output(80)
    theirs = {
        "w > 0, v > 0": (w > 0) & (v > 0),
        "w > 0, v < 0": (w > 0) & (v < 0),
        "w < 0, v > 0": (w < 0) & (v > 0),
        "w < 0, v < 0": (w < 0) & (v < 0),
    }

    assert agree(ours.converged, converged)
    for name, inside in theirs.items():
        assert agree(ours.groups[name], inside), f"starts with {name}"
        assert agree(ours.among(name).converged, converged[inside]), f"rate with {name}"


def numpy_euclidean_distance(seeds: int, steps: int = 5000, batch: int = 128) -> Array:
    """2 → 3 ReLU → 1 by Adam with cosine decay from 0.01: R² of each seed at the end."""
    rng = np.random.default_rng(2)
    p = [uniform(rng, 2, 3, seeds, 2, 3), np.zeros((seeds, 1, 3), np.float32)]
    p += [uniform(rng, 3, 1, seeds, 3, 1), np.zeros((seeds, 1, 1), np.float32)]
    first, second = [np.zeros_like(q) for q in p], [np.zeros_like(q) for q in p]
    for step in range(steps):
        x = rng.standard_normal((seeds, batch, 2), np.float32)
        hidden = np.maximum(x @ p[0] + p[1], 0)
        error = (hidden @ p[2] + p[3] - np.sqrt((x**2).sum(2, keepdims=True))) * np.float32(2 / batch)
        back = np.where(hidden > 0, error @ p[2].transpose(0, 2, 1), 0)
        gradients = [x.transpose(0, 2, 1) @ back, back.sum(1, keepdims=True)]
        gradients += [hidden.transpose(0, 2, 1) @ error, error.sum(1, keepdims=True)]
        rate = 0.01 * 0.5 * (1 + np.cos(np.pi * step / steps))
        rate *= np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        for i, g in enumerate(gradients):
            first[i] += np.float32(0.1) * (g - first[i])
            second[i] += np.float32(0.001) * (g * g - second[i])
            p[i] = p[i] - np.float32(rate) * first[i] / (np.sqrt(second[i]) + np.float32(1e-8))
    x = rng.standard_normal((seeds, 4096, 2), np.float32)
    prediction = np.maximum(x @ p[0] + p[1], 0) @ p[2] + p[3]
    return r2(np.sqrt((x**2).sum(2)), prediction[:, :, 0])


def test_euclidean_distance_agrees() -> None:
    """The rate, and the best solution there is, are those of the second implementation."""
    (case,) = euclidean_distance.benchsuite_cases()
    ours = rows_of_the_suite(case, 64)
    distance_r2 = numpy_euclidean_distance(64)

    assert agree(ours.converged, distance_r2 >= 0.99)
    assert ours.final["r2"].max() == pytest.approx(0.9923, abs=1e-4)
    assert distance_r2.max() == pytest.approx(0.9923, abs=2e-3), "on examples of its own"
