"""Files of a dataset are found, fetched and proven to be the right ones; damage is told, absence is replaced loudly."""

from __future__ import annotations

import gc
import gzip
import hashlib
import http.server
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchsuite import DataError, Download, Split, Table, data

CONTENT = b"forty-two grey levels"
FILE = "levels.gz"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no folder named."""
    monkeypatch.setattr("benchsuite.system.cache.folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(data.FOLDER_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server on loopback: its address, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            del args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", folder
        server.shutdown()


def grey(*mirrors: str, stand_in: Callable[[], Split] | None = None) -> Table:
    """A table made of one file."""
    return Table(
        "grey",
        load=lambda files: Split(np.frombuffer(files[FILE], np.uint8), None),
        batch_size=1,
        download=Download(mirrors or ("http://127.0.0.1:9/",), {FILE: DIGEST}),
        stand_in=stand_in,
    )


def drawn() -> Split:
    """A stand-in."""
    return Split(np.zeros(3), np.zeros(3))


def put(folder: Path, content: bytes) -> Path:
    """Lay the file of the dataset into a folder."""
    path = folder / "grey" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_named_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the folder of the environment variable are used where they lie."""
    path = put(tmp_path / "mine", gzip.compress(CONTENT))
    monkeypatch.setenv(data.FOLDER_VARIABLE, str(tmp_path / "mine"))

    loaded = data.load_table(grey())

    assert bytes(loaded.split.train) == CONTENT
    assert (loaded.label, loaded.stand_in, loaded.origin) == ("grey", False, str(path.parent))


def test_missing_file_is_fetched_once(mirror: tuple[str, Path], cache: Path) -> None:
    """A mirror is asked when no folder has the file; the second time the cache has it."""
    address, served = mirror
    (served / FILE).write_bytes(gzip.compress(CONTENT, compresslevel=1))

    assert bytes(data.load_table(grey(address)).split.train) == CONTENT
    (served / FILE).unlink()
    assert bytes(data.load_table(grey(address)).split.train) == CONTENT
    assert (cache / "grey" / FILE).is_file()


def test_mirrors_are_tried_in_turn(mirror: tuple[str, Path]) -> None:
    """A mirror that is gone, lacks the file or has another is passed over."""
    address, served = mirror
    (served / "wrong").mkdir()
    (served / "wrong" / FILE).write_bytes(gzip.compress(b"something else"))
    (served / "right").mkdir()
    (served / "right" / FILE).write_bytes(gzip.compress(CONTENT))

    table = grey("http://127.0.0.1:9/", f"{address}lacking/", f"{address}wrong/", f"{address}right/")

    assert bytes(data.load_table(table).split.train) == CONTENT


def test_damaged_cache_is_fetched_again(mirror: tuple[str, Path], cache: Path) -> None:
    """A damaged file in the cache is downloaded again."""
    address, served = mirror
    (served / FILE).write_bytes(gzip.compress(CONTENT))
    put(cache, b"not gzip")

    assert bytes(data.load_table(grey(address)).split.train) == CONTENT


def test_mirror_without_an_end_is_given_up(
    mirror: tuple[str, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is far larger than any dataset fills no disk."""
    address, served = mirror
    (served / FILE).write_bytes(bytes(100_000))
    monkeypatch.setattr(data, "LARGEST", 50_000)

    with pytest.raises(DataError, match="the download exceeds the limit"):
        data.load_table(grey(address), "grey")

    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(CONTENT)[:-9], "is truncated"),
        (b"", "has the sha256"),
        (b"plain text", "not a valid gzip file"),
        (gzip.compress(CONTENT)[:10] + b"\x07\xff", "not a valid gzip file"),
        (gzip.compress(b"other"), "sha256"),
    ],
    ids=["cut", "empty", "text", "corrupt", "other"],
)
def test_damaged_file_of_the_user_is_an_error(content: bytes, said: str, tmp_path: Path) -> None:
    """A file that the user named and that is not what it should be is told by name, never silently replaced."""
    path = put(tmp_path, content)

    with pytest.raises(DataError, match=said) as caught:
        data.load_table(grey(stand_in=drawn), folder=tmp_path)

    assert str(path) in caught.value.message
    assert caught.value.hint


def test_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is not taken for an empty one."""
    with pytest.raises(DataError, match="does not exist"):
        data.load_table(grey(stand_in=drawn), folder=tmp_path / "typo")


def test_file_missing_beside_others_is_an_error(tmp_path: Path) -> None:
    """A folder of the dataset that is not complete is told, not passed over."""
    (tmp_path / "grey").mkdir()

    with pytest.raises(DataError, match=r"levels\.gz is missing"):
        data.load_table(grey(stand_in=drawn), folder=tmp_path)


def test_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the cache is not blamed on the mirrors."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("benchsuite.system.cache.folder", lambda: tmp_path / "file" / "cache")

    with pytest.raises(DataError, match="cannot be written"):
        data.load_table(grey(), "grey")


def test_unobtainable_data_are_replaced_and_labelled() -> None:
    """Where the files cannot be had, the stand-in has another name and says why."""
    loaded = data.load_table(grey(stand_in=drawn))

    assert (loaded.label, loaded.stand_in) == ("grey-stand-in", True)
    assert "no mirror has it" in loaded.origin


def test_real_data_can_be_demanded() -> None:
    """Named as --dataset, the absence of real data is an error with a way out."""
    with pytest.raises(DataError, match=data.FOLDER_VARIABLE):
        data.load_table(grey(stand_in=drawn), "grey")


def test_stand_in_can_be_demanded(tmp_path: Path) -> None:
    """--dataset stand-in asks for no file."""
    put(tmp_path, gzip.compress(CONTENT))

    assert data.load_table(grey(stand_in=drawn), "stand-in", tmp_path).stand_in


def test_verifying_fetches_nothing(mirror: tuple[str, Path], cache: Path) -> None:
    """Looking whether files are there leaves the network alone."""
    address, served = mirror
    (served / FILE).write_bytes(gzip.compress(CONTENT))
    download = grey(address).download
    assert download

    with pytest.raises(DataError, match="is not in"):
        data.obtain("grey", download, fetch=False)

    assert not cache.exists()


def arrays(files: Any) -> Split:
    """Examples that nothing else holds."""
    del files
    return Split(np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32))


def test_data_are_freed_after_the_last_case_that_needs_them() -> None:
    """A table is loaded once for all cases that share it, and its arrays are freed when none is left."""
    shared, other = (Table(name, load=arrays, batch_size=1) for name in ("shared", "other"))
    seen = weakref.ref(data.load_table(shared).split.train)
    other_seen = weakref.ref(data.load_table(other).split.train)

    data.release_data(keep=[shared])
    gc.collect()
    assert data.load_table(shared).split.train is seen()
    assert other_seen() is None

    data.release_data()
    gc.collect()
    assert seen() is None
