"""The cost of storing and summarising a run, without training: it must not grow with what is there already.

python benchmarks/store.py --cases 40 --variants 10      # the run folder
python benchmarks/store.py --seeds 1000000 --rounds 200  # the summaries of one case
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchsuite import Bound, Claim, FailureRate, Figure
from benchsuite.results import Accumulator, Outcome, Plan, RoundResult, SeedTable
from benchsuite.store import RunFolder, read_results

CLAIMS = (
    Claim("Half of the starts fail.", FailureRate(equals=0.5)),
    Claim("Few of some fail.", FailureRate(at_most=0.9, among="w > 0")),
    Claim("No weight leaves the interval.", Bound("w", -9.0, 9.0)),
    Claim("The one run ended so.", Figure("loss", 0.1)),
)

PLAN = Plan(
    case="toy",
    treatment="",
    sweep={},
    restarts=1,
    source="https://example.org/toy",
    protocol="source",
    dataset="noise",
    stand_in=False,
    data_origin="drawn on the device",
    criterion="r2 ≥ 0.99",
    claims=[claim.to_json() for claim in CLAIMS],
    starts={},
    readings={"dead units": "how many never fire"},
    program="0123456789abcdef",
    data_digest="fedcba9876543210",
    steps=list(range(0, 2001, 100)),
    parameter_names=["w", "b"],
    seeds=100,
    round_size=20,
    chunk_size=20,
    precision="highest",
    prng="threefry2x32",
    device="cpu",
    platform="cpu",
    device_count=1,
)


def make_round(first: int, size: int, evaluations: int, curves_below: int = 1000) -> RoundResult:
    """A round of so many seeds with random ends."""
    chance, seeds = np.random.default_rng(first), np.arange(first, first + size)
    r2, w, b = chance.uniform(-1, 1, size), *chance.normal(size=(2, size))
    converged = r2 > 0
    kept = int((seeds < curves_below).sum())
    rows = SeedTable(
        seeds=seeds,
        outcomes=np.where(converged, Outcome.CONVERGED.value, Outcome.STUCK.value),
        steps_to_success=np.where(converged, 100 * chance.integers(1, evaluations, size), -1),
        final={"r2": r2, "loss": 1 - r2, "largest_error": np.sqrt(1 - r2), "train.loss": 1 - r2},
        start={"w": w, "b": b},
        end={"w": w, "b": b},
        groups={"w > 0": w > 0, "w < 0": w < 0},
        diagnostics={"dead units": np.zeros(size)},
        settings={},
    )
    curves = {"metric.r2": np.zeros((kept, evaluations)), "metric.loss": np.zeros((kept, evaluations))}
    return RoundResult(rows, curves, 1.0, first_run=first == 0, chunk_size=size, device_count=1)


def store_case(folder: RunFolder, plan: Plan, rounds: Sequence[RoundResult]) -> None:
    """Write a case as a run does: its plan, and after every round the rows and, where it is due, the summaries."""
    folder.write_plan(plan)
    figures = Accumulator(plan)
    for round_result in rounds:
        folder.write_round(plan.id, round_result)
        figures.add(round_result)
        if figures.due:
            folder.write_summaries(figures.summaries())


def store_cases(folder: RunFolder, cases: int, variants: int) -> Iterator[tuple[float, float]]:
    """Write a run of so many cases; gives the seconds that each case and variant took, by the clock and of CPU."""
    rounds = [make_round(first, PLAN.round_size, len(PLAN.steps)) for first in range(0, PLAN.seeds, PLAN.round_size)]
    for number in range(cases):
        for variant in range(variants):
            plan = replace(PLAN, case=f"toy-{number}", treatment=f"variant-{variant}" if variant else "")
            begin = time.perf_counter(), time.process_time()
            store_case(folder, plan, rounds)
            yield time.perf_counter() - begin[0], time.process_time() - begin[1]


def warm_up() -> None:
    """Import SciPy's tests and compile msgspec's decoders, which a process does once."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "run"
        store_case(RunFolder.create(path, {}, {}), PLAN, [make_round(0, PLAN.seeds, len(PLAN.steps))])
        read_results(RunFolder(path))


def measure_folder(cases: int, variants: int) -> None:
    """Print how fast the cases of a run are written at its begin and at its end, and read."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "run"
        took = np.array(list(store_cases(RunFolder.create(path, {}, {}), cases, variants)))
        written = time.process_time()
        read_results(RunFolder(path))
        read = time.process_time()
    tenth = max(1, len(took) // 10)
    wall, cpu = took.sum(axis=0)
    print(f"{cases} cases x {variants} variants: written in {wall:.1f} s, {cpu:.1f} s of them CPU")
    for name, seconds in zip(("s", "CPU s"), took.T, strict=True):
        first, last = 1 / seconds[:tenth].mean(), 1 / seconds[-tenth:].mean()
        print(f"first tenth {first:.1f} per {name}, last tenth {last:.1f} per {name}, ratio {last / first:.2f}")
    print(f"read in {read - written:.1f} s CPU")


def measure_summaries(seeds: int, rounds: int) -> None:
    """Print the CPU time of the summaries of one case, round by round."""
    size = -(-seeds // rounds)
    plan = replace(PLAN, seeds=size * rounds, round_size=size)
    figures, took = Accumulator(plan), []
    for first in range(0, plan.seeds, size):
        round_result = make_round(first, size, len(plan.steps), curves_below=0)
        begin = time.process_time()
        figures.add(round_result)
        if figures.due:
            figures.summaries()
        took.append(time.process_time() - begin)
    begin = time.process_time()
    Accumulator(plan, figures.round_results).summaries()
    once = time.process_time() - begin
    print(f"{plan.seeds:,} seeds in {rounds} rounds: {sum(took):.2f} s CPU, at once {once:.2f} s CPU")
    print(f"ratio {sum(took) / once:.2f}; median round {1000 * np.median(took):.2f} ms")


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--variants", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    warm_up()
    if options.seeds:
        measure_summaries(options.seeds, options.rounds)
    else:
        measure_folder(options.cases, options.variants)


if __name__ == "__main__":
    main()
