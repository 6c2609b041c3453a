"""The options that all trainings share, whether they are run or compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict


class SharedOptions(TypedDict, total=False):
    """The options of every training, with the meanings that `benchsuite run --help` describes."""

    tag: str | Sequence[str]
    family: str | Sequence[str]
    protocol: str
    rounds: int
    precision: str
    dtype: str
    dataset: str
    data_dir: str | Path
    platform: str
    executor: str
    scheduler: str
    workers: int
    time_limit: int
