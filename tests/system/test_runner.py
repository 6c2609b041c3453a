"""A run trains the rounds that are missing, adapts to the memory there is, and leaves every round on disk."""

from __future__ import annotations

import dataclasses

import pytest
from test_runner import rows
from toys import line, line_table, run

from benchsuite.execution.runner import open_folder
from benchsuite.settings import OutputSettings, TrainingSettings


def test_rows_do_not_depend_on_the_size_of_rounds() -> None:
    """A round may be larger than the blocks of all devices, or smaller than one."""
    large, small = open_folder(TrainingSettings(), OutputSettings()), open_folder(TrainingSettings(), OutputSettings())

    in_blocks, in_part = run(line(), large, seeds=200, rounds=1), run(line(), small, seeds=200, rounds=9)

    assert in_blocks.plan.chunk_size == in_part.plan.chunk_size == 64
    assert rows(in_blocks, large) == rows(in_part, small)


def test_table_is_run_like_a_stream() -> None:
    """Both kinds of data go the same way."""
    schedule = dataclasses.replace(line().schedule, steps=None, epochs=60)

    summary = run(line(dataset=line_table(), schedule=schedule)).summaries()[0]

    assert (summary.dataset, summary.converged, summary.time_to_success["resolution"]) == ("points", 20, 60)
