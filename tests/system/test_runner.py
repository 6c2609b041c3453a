"""A run trains the rounds that are missing, adapts to the memory there is, and leaves every round on disk."""

from __future__ import annotations

import dataclasses

import pytest
from test_runner import rows
from toys import line, line_table, run

from benchsuite.engine import ensemble
from benchsuite.errors import DeviceError
from benchsuite.execution.runner import open_folder
from benchsuite.settings import OutputSettings, TrainingSettings
from benchsuite.system import machine


def test_rows_do_not_depend_on_the_size_of_rounds() -> None:
    """A round may be larger than the blocks of all devices, or smaller than one."""
    large, small = open_folder(TrainingSettings(), OutputSettings()), open_folder(TrainingSettings(), OutputSettings())

    in_blocks, in_part = run(line(), large, seeds=200, rounds=1), run(line(), small, seeds=200, rounds=9)

    assert in_blocks.plan.chunk_size == in_part.plan.chunk_size == 128
    assert rows(in_blocks, large) == rows(in_part, small)


def test_table_is_run_like_a_stream() -> None:
    """Both kinds of data go the same way."""
    schedule = dataclasses.replace(line().schedule, steps=None, epochs=60)

    summary = run(line(dataset=line_table(), schedule=schedule)).summaries()[0]

    assert (summary.dataset, summary.converged, summary.time_to_success["resolution"]) == ("points", 20, 60)


def test_block_is_halved_until_it_is_predicted_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is predicted before anything runs."""
    roomy = run(line(), rounds=1)
    limit = roomy.plan.predicted_bytes / ensemble.MEMORY_SHARE
    monkeypatch.setattr(machine, "available_memory", lambda device: limit * 0.99)

    tight = run(line(), rounds=1)

    assert (roomy.plan.chunk_size, tight.plan.chunk_size) == (128, 64)
    assert tight.summaries()[0].outcomes == roomy.summaries()[0].outcomes


def test_no_room_for_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that cannot fit is told so."""
    monkeypatch.setattr(machine, "available_memory", lambda device: 0)

    with pytest.raises(DeviceError, match="exceeds the memory of the device"):
        run(line())
