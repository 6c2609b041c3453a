"""Time the suite's training and its lower bounds: the random numbers and the matrix products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from theory import assert_learnt
from timing import Work

from benchsuite.case.sweep import SweepRange
from benchsuite.engine.ensemble import Ensemble
from benchsuite.engine.prng import data_key
from benchsuite.engine.problem import Problem
from benchsuite.engine.source import drawn_once
from benchsuite.engine.trainer import make_plan
from benchsuite.plugins.registry import load_registry
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants.variant import sweep_case

PIXELS, BATCH = 784, 128


def training(case: str, sweep: str = "", **options: Any) -> Work:
    """Train one round of a case as a run does; counted in seeds, each at all values of a sweep.

    Args:
        case: its name.
        sweep: as `--sweep` takes it.
        options: fields of `TrainingSettings`.
    """
    problem, seeds = _posed(case, sweep, options)
    ensemble = Ensemble.fitting(problem, machine.devices())
    if case == "relu-to-relu" and not sweep:
        weights = ensemble.train(seeds)[0].parameters[:, :, 0]
        assert_learnt(weights[:, 0], weights[:, -1], problem.schedule.steps)
    else:
        ensemble.train(seeds)
    return Work(lambda: ensemble.train(seeds), len(seeds))


def epoch(case: str, **options: Any) -> Work:
    """Train the quick protocol of an MNIST case; counted in samples, including evaluations, which take a gradient too.

    The diagnostics of the trained models are left out: they are taken once, whatever the length of the training.
    """
    problem, seeds = _posed(case, "", {"protocol": "quick", **options}, diagnostics=(), claims=())
    ensemble = Ensemble.fitting(problem, machine.devices())
    epochs, evaluations = problem.schedule.epochs, len(problem.training.steps)
    samples = len(seeds) * (epochs * len(problem.data.train) + evaluations * len(problem.data.test))
    return Work(lambda: ensemble.train(seeds), samples)


def drawing(case: str, **options: Any) -> Work:
    """Generate and add up the random numbers of a round; counted in seeds."""
    problem, seeds = _posed(case, "", options)
    dataset, steps = problem.case.dataset, problem.schedule.steps

    def draw_all(seed: jax.Array) -> jax.Array:
        key = data_key(case, seed)

        def draw(number: jax.Array) -> Any:
            return dataset.draw(jax.random.fold_in(key, number), dataset.batch_size)

        def step(total: jax.Array, number: jax.Array) -> tuple[jax.Array, None]:
            rows = drawn_once(draw, number)  # without which they take longer on a CPU, and were no floor
            return total + sum(leaf.sum() for leaf in jax.tree.leaves(rows)), None

        return jax.lax.scan(step, jnp.float32(0), jnp.arange(steps))[0]

    return Work(_compiled(draw_all, seeds.astype(np.uint32)), len(seeds))


def products(layers: int, seeds: int, steps: int = 50) -> Work:
    """Compute the matrix products of dense layers: forward, of kernels, and of hidden inputs; counted in samples."""
    machine.configure()
    rng = np.random.default_rng(0)
    batches = rng.normal(size=(seeds, steps, BATCH, PIXELS)).astype(np.float32)
    kernels = rng.normal(size=(seeds, layers, PIXELS, PIXELS)).astype(np.float32) / np.sqrt(PIXELS)

    def multiply(batches: jax.Array, kernels: jax.Array) -> jax.Array:
        def step(before: jax.Array, batch: jax.Array) -> tuple[jax.Array, None]:
            inputs = [batch]
            for kernel in kernels:
                inputs.append(inputs[-1] @ kernel)
            error, gradients = inputs.pop(), []
            for number in reversed(range(layers)):
                gradients.append(inputs[number].T @ error)
                error = error @ kernels[number].T if number else error
            return jnp.stack(gradients) + 0 * before[0, 0, 0], None  # such that no step can be left out

        return jax.lax.scan(step, jnp.zeros_like(kernels), batches)[0]

    return Work(_compiled(multiply, batches, kernels), seeds * steps * BATCH)


def describe() -> dict[str, Any]:
    """Describe the machine as in a run folder."""
    machine.configure()
    return machine.describe(machine.devices())


def _posed(name: str, sweep: str, options: dict[str, Any], **fields: Any) -> tuple[Problem, np.ndarray]:
    """Return a compiled case, with some fields replaced, and the seeds of its first round."""
    machine.configure()
    case = replace(load_registry().case(name), **fields)
    settings = TrainingSettings(**options)
    problem = Problem.load(sweep_case(case, None, SweepRange.parse(sweep)) if sweep else case, settings)
    return problem, np.arange(make_plan(problem, settings, machine.devices()).round_size)


def _compiled(function: Any, *arguments: Any) -> Any:
    """Map a function over the first axis of each argument, on all devices as in `Ensemble`."""
    devices = np.array(machine.devices()[: len(arguments[0])])
    mesh = Mesh(devices, ("seeds",), axis_types=(AxisType.Auto,))
    spread = NamedSharding(mesh, PartitionSpec("seeds"))
    arguments = jax.device_put(arguments, spread)
    with jax.default_matmul_precision("highest"):
        program = jax.jit(jax.vmap(function), out_shardings=spread).lower(*arguments).compile()
    jax.block_until_ready(program(*arguments))
    return lambda: jax.block_until_ready(program(*arguments))
