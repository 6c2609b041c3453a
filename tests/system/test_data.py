"""Files of a dataset are found, fetched and proven to be the right ones; damage is told, absence is replaced loudly."""

from __future__ import annotations

import gc
import weakref
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from test_data import cache
from toys import Notes, line

from benchsuite import Schedule, Split, Table
from benchsuite.execution.session import Session
from benchsuite.plugins import Plugin, Registry, Supplied
from benchsuite.settings import OutputSettings, TrainingSettings


def test_session_frees_a_table_after_its_last_case() -> None:
    """The table of two cases is there while the second one is trained, and gone when the session is over."""
    loaded: list[weakref.ref[Any]] = []

    def load(files: Any) -> Split:
        del files
        x = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
        loaded.append(weakref.ref(x))
        return Split((x, 3 * x + 1), (x, 3 * x + 1))

    fields = {"dataset": Table("shared", load=load, batch_size=4), "schedule": Schedule(epochs=1, seeds=2)}
    cases = (line(name="one", **fields), line(name="two", **fields))
    registry = Registry((Plugin.of("both", "both", "none", Supplied(cases)),))
    session = Session(registry, TrainingSettings(), OutputSettings())

    result = session.run(lambda _: nullcontext(Notes()), pytest.fail)
    gc.collect()

    assert [summary.case for summary in result.summaries] == ["one", "two"]
    assert len(loaded) == 1, "the second case reloaded the table"
    assert loaded[0]() is None
    session.close()
