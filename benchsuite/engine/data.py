"""Find the files of a dataset, fetch them where they are missing, and prove that they are the right ones."""

from __future__ import annotations

import gzip
import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite.case import Download, Split, Table
from benchsuite.errors import DataError
from benchsuite.settings import AUTO, STAND_IN
from benchsuite.system import cache

#: The environment variable that names a folder with a sub-folder for each dataset.
FOLDER_VARIABLE = "BENCHSUITE_DATA"

#: Seconds without an answer after which a mirror is given up.
TIMEOUT = 5

#: Bytes of a compressed file, and seconds that fetching it may take, at most: a mirror may never come to an end.
LARGEST, PATIENCE = 2**30, 1800


@dataclass(frozen=True)
class Loaded:
    """The examples of a table, and what they really are."""

    split: Split
    label: str
    origin: str
    stand_in: bool = False


#: What `load` returned before, by its arguments.
_loaded: dict[tuple[Table, str, Path | None], Loaded] = {}


def load(table: Table, choice: str = AUTO, folder: Path | None = None) -> Loaded:
    """The examples of `table`: its real files, or its stand-in where they cannot be had.

    Args:
        table: the dataset.
        choice: "auto", "stand-in", or the name of a dataset whose absence is then an error.
        folder: where to look first; by default what `BENCHSUITE_DATA` names.

    Raises:
        DataError: a file is damaged, or the files cannot be had and no stand-in may take their place.
    """
    asked = table, choice, folder
    if asked not in _loaded:
        _loaded[asked] = _load(table, choice, folder)
    return _loaded[asked]


def release_data(keep: Iterable[object] = ()) -> None:
    """Drop the loaded examples of all datasets but those that are still needed.

    Call it when a case has ended. Streams may be among the datasets; nothing of theirs is kept anyway.

    Args:
        keep: datasets of the cases that are still to be trained.
    """
    needed = set(map(id, keep))
    for asked in [asked for asked in _loaded if id(asked[0]) not in needed]:
        del _loaded[asked]


def _load(table: Table, choice: str, folder: Path | None) -> Loaded:
    if table.download is None:
        return Loaded(table.load({}), table.name, "made by its plugin")
    if choice == STAND_IN:
        return _draw_stand_in(table, "asked for")
    try:
        files = obtain(table.name, table.download, folder)
    except UnobtainableError as error:
        if choice == table.name or table.stand_in is None:
            raise
        return _draw_stand_in(table, error.message)
    contents = {name: verified_content(path, table.download.sha256[name]) for name, path in files.items()}
    return Loaded(table.load(contents), table.name, str(next(iter(files.values())).parent))


def _draw_stand_in(table: Table, reason: str) -> Loaded:
    if table.stand_in is None:
        raise DataError(f"dataset {table.name} has no stand-in", "choose --dataset auto")
    return Loaded(table.stand_in(), f"{table.name}-stand-in", reason, stand_in=True)


class UnobtainableError(DataError):
    """The files of a dataset are nowhere to be had; unlike a damaged file, a stand-in may replace them."""


def obtain(
    name: str,
    download: Download,
    folder: Path | None = None,
    *,
    fetch: bool = True,
    on_fetch: Callable[[str], None] = lambda _: None,
) -> dict[str, Path]:
    """Paths of the files of dataset `name`: in the folder, else in the cache, else fetched into the cache.

    Args:
        name: the dataset, and the sub-folder that holds its files.
        download: the files and their mirrors.
        folder: where to look first, in its sub-folder `name` if it has that; by default what `BENCHSUITE_DATA` names.
        fetch: whether to fetch what is in neither place, or cannot be used.
        on_fetch: is told every address that is tried.

    Raises:
        UnobtainableError: a file is in neither place, and no mirror gives it.
        DataError: the folder that was named does not exist.
    """
    local = _local_folder(folder)
    if local and (local / name).is_dir():
        return {file: _present(local / name / file) for file in download.sha256}
    cached = cache.folder() / name
    return {file: _cached_or_fetched(file, cached, download, fetch, on_fetch) for file in download.sha256}


def _present(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is missing beside the other files", "add it, or leave the folder out")
    return path


def _local_folder(folder: Path | None) -> Path | None:
    named = folder or (Path(os.environ[FOLDER_VARIABLE]) if os.environ.get(FOLDER_VARIABLE) else None)
    if named and not named.is_dir():
        raise DataError(f"the data folder {named} does not exist", f"mend --data-dir or {FOLDER_VARIABLE}")
    return named


def _cached_or_fetched(
    file: str, cached: Path, download: Download, fetch: bool, on_fetch: Callable[[str], None]
) -> Path:
    path = cached / file
    if path.is_file():
        try:
            verified_content(path, download.sha256[file])
            return path
        except DataError:
            if not fetch:
                raise
            _take_away(path)
    if not fetch:
        raise UnobtainableError(f"{file} is not in {cached}", "fetch it with `benchsuite data`, without --verify")
    return _fetch(file, cached, download, on_fetch)


def _take_away(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} is damaged and cannot be taken away: {error.strerror}", "delete it") from error


class _Watch:
    """Is told by pooch, as a progress bar, of each piece of a file."""

    total = 0

    def __init__(self) -> None:
        self._bytes, self._end = 0, time.monotonic() + PATIENCE

    def update(self, size: int) -> None:
        """So many bytes more have come.

        Raises:
            DataError: it is too much, or takes too long.
        """
        self._bytes += size
        if self._bytes > LARGEST or time.monotonic() > self._end:
            raise DataError("it does not come to an end", "")

    def reset(self) -> None:
        """All have come, and are going to be told again at once."""
        self._bytes = 0

    def close(self) -> None:
        """Nothing more will come."""


def _fetch(file: str, cached: Path, download: Download, on_fetch: Callable[[str], None]) -> Path:
    import pooch

    reasons = []
    try:
        cached.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnobtainableError(
            f"the cache {cached} cannot be written: {error.strerror}", f"name a data folder in {FOLDER_VARIABLE}"
        ) from error
    path = cached / file
    for mirror in download.mirrors:
        on_fetch(mirror + file)
        downloader = pooch.HTTPDownloader(progressbar=_Watch(), timeout=TIMEOUT)
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(mirror + file, None, file, cached, downloader=downloader)
            verified_content(path, download.sha256[file])
            return path
        except DataError as error:
            _take_away(path)
            reasons.append(f"{mirror}: {error.message}")
        except (OSError, ValueError) as error:  # requests' exceptions are OSErrors; a malformed address is a ValueError
            reasons.append(f"{mirror}: {type(error).__name__}")
    raise UnobtainableError(
        f"{file} is not in {cached}, and no mirror gave it ({'; '.join(reasons)})",
        f"fetch it on a machine with a network (`benchsuite data`), or name a folder in {FOLDER_VARIABLE}",
    )


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def verified_content(path: Path, sha256: str) -> bytes:
    """The uncompressed content of a gzip file whose digest is `sha256`.

    Raises:
        DataError: the file cannot be read, is not gzip, is cut short, or has another content.
    """
    with _opened(path) as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != sha256:  # only now is it known that its content fits into the memory
            raise DataError(
                f"{path} holds other data than it should: sha256 {found[:12]}… instead of {sha256[:12]}…",
                "delete the file and let `benchsuite data` fetch it again",
            )
        content.seek(0)
        return content.read()


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile]:
    try:
        with gzip.open(path) as content:
            yield content
    except EOFError as error:
        raise DataError(f"{path} is cut short", "delete the file and let `benchsuite data` fetch it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a sound gzip file ({error})", "delete it and fetch it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check that it is a readable file") from error
