"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from benchsuite.errors import StoreError

_UNFINISHED = ".unfinished"


def write(path: Path, content: bytes, hint: str) -> None:
    """Write a file so that, whenever the process dies, it is there as a whole or not at all.

    Args:
        path: the file; its folder is made.
        content: what it is going to hold.
        hint: what to try where that fails.

    Raises:
        StoreError: it cannot be written; what was there before still is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint) from error


def tidy(folder: Path) -> None:
    """Take away what a process that was killed has left half written; nobody else may be writing there."""
    for left in folder.glob(f".*{_UNFINISHED}"):
        left.unlink(missing_ok=True)
