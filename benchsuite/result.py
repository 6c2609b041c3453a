"""What a run folder holds of a case: its figures, and the rows that they were taken from."""

from __future__ import annotations

from typing import NamedTuple

from benchsuite.record import Record, summarise
from benchsuite.rows import Rows
from benchsuite.store import RunFolder


class Result(NamedTuple):
    """The figures of a case, or of one value of an option that is swept over, and its rows."""

    record: Record
    rows: Rows


def results(folder: RunFolder) -> list[Result]:
    """All results of a run, finished or not, in the order in which the cases were started.

    Raises:
        StoreError: a file is damaged.
    """
    found = []
    for plan in folder.plans:
        if shards := folder.shards(plan.id):
            records = summarise(plan, shards, folder.starts(plan.id))
            parts = ([shard.at(record.setting).rows for shard in shards] for record in records)
            found += [Result(record, Rows.join(rows)) for record, rows in zip(records, parts, strict=True)]
    return found
