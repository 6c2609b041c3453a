"""Remove old run folders."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchsuite.errors import OptionError, StoreError
from benchsuite.store.location import folder_size, lock_folder, run_folders

_AGES = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SIZES = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True)
class StoredRun:
    """A run folder in `.benchsuite`.

    Args:
        path: the folder.
        bytes: of all of its files.
        written: when its run.json was last written.
    """

    path: Path
    bytes: int
    written: datetime

    @classmethod
    def of(cls, path: Path) -> StoredRun:
        """Measure a run folder."""
        written = datetime.fromtimestamp((path / "run.json").stat().st_mtime, UTC)
        return cls(path, folder_size(path), written)


def stored_runs() -> list[StoredRun]:
    """List the runs in `.benchsuite`, the newest first."""
    return [StoredRun.of(path) for path in run_folders()]


def runs_to_remove(
    runs: Sequence[StoredRun], older_than: timedelta | None, keep: int | None, now: datetime | None = None
) -> list[StoredRun]:
    """Select the runs to remove: those that are too old, and the oldest ones beyond a total size.

    Args:
        runs: the newest first.
        older_than: age from which on a run is removed.
        keep: bytes that all remaining runs may have.
        now: the time.
    """
    latest = now or datetime.now(UTC)
    kept, removed = 0, list[StoredRun]()
    for run in runs:
        too_old = older_than is not None and latest - run.written > older_than
        if too_old or (keep is not None and kept + run.bytes > keep):
            removed.append(run)
        else:
            kept += run.bytes
    return removed


def remove_run(run: StoredRun) -> None:
    """Remove a run folder.

    Raises:
        StoreError: it is a link to somewhere else, another process is writing into it, or it cannot be removed.
    """
    if run.path.is_symlink():
        raise StoreError(f"{run.path} is a link to somewhere else", "remove the link yourself")
    try:
        with lock_folder(run.path):
            shutil.rmtree(run.path)
    except OSError as error:
        raise StoreError(f"{run.path} cannot be removed: {error.strerror}", "remove it yourself") from error


def parse_age(text: str) -> timedelta:
    """Parse an age such as "30d", "12h" or "2w".

    Raises:
        OptionError: it is not of this form.
    """
    number, unit = _number_and_unit(text, "--older-than", _AGES, "give an age such as 30d, 12h or 2w")
    try:
        return number * _AGES[unit]
    except OverflowError:
        raise OptionError(f"--older-than is {text!r}", "give a shorter age, such as 30d") from None


def parse_size(text: str) -> int:
    """Parse a size such as "500M" or "2G".

    Raises:
        OptionError: it is not of this form.
    """
    number, unit = _number_and_unit(text, "--keep-size", _SIZES, "give a size such as 500M or 2G")
    return int(number * _SIZES[unit])


def _number_and_unit(text: str, flag: str, units: Mapping[str, object], hint: str) -> tuple[float, str]:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z])(?:i?b)?", text.strip().lower())
    if not found or found[2] not in units:
        raise OptionError(f"{flag} is {text!r}", hint)
    return float(found[1]), found[2]
