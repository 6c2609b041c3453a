"""Names, places and locks of run folders."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from benchsuite.errors import CaseError, StoreError

#: The id of a case, which names a folder.
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+@=,-]*")

#: Characters of a folder's name that every file system accepts.
LONGEST = 200

#: The default parent of run folders, below the working folder.
ROOT = Path(".benchsuite")

RUN, CASE, ROUNDS, _LOCK = "run.json", "case.json", "seeds-*.npz", ".lock"

#: The name of a run folder: the time, and a number where the same time has several.
_NAME = re.compile(r"([0-9]{8}-[0-9]{6})(?:-([0-9]{1,9}))?")


def make_folder(root: Path, now: datetime | None = None) -> Path:
    """Make a folder that is named after the time and sorts after all others.

    Args:
        root: its parent.
        now: the time; it is raised to that of the latest folder if the clock was set back.

    Raises:
        StoreError: it cannot be made.
    """
    latest = max(map(_order, root.glob("*")), default=("", 0))
    time, numbers = max((f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}", 0), latest)
    try:
        for number in itertools.count(numbers + 1):
            path = root / (time + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):  # another run began in the same second
                path.mkdir(parents=True)
                break
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}", "choose another folder") from error
    return path


def ensure_folder(path: Path) -> None:
    """Make a folder unless it exists.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}", "choose another --run-dir") from error


def run_folders() -> list[Path]:
    """List the run folders in `.benchsuite`, the newest first."""
    return sorted((run.parent for run in ROOT.glob(f"*/{RUN}")), key=_order, reverse=True)


def folder_size(path: Path) -> int:
    """Return the bytes of all files in a folder; files that disappear meanwhile count nothing."""
    total = 0
    for file in path.rglob("*"):
        with contextlib.suppress(OSError):
            total += 0 if file.is_symlink() or not file.is_file() else file.stat().st_size
    return total


def _order(path: Path) -> tuple[str, int]:
    """Return a key that sorts folders by time; other names sort before all times."""
    name = _NAME.fullmatch(path.name)
    return (name[1], int(name[2] or 1)) if name else ("", 0)


def is_folder_name(name: str) -> bool:
    """Check whether a name can be that of a folder within another, on every file system."""
    return _PLAIN.fullmatch(name) is not None and len(name) <= LONGEST


def case_folder(run: Path, case: str) -> Path:
    """Return the folder of a case, which need not exist.

    Raises:
        CaseError: the id cannot name a folder.
        StoreError: the folder is a link to somewhere else.
    """
    folder = run / case
    if not is_folder_name(case):
        raise CaseError(f"{case[:LONGEST]!r} cannot name a folder", "use a shorter name, or fewer treatments")
    if folder.is_symlink():
        raise StoreError(f"{folder} is a link to somewhere else", "move the folder itself to this place")
    return folder


def case_names(run: Path) -> list[str]:
    """List the folders of a run that hold a case.

    Raises:
        StoreError: one is a link to somewhere else, or the run's folder cannot be read.
    """
    try:
        names = sorted(path.name for path in run.iterdir() if path.is_dir() and is_folder_name(path.name))
    except OSError as error:
        raise StoreError(f"{run} cannot be read: {error.strerror}", "name a folder with a run.json in it") from error
    return [name for name in names if (case_folder(run, name) / CASE).exists()]


@contextlib.contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Keep other processes from writing into a run folder.

    Raises:
        StoreError: another one is writing into it.
    """
    lock = FileLock(path / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"another run is writing into {path}", "wait until it has ended, or name another --run-dir"
        ) from error
    except (OSError, NotImplementedError):  # some network file systems cannot lock
        pass
    try:
        yield
    finally:
        lock.release()
