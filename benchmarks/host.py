"""The host's CPU time for many seeds on a device that trains at once: `python benchmarks/host.py [--seeds 1000000]`.

The mock device trains a few lanes of relu-to-relu once, and returns their evaluations again and again, as new arrays of
an accelerator's blocks. What is left is the suite's own work: rows, curves, outcomes,
rounds on disk, summaries and progress. CI runs it for few seeds.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import numpy as np

from benchsuite.engine import ensemble, trainer
from benchsuite.execution import CaseRun, open_folder
from benchsuite.plugins import load_registry
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.system import machine
from benchsuite.system.progress import ProgressBar

CASE = "relu-to-relu"

#: Lanes that are really trained.
TRAINED = 128


class MockEnsemble(ensemble.Ensemble):
    """An ensemble whose devices train a few lanes once, and then return them again and again as whole blocks."""

    def __init__(self, problem: Any, devices: Sequence[Any], lanes: int, *, pinned: bool = False) -> None:
        super().__init__(problem, devices, TRAINED, pinned=pinned)
        self.lanes = lanes

    def _run(self, blocks: Sequence[Any], on_progress: Any) -> Any:
        if not hasattr(self, "_kept"):
            few = [(seeds[:TRAINED], None) for seeds, _ in blocks]
            self._kept = super()._run(few, lambda _: None)
        evaluations, diagnostics, _ = self._kept
        for _ in evaluations[1:]:
            on_progress(1 / (len(evaluations) - 1))
        whole = jax.tree.map(lambda leaf: np.resize(leaf, (self.lanes, *leaf.shape[1:])), (evaluations, diagnostics))
        return *whole, 1.0


def measure(seeds: int, lanes: int) -> float:
    """Measure the CPU time of a run on one mock device, without its first round, in seconds."""
    settings, case = TrainingSettings(seeds=seeds, protocol="quick"), load_registry().case(CASE)
    claims = [claim for claim in case.claims if not hasattr(claim.check, "start")]
    case = replace(case, starts={}, claims=claims)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProgressBar(io.StringIO()) as live,
        mock.patch.object(trainer, "lanes_per_block", return_value=lanes),
        mock.patch.object(trainer, "Ensemble", MockEnsemble),
        mock.patch.object(machine, "devices", mock.Mock(return_value=machine.devices()[:1])),
    ):
        output = OutputSettings(run_dir=Path(folder) / "run")
        run = CaseRun(case, settings, open_folder(settings, output), live)
        rounds = run.round_results()
        next(rounds)
        begin = time.process_time()
        for _ in rounds:
            pass
        run.summaries()
        return time.process_time() - begin


def main() -> None:
    """Print the CPU time for so many seeds and for a quarter of them, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1_000_000)
    parser.add_argument("--lanes", type=int, default=16_384, help="lanes of a block")
    options = parser.parse_args()
    machine.configure()
    few, many = (measure(seeds, options.lanes) for seeds in (options.seeds // 4, options.seeds))
    print(f"{options.seeds // 4:,} seeds: {few:.2f} s of CPU; {options.seeds:,}: {many:.2f} s, {many / few:.1f} times")


if __name__ == "__main__":
    main()
