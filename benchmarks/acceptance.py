"""Figures of the sources that take minutes to check: `python benchmarks/acceptance.py`.

- relu-to-relu, 10,000 seeds: the 99.9 % interval of the failure rate, which theory puts at 1/2;
- mnist-identity-1L, 8 seeds under the source's protocol on the real data: each seed's test loss, and where the source's
  167.95 falls among them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchsuite.execution.runner import CaseRun, open_folder
from benchsuite.plugins.registry import load_registry
from benchsuite.results.seeds import SeedTable
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.stats import rate_interval
from benchsuite.system import machine
from benchsuite.system.progress import ProgressBar

SOURCE_TEST_LOSS = 167.9543


def rows(case: str, **options: object) -> SeedTable:
    """Train a case in full."""
    with tempfile.TemporaryDirectory() as folder, ProgressBar(sys.stderr) as live:
        settings = TrainingSettings(protocol="source", **options)  # type: ignore[arg-type]
        run = CaseRun(load_registry().case(case), settings, open_folder(settings, OutputSettings(run_dir=Path(folder))), live)
        return SeedTable.join([round_result.rows for round_result in run.round_results()])


def main() -> None:
    """Print both."""
    machine.configure()
    outcomes = rows("relu-to-relu", seeds=10_000).outcomes
    failures = int((outcomes != "converged").sum())
    low, high = rate_interval(failures, len(outcomes), confidence=0.999)
    print(f"relu-to-relu: {failures} of {len(outcomes)} fail, 99.9 % interval {low:.4f} to {high:.4f}")

    losses = rows("mnist-identity-1L", seeds=8, dataset="mnist").final["loss"]
    below = int((losses < SOURCE_TEST_LOSS).sum())
    print(f"mnist-identity-1L: test losses {[round(float(loss), 1) for loss in np.sort(losses)]}")
    print(f"the source's {SOURCE_TEST_LOSS} is above {below} of {len(losses)} of them")


if __name__ == "__main__":
    main()
