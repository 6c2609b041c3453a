"""A run trains the rounds that are missing, adapts to the memory there is, and leaves every round on disk."""

from __future__ import annotations

import dataclasses

import pytest
from test_runner import rows
from toys import line, line_table, run

from benchsuite.engine import ensemble
from benchsuite.execution.runner import open_folder
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.system import machine


def test_large_rounds_are_trained_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round may be larger than what fits side by side, and its rows do not show it."""
    small, large = open_folder(TrainingSettings(), OutputSettings()), open_folder(TrainingSettings(), OutputSettings())
    with monkeypatch.context() as patch:
        patch.setattr(ensemble, "LANES_PER_CORE", 8)
        chunked = run(line(), small, rounds=1)

    assert chunked.plan.chunk_size == 8 * len(machine.devices())
    assert rows(chunked, small) == rows(run(line(), large, rounds=1), large)


def test_table_is_run_like_a_stream() -> None:
    """Both kinds of data go the same way."""
    schedule = dataclasses.replace(line().schedule, steps=None, epochs=60)

    summary = run(line(dataset=line_table(), schedule=schedule)).summaries()[0]

    assert (summary.dataset, summary.converged, summary.time_to_success["resolution"]) == ("points", 20, 60)
