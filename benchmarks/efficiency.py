"""How near training comes to what the device can do at all: `python benchmarks/efficiency.py`.

Both sides of each ratio are measured in one run, in turns, so that a noisy machine disturbs them alike:

- relu-to-relu against drawing the same normals and doing nothing else;
- mnist-identity-1L against the bare matrix products of its own shapes, in FLOP/s;
- 13 learning rates of relu-to-relu side by side against one of them;
- the peak resident memory of 20,000 relu-to-relu seeds against that of 2,000, in processes of their own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from benchsuite import machine
from benchsuite.ensemble import Ensemble
from benchsuite.plugins import load_registry
from benchsuite.problem import Problem
from benchsuite.runner import make_plan
from benchsuite.settings import Settings
from benchsuite.sweep import Range
from benchsuite.variant import swept

REPETITIONS = 5
PIXELS, BATCH, IMAGES, TEST_IMAGES = 784, 128, 60_000, 10_000


def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """The function over seeds (the first axis of each argument), on all devices, ready to be timed."""
    spread = NamedSharding(Mesh(np.array(machine.devices()), ("seeds",), axis_types=(AxisType.Auto,)), SEEDS)
    arguments = jax.device_put(arguments, spread)
    program = jax.jit(jax.vmap(function), out_shardings=spread).lower(*arguments).compile()
    return lambda: jax.block_until_ready(program(*arguments))


SEEDS = PartitionSpec("seeds")


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def alternate(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Times of all calls, taken in turns, after each ran once untimed."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPETITIONS):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return times


def ensemble(name: str, seeds: int, protocol: str = "source", sweep: str = "") -> Ensemble:
    """The program of a case, or of values of one of its options side by side, for chunks as a run would make them."""
    case = load_registry().case(name)
    case = swept(case, None, Range.parse(sweep)) if sweep else case
    problem = Problem.pose(case, Settings(protocol=protocol, seeds=seeds, rounds=1))
    chunk = make_plan(problem, Settings(seeds=seeds, rounds=1), machine.devices()).chunk_size
    return Ensemble.fitting(problem, chunk, machine.devices(), "highest")


def draw_only(key: jax.Array) -> jax.Array:
    """The normals of one relu-to-relu seed, added up so that they have to be drawn."""

    def step(total: jax.Array, number: jax.Array) -> tuple[jax.Array, None]:
        return total + jax.random.normal(jax.random.fold_in(key, number), (1000,)).sum(), None

    return jax.lax.scan(step, jnp.float32(0), jnp.arange(2000))[0]


def products_only(batches: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The forward product of each batch with the kernel, and the product that is the kernel's gradient."""

    def step(carry: Any, batch: jax.Array) -> tuple[Any, None]:
        _, gradient = carry
        forward = batch @ kernel
        return (forward, batch.T @ forward + 0 * gradient[0, 0]), None

    start = (jnp.zeros((BATCH, PIXELS)), jnp.zeros((PIXELS, PIXELS)))
    return jax.lax.scan(step, start, batches)[0]


def tiny(seeds: int = 200) -> tuple[float, str]:
    """relu-to-relu against the floor of its random numbers."""
    training = ensemble("relu-to-relu", seeds)
    keys = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(0), seed))(jnp.arange(seeds))
    times = alternate({"training": lambda: training.train(np.arange(seeds)), "floor": compiled(draw_only, keys)})
    trained, floor = (statistics.median(times[name]) for name in ("training", "floor"))
    return floor / trained, f"{seeds / trained:.0f} seeds/s trained, {seeds / floor:.0f} seeds/s drawn only"


def side_by_side(seeds: int = 200) -> tuple[float, str]:
    """13 learning rates of relu-to-relu against one."""
    one, many = ensemble("relu-to-relu", seeds), ensemble("relu-to-relu", seeds, sweep="learning_rate=1e-4:1:13")
    times = alternate({"one": lambda: one.train(np.arange(seeds)), "many": lambda: many.train(np.arange(seeds))})
    alone, together = (statistics.median(times[name]) for name in ("one", "many"))
    return together / alone, f"{seeds / together:.0f} seeds/s at all 13, {seeds / alone:.0f} seeds/s at one"


def dense() -> tuple[float, str]:
    """mnist-identity-1L against the rate of its bare matrix products."""
    seeds = len(machine.devices())
    training = ensemble("mnist-identity-1L", seeds, "quick")
    steps = 100
    rng = np.random.default_rng(0)
    batches = rng.normal(size=(seeds, steps, BATCH, PIXELS)).astype(np.float32)
    kernel = rng.normal(size=(seeds, PIXELS, PIXELS)).astype(np.float32)
    times = alternate(
        {"training": lambda: training.train(np.arange(seeds)), "products": compiled(products_only, batches, kernel)}
    )
    product = 2 * PIXELS * PIXELS
    # One epoch and two evaluations, each of them a forward product and one for the gradient of the kernel.
    trained = seeds * 2 * product * (IMAGES + 2 * TEST_IMAGES) / statistics.median(times["training"])
    bare = seeds * 2 * product * steps * BATCH / statistics.median(times["products"])
    return trained / bare, f"{trained / 1e9:.0f} GFLOP/s trained, {bare / 1e9:.0f} GFLOP/s of bare products"


def memory(seeds: int) -> float:
    """The peak resident memory of a run of its own, in MiB."""
    command = [sys.executable, __file__, "peak", str(seeds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak(seeds: int) -> None:
    """Print the peak resident memory of this process, in MiB, after it has trained so many seeds in full."""
    import tempfile
    from pathlib import Path

    from benchsuite.progress import Live
    from benchsuite.runner import CaseRun, open_folder

    with tempfile.TemporaryDirectory() as folder, Live(sys.stderr) as live:
        settings = Settings(seeds=seeds, run_dir=Path(folder))
        for _ in CaseRun(load_registry().case("relu-to-relu"), settings, open_folder(settings), live).shards():
            pass
    # Not getrusage: its maximum is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Print a table of ratios, and the same as one line of JSON."""
    machine.configure()
    if sys.argv[1:2] == ["peak"]:
        peak(int(sys.argv[2]))
        return
    rows = {
        "relu-to-relu / floor": tiny(),
        "time of 13 learning rates / 1": side_by_side(),
        "mnist-identity-1L / products": dense(),
    }
    small, large = memory(2_000), memory(20_000)
    rows["memory of 20,000 / 2,000 seeds"] = (large / small, f"{large:.0f} MiB, {small:.0f} MiB")
    for name, (ratio, figures) in rows.items():
        print(f"{name:32} {ratio:6.2f}   {figures}")
    print(json.dumps({name: ratio for name, (ratio, _) in rows.items()}))


if __name__ == "__main__":
    main()
