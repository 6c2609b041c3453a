"""Files that are there as a whole or not at all, and what is read from them is of the kind that was written."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import reprlib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from benchsuite.errors import StoreError

_UNFINISHED = ".unfinished"

#: Whole numbers up to here fit into an array.
_LARGEST = 2**63 - 1


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


def read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        OSError: it cannot be read, or is something else, such as a pipe, on which one would wait for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_bytes()


def tidy(folder: Path) -> None:
    """Take away what a process that was killed has left half written; nobody else may be writing there."""
    for left in folder.glob(f".*{_UNFINISHED}"):
        left.unlink(missing_ok=True)


def sealed(content: Mapping[str, Any]) -> bytes:
    """JSON with the digest of its content, so that what was changed since is not taken for what was written."""
    content = {name: value for name, value in content.items() if name != "digest"}
    return json.dumps({**content, "digest": digest_of(content)}, indent=1).encode()


def read_sealed(content: bytes) -> dict[str, Any]:
    """The values that `sealed` wrote.

    Raises:
        ValueError: it is no JSON, or was changed after it was written.
    """
    values = read_json(content)
    digest = values.pop("digest", "")
    if digest != digest_of(values):
        raise ValueError("it was changed after it was written")
    return values


def digest_of(values: Mapping[str, Any]) -> str:
    """The SHA-256 of values, whatever the order of their names."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def read_json(content: bytes | str) -> dict[str, Any]:
    """An object of JSON, all of whose text can be written again.

    Raises:
        ValueError: it is none.
    """
    try:
        values = json.loads(content)
        json.dumps(values, ensure_ascii=False).encode()  # half a character can be escaped in JSON
    except RecursionError as error:
        raise ValueError("it is too deep") from error
    if not isinstance(values, dict):
        raise ValueError("it is no object")  # noqa: TRY004  # as of any other JSON
    return values


def demand_fields(read: Any) -> None:
    """Refuse a dataclass that was made of what a file says, unless its fields are what the class says they are.

    Raises:
        TypeError: one is of another kind, or a number that is not finite.
    """
    for name, kind in get_type_hints(type(read)).items():
        demand_kind(name, getattr(read, name), kind)


def demand_kind(name: str, value: Any, kind: Any) -> None:
    """Refuse a value that was read unless it is of a kind, such as `dict[str, float | None]`.

    Raises:
        TypeError: it is of another.
    """
    if not _is(value, kind):
        raise TypeError(f"{name} is {reprlib.repr(value)}")


def _is(value: Any, kind: Any) -> bool:
    origin, args = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_is(value, one) for one in args)
    if origin in (list, Sequence):
        return isinstance(value, list) and all(_is(item, args[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_is(key, args[0]) and _is(item, args[1]) for key, item in value.items())
    if kind is Any:
        return True
    if kind in (int, float):
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
        return whole or (kind is float and isinstance(value, float) and math.isfinite(value))
    return isinstance(value, kind)
