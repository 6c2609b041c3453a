"""Load the examples of tables: find their files, download missing ones, and verify their digests."""

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

#: Seconds without a response after which a mirror is skipped.
TIMEOUT = 5

#: Limits of a download, in bytes and seconds: a faulty mirror may send data without end.
LARGEST, PATIENCE = 2**30, 1800


@dataclass(frozen=True)
class Loaded:
    """The examples of a dataset.

    Args:
        split: the examples.
        label: the name of the examples.
        origin: where they come from, or why they are synthetic.
        stand_in: whether they are synthetic data in place of files.
    """

    split: Split
    label: str
    origin: str
    stand_in: bool = False


#: Loaded examples by the arguments of `load`.
_loaded: dict[tuple[Table, str, Path | None], Loaded] = {}


def load_table(table: Table, choice: str = AUTO, folder: Path | None = None) -> Loaded:
    """Load the examples of a table from its files, or draw synthetic data where the files are unavailable.

    The examples stay in memory until `release_data` drops them; a second call returns the same.

    Args:
        table: the dataset.
        choice: "auto", "stand-in" for synthetic data, or the name of a dataset whose absence is then an error.
        folder: the data folder; by default the one that `BENCHSUITE_DATA` names.

    Raises:
        DataError: a file is damaged, or files are unavailable and synthetic data are not allowed.
    """
    asked = table, choice, folder
    if asked not in _loaded:
        _loaded[asked] = _load(table, choice, folder)
    return _loaded[asked]


def release_data(keep: Iterable[object] = ()) -> None:
    """Free the loaded examples of all tables except those that are still needed.

    Args:
        keep: datasets of the cases that are still to be trained; streams among them are ignored.
    """
    needed = set(map(id, keep))
    for asked in [asked for asked in _loaded if id(asked[0]) not in needed]:
        del _loaded[asked]


def _load(table: Table, choice: str, folder: Path | None) -> Loaded:
    if table.download is None:
        return Loaded(table.load({}), table.name, "made by its plugin")
    if choice == STAND_IN:
        return _draw_stand_in(table, "requested")
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
        raise DataError(f"dataset {table.name} has no synthetic data", "choose --dataset auto")
    return Loaded(table.stand_in(), f"{table.name}-stand-in", reason, stand_in=True)


class UnobtainableError(DataError):
    """The files of a dataset are neither local nor downloadable; synthetic data may replace them."""


def obtain(
    name: str,
    download: Download,
    folder: Path | None = None,
    *,
    fetch: bool = True,
    on_fetch: Callable[[str], None] = lambda _: None,
) -> dict[str, Path]:
    """Locate the files of a dataset in the data folder or in the cache; download missing ones into the cache.

    Args:
        name: the dataset, and the sub-folder with its files.
        download: the files and their mirrors.
        folder: the data folder, used if it has the sub-folder; by default the one that `BENCHSUITE_DATA` names.
        fetch: whether to download files that are missing or damaged.
        on_fetch: called with every address before it is tried.

    Returns:
        File name → path.

    Raises:
        UnobtainableError: a file is in neither place, and no mirror has it.
        DataError: the data folder does not exist, or lacks one of the files.
    """
    local = _local_folder(folder)
    if local and (local / name).is_dir():
        return {file: _present(local / name / file) for file in download.sha256}
    cached = cache.folder() / name
    return {file: _cached_or_fetched(file, cached, download, fetch, on_fetch) for file in download.sha256}


def _present(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is missing beside the other files", "add the file, or omit the folder")
    return path


def _local_folder(folder: Path | None) -> Path | None:
    named = folder or (Path(os.environ[FOLDER_VARIABLE]) if os.environ.get(FOLDER_VARIABLE) else None)
    if named and not named.is_dir():
        raise DataError(f"the data folder {named} does not exist", f"correct --data-dir or {FOLDER_VARIABLE}")
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
            _delete(path)
    if not fetch:
        raise UnobtainableError(f"{file} is not in {cached}", "download it with `benchsuite data`, without --verify")
    return _fetch(file, cached, download, on_fetch)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} is damaged and cannot be deleted: {error.strerror}", "delete it") from error


class _Watch:
    """Limits the size and the time of a download; pooch calls it as a progress bar."""

    total = 0

    def __init__(self) -> None:
        self._bytes, self._end = 0, time.monotonic() + PATIENCE

    def update(self, size: int) -> None:
        """Count received bytes.

        Raises:
            DataError: the download exceeds a limit.
        """
        self._bytes += size
        if self._bytes > LARGEST or time.monotonic() > self._end:
            raise DataError("the download exceeds the limit of size or time", "")

    def reset(self) -> None:
        """Restart the count."""
        self._bytes = 0

    def close(self) -> None:
        """Do nothing: there is no bar to close."""


def _fetch(file: str, cached: Path, download: Download, on_fetch: Callable[[str], None]) -> Path:
    import pooch

    reasons = []
    try:
        cached.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnobtainableError(
            f"the cache {cached} cannot be written: {error.strerror}", f"set {FOLDER_VARIABLE} to a data folder"
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
            _delete(path)
            reasons.append(f"{mirror}: {error.message}")
        except (OSError, ValueError) as error:  # requests' exceptions are OSErrors; a malformed address is a ValueError
            reasons.append(f"{mirror}: {type(error).__name__}")
    raise UnobtainableError(
        f"{file} is not in {cached}, and no mirror has it ({'; '.join(reasons)})",
        f"download it on a machine with a network (`benchsuite data`), or set {FOLDER_VARIABLE} to its folder",
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
    """Read the uncompressed content of a gzip file, and verify its digest.

    Raises:
        DataError: the file cannot be read, is not gzip, is truncated, or has another digest.
    """
    with _opened(path) as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != sha256:  # before the content is read: a wrong file may exceed the memory
            raise DataError(
                f"{path} has the sha256 {found[:12]}…, expected {sha256[:12]}…",
                "delete the file and run `benchsuite data`",
            )
        content.seek(0)
        return content.read()


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile]:
    try:
        with gzip.open(path) as content:
            yield content
    except EOFError as error:
        raise DataError(f"{path} is truncated", "delete the file and run `benchsuite data`") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is not a valid gzip file ({error})", "delete the file and run `benchsuite data`"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the permissions of the file") from error
