"""Compile the training of cases for an NVIDIA H100 that need not be here, check the programs and describe them.

    tox -e gpu-ahead                           # the core cases, and one of each kind of program besides
    python benchmarks/gpu_ahead.py CASE…       # these cases
    python benchmarks/gpu_ahead.py --all       # every case, of a ladder the last one: half an hour on two cores
    python benchmarks/gpu_ahead.py --renew …   # with new figures in gpu_ahead.json and docs/explanation/gpu.md

Requires jax's CUDA plugin and NVIDIA's compilers, which run without a GPU or a driver:
`pip install --no-deps jax-cuda13-plugin jax-cuda13-pjrt nvidia-cuda-nvcc nvidia-nvvm`, in the version of jax.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"  # the CUDA plugin describes a card, and finds none
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # programs for a described card cannot be read back
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import jax
from gpu_programs import GRAPH, LOOP, Dump, Thunk, training_step
from jax.experimental import topologies

from benchsuite.case import Case
from benchsuite.engine import Problem, make_plan
from benchsuite.engine.programs import lower_for
from benchsuite.errors import BenchsuiteError
from benchsuite.plugins import Registry, load_registry
from benchsuite.settings import CORE, SOURCE, TrainingSettings
from benchsuite.system import compat, machine

HERE = Path(__file__).parent
FIGURES, PAGE = HERE / "gpu_ahead.json", HERE.parent / "docs" / "explanation" / "gpu.md"

CARD = "NVIDIA H100 80GB HBM3"

#: The H100 SXM5 with 80 GB: NVIDIA H100 Tensor Core GPU Architecture (2022), and limits of compute capability 9.0 in
#: the CUDA C++ Programming Guide. Names as in XLA's `GpuTargetConfigProto`.
MEMORY, CORES, CLOCK_GHZ = 84_942_979_072, 132, 1.98
DEVICE: dict[str, Any] = {
    "threads_per_block_limit": 1024,
    "threads_per_warp": 32,
    "shared_memory_per_block": 49_152,
    "shared_memory_per_core": 233_472,
    "shared_memory_per_block_optin": 232_448,
    "threads_per_core_limit": 2048,
    "core_count": CORES,
    "fpus_per_core": 128,
    "block_dim_limit_x": 2**31 - 1,
    "block_dim_limit_y": 65_535,
    "block_dim_limit_z": 65_535,
    "memory_bandwidth": 3_350_000_000_000,
    "l2_cache_size": 52_428_800,
    "clock_rate_ghz": CLOCK_GHZ,
    "device_memory_size": MEMORY,
    "registers_per_core_limit": 65_536,
    "registers_per_block_limit": 65_536,
    "driver_version": "13.0.0",
    "runtime_version": "13.0.0",
    "compile_time_toolkit_version": "13.0.0",
    "dnn_version": "9.10.0",
}

#: The share of the memory that JAX allocates by default.
ALLOCATED = 0.75

#: Of an estimate: instructions of a thread a second on all cores, as half of them are integer operations, which run at
#: half the rate; multiplications of products in float32 a second; seconds from a kernel of a graph to the next.
INSTRUCTIONS, MULTIPLICATIONS, LAUNCH = 0.75 * 128 * CORES * CLOCK_GHZ * 1e9, 128 * CORES * CLOCK_GHZ * 1e9, 1.5e-6

#: Kernels from which on XLA makes a graph (`xla_gpu_graph_min_graph_size`).
SMALLEST_GRAPH = 5

#: Memory a lane may exceed the pinned figure by this share.
TOLERANCE = 0.02

#: Custom calls that a step may have, and why.
CALLS = {"__cublas$lt$matmul": "a product of matrices, by the first algorithm that cuBLAS proposes for its shape"}

#: A function of parameters alone, labels, a table with a split, and a loop over time.
KINDS = ("himmelblau", "parity-4", "product", "adding-gru-length-32")

#: (pattern of case names, check) → why the case is excepted from it.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("adding-*", "graph"): "the loop over time is not part of a graph",
    ("copying-*", "graph"): "the loop over time is not part of a graph",
    ("convection-lbfgs-*", "graph"): "the line search is a loop",
    ("convection-lbfgs-*", "loops"): "the line search ends by a condition",
}


class Card:
    """The described card, as `make_plan` sees a device."""

    platform, device_kind, client = "gpu", CARD, None

    def memory_stats(self) -> dict[str, int]:
        """The memory that JAX would allocate."""
        return {"bytes_limit": int(ALLOCATED * MEMORY)}


@dataclass(frozen=True)
class Compiled:
    """What is known about a compiled case besides the files that XLA dumps.

    Args:
        lanes: of a block.
        bytes: of a block, data included.
        period: optimiser steps from one evaluation to the next.
        steps: optimiser steps of the whole training.
        seconds: taken here to load, trace and compile the case.
    """

    lanes: int
    bytes: int
    period: int
    steps: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """The figures of a case: lanes of a block, kernels a step, bytes a lane, and an estimate of seeds a second."""

    lanes: int
    kernels: int
    bytes: int
    seeds_per_second: float
    products: int


def describe_card() -> Any:
    """Describe the card to JAX; returns its device."""
    lines = [f"  {name}: {json.dumps(value)}" for name, value in DEVICE.items()]
    lines.append("  cuda_compute_capability { major: 9 feature_extension: ACCELERATED_FEATURES }")
    text = "\n".join(["gpu_device_info {", *lines, "}", 'platform_name: "CUDA"', "runtime_version { major: 13 }"])
    text += f'\ndnn_version_info {{ major: 9 minor: 10 }}\ndevice_description_str: "{CARD}"\n'
    return topologies.get_topology_desc(platform="cuda", target_config=text, topology="1x1x1").devices[0]


def compile_case(case: Case, device: Any, folder: Path) -> Compiled:
    """Compile the training of a case at the block of a nightly run, and let XLA write its files into a folder.

    Raises:
        ValueError: the block depends on the number of seeds.
    """
    begin = time.perf_counter()
    settings = TrainingSettings(protocol=SOURCE)
    problem = Problem.load(case, settings)
    few, many = (make_plan(problem, TrainingSettings(protocol=SOURCE, seeds=n), [Card()]) for n in (10, 1_000_000))
    if (few.chunk_size, few.compiler_options) != (many.chunk_size, many.compiler_options):
        raise ValueError(f"10 seeds have blocks of {few.chunk_size} lanes, a million {many.chunk_size}")
    lowered = lower_for(device, problem, few.chunk_size)
    with compat.wide_numbers(case.dtype):
        options = {**few.compiler_options, "xla_dump_to": str(folder)}
        advance = lowered.advance.compile(compiler_options=options)
    largest = compat.peak_bytes(advance)
    steps = problem.training.steps
    return Compiled(few.chunk_size, largest, steps[1], steps[-1], round(time.perf_counter() - begin, 1))


def figures_of(compiled: Compiled, dump: Dump) -> Figures:
    """Compute the figures of a compiled case."""
    step = training_step(dump.program, compiled.period)
    launches = sum(times for _, times in step.launches()) // (step.trips or 1)
    products = sum(times for part, times in step.launches() if part.name in dump.products) // (step.trips or 1)
    seconds = estimate_seconds(dump) * compiled.steps / compiled.period
    rate = compiled.lanes / seconds
    return Figures(compiled.lanes, launches, round(compiled.bytes / compiled.lanes), float(f"{rate:.2g}"), products)


def estimate_seconds(dump: Dump) -> float:
    """Estimate the time from one evaluation to the next: arithmetic at full rate, and launches; no memory traffic."""
    return sum(
        times
        * (
            LAUNCH
            + part.threads * dump.instructions.get(part.name, 0) / INSTRUCTIONS
            + dump.products.get(part.name, 0) / MULTIPLICATIONS
        )
        for part, times in dump.program.launches()
    )


def faults_of(compiled: Compiled, dump: Dump, figures: Figures, pinned: Figures | None) -> Iterator[tuple[str, str]]:
    """Check a program; yields (check, what is wrong)."""
    step = training_step(dump.program, compiled.period)
    parts = {part.name: part for part in step.inside()}
    calls = {dump.calls[name] for name in parts if name in dump.calls} - CALLS.keys()
    if calls:
        yield "calls", f"the training step calls {', '.join(sorted(calls))}"
    if atomic := sorted(parts.keys() & dump.atomic):
        yield "atomics", f"the training step has atomic operations in {', '.join(atomic)}"
    if rounded := sorted(dump.tensor_float | dump.rounded):
        yield "tf32", f"TensorFloat-32 in {', '.join(rounded)}"
    if [child.kind for child in step.children] != [GRAPH] and figures.kernels >= SMALLEST_GRAPH:
        yield "graph", f"the training step is not one CUDA graph: {_outline(step)}"
    for loop in dump.program.inside():
        if loop.kind == LOOP and loop.trips is None:
            yield "loops", f"the host reads a condition after each trip of {loop.name}"
    yield from growth(figures, pinned)


def growth(now: Figures, pinned: Figures | None) -> Iterator[tuple[str, str]]:
    """Compare figures with the pinned ones; yields (check, what has grown)."""
    if pinned is None:
        click.echo("  no figures are pinned: add them with --renew")
        return
    if now.lanes != pinned.lanes:
        yield "pinned", f"blocks of {now.lanes} lanes, {pinned.lanes} are pinned"
    if now.kernels > pinned.kernels:
        yield "pinned", f"{now.kernels} kernels a step, {pinned.kernels} are pinned"
    if now.bytes > (1 + TOLERANCE) * pinned.bytes:
        yield "pinned", f"{now.bytes:,} bytes a lane, {pinned.bytes:,} are pinned"


def _outline(step: Thunk) -> str:
    kinds = [child.kind.removeprefix("k") for child in step.children]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def reason_for(case: str, check: str) -> str:
    """Why a case is excepted from a check; empty where it is not."""
    return next((why for (pattern, of), why in EXCEPTIONS.items() if of == check and fnmatch(case, pattern)), "")


def representatives(registry: Registry) -> dict[str, Case]:
    """Select every case, of a ladder the last one."""
    last = {case.rung.facts["ladder_name"] if case.rung else name: name for name, case in registry.cases.items()}
    return {name: registry.case(name) for name in last.values()}


def usual(cases: dict[str, Case]) -> list[str]:
    """Select the core cases, and one of each kind of program besides."""
    return [name for name, case in cases.items() if CORE in case.tags or name in KINDS]


def read_figures() -> tuple[str, dict[str, Figures]]:
    """Read the pinned figures, with the version of jax that they were taken with."""
    stored = json.loads(FIGURES.read_text())
    return stored["jax"], {name: Figures(**values) for name, values in stored["cases"].items()}


def write_figures(figures: dict[str, Figures]) -> None:
    """Pin figures, and write them into the page."""
    cases = {name: asdict(values) for name, values in sorted(figures.items())}
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(values)}" for name, values in cases.items())
    FIGURES.write_text(f'{{\n  "jax": "{jax.__version__}",\n  "card": "{CARD}",\n  "cases": {{\n{lines}\n  }}\n}}\n')
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table_of(figures)}{END}{rest.partition(END)[2]}")


BEGIN, END = "<!-- Written by benchmarks/gpu_ahead.py --renew. -->", "<!-- End of the table. -->"


def table_of(figures: dict[str, Figures]) -> str:
    """Make the table of the page."""
    rows = [
        f"| {name} | {f.lanes:,} | {f.kernels} | {f.products or ''} | {size(f.bytes)} | {f.seeds_per_second:,.10g} |"
        for name, f in sorted(figures.items())
    ]
    head = "| case | lanes of a block | kernels a step | of these products | memory a lane | seeds/s, estimated |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows, ""])


def size(count: float) -> str:
    """A number of bytes in KB or MB."""
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} KB"


def examine(case: Case, device: Any, folder: Path) -> tuple[Compiled, Dump]:
    """Compile a case into a folder, or read what is there, and read its program."""
    note = folder / "compiled.json"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(asdict(compile_case(case, device, folder))))
    return Compiled(**json.loads(note.read_text())), Dump.read(folder)


@click.command()
@click.argument("names", metavar="[CASE]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every case, of a ladder the last one.")
@click.option("--renew", is_flag=True, help="Pin the figures, and write them into docs/explanation/gpu.md.")
@click.option("--dumps", type=click.Path(path_type=Path), help="Folder for XLA's files; cases in it are not compiled.")
def main(names: Sequence[str], every: bool, renew: bool, dumps: Path | None) -> None:
    """Compile cases for an H100, and check their programs."""
    machine.configure("cpu")
    version, pinned = read_figures()
    if version != jax.__version__ and not renew:
        sys.exit(f"figures are pinned for jax {version}, not {jax.__version__}: run with --renew --all")
    registry = load_registry()
    cases = representatives(registry) | {name: registry.case(name) for name in names}
    device, failed, figures = describe_card(), 0, dict(pinned)
    with tempfile.TemporaryDirectory() as temporary:
        for name in names or (cases if every else usual(cases)):
            try:
                compiled, dump = examine(cases[name], device, (dumps or Path(temporary)) / name)
            except (BenchsuiteError, ValueError, jax.errors.JaxRuntimeError) as error:
                faults, why = [("compiles", str(error).splitlines()[0])], reason_for(name, "compiles")
                click.echo(f"{name}: {'excepted' if why else 'FAILED'}: {faults[0][1]}")
                failed += not why
                continue
            now = figures_of(compiled, dump)
            click.echo(
                f"{name}: {now.lanes:,} lanes, {now.kernels} kernels a step, {size(now.bytes)} a lane, "
                f"~{now.seeds_per_second:,.10g} seeds/s, {compiled.seconds:.0f} s here"
            )
            figures[name] = now
            for check, fault in faults_of(compiled, dump, now, now if renew else pinned.get(name)):
                why = reason_for(name, check)
                click.echo(f"  {'excepted, ' + why if why else 'FAILED'}: {fault}")
                failed += not why
    if renew:
        write_figures(figures)
    sys.exit(f"{failed} checks failed" if failed else 0)


if __name__ == "__main__":
    main()
