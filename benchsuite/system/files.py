"""Atomic file writes, and JSON with a digest that is decoded into typed values."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from benchsuite.errors import StoreError

T = TypeVar("T")

_UNFINISHED = ".unfinished"

#: The end of every file with a digest, as `with_digest` writes it.
_DIGEST = re.compile(rb',\n "digest": "([0-9a-f]{64})"\n}\Z')


def write(path: Path, content: bytes, hint: str) -> None:
    """Write a file atomically: after a crash it is complete or unchanged.

    Args:
        path: the file; its folder is made.
        content: what it is going to hold.
        hint: advice for the error message.

    Raises:
        StoreError: it cannot be written; its previous content is kept.
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
    """Read a regular file.

    Raises:
        OSError: it cannot be read, or is something else, such as a pipe, whose reader could wait for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_bytes()


def remove_unfinished(folder: Path) -> None:
    """Delete the unfinished files of killed processes; no other process may be writing into the folder."""
    for left in folder.glob(f".*{_UNFINISHED}"):
        left.unlink(missing_ok=True)


def encode(values: Any) -> bytes:
    """Encode plain values or a dataclass of them as indented JSON. NaN and infinities become null.

    Raises:
        ValueError: a text cannot be encoded as UTF-8, or an integer is too large.
        TypeError: a value is of a type that JSON does not have.
    """
    try:
        return msgspec.json.format(msgspec.json.encode(values, enc_hook=_plain), indent=1)
    except (msgspec.MsgspecError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    """Convert NumPy scalars, and instances of subclasses of numbers and texts."""
    if hasattr(value, "item"):
        return value.item()
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def decode(content: bytes | str, kind: type[T]) -> T:
    """Decode JSON into a type, whose annotations are checked.

    Args:
        content: JSON.
        kind: a dataclass, a `TypedDict` or another type that `msgspec` decodes; fields that it lacks are ignored.

    Raises:
        ValueError: it is no JSON, or not of the type.
    """
    try:
        read: T = _decoder(cast("Any", kind)).decode(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    return read


@cache
def _decoder(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


def convert(values: Any, kind: type[T]) -> T:
    """Convert plain values to a type, whose annotations are checked.

    Raises:
        ValueError: they are not of the type.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def sealed(values: Any) -> bytes:
    """Encode an object as JSON that ends with the SHA-256 of what stands before."""
    if isinstance(values, Mapping):
        values = {name: value for name, value in values.items() if name != "digest"}
    body = encode(values)
    return with_digest(body, hashlib.sha256(body).hexdigest())


def unsealed(content: bytes) -> bytes:
    """Check the digest of a file that `sealed` wrote, and remove it.

    Files of earlier versions, whose digest is that of `json.dumps` with sorted keys, are checked in that way.

    Raises:
        ValueError: it is no JSON, or was changed after it was written.
    """
    body, digest = split_digest(content)
    if digest != hashlib.sha256(body).hexdigest() and digest != legacy_digest(legacy_json(content)):
        raise ValueError("it was changed after it was written")
    return body


def with_digest(body: bytes, digest: str) -> bytes:
    """Add a digest to an object that `encode` wrote, as its last field."""
    return body.removesuffix(b"\n}") + f',\n "digest": "{digest}"\n}}'.encode()


def split_digest(content: bytes) -> tuple[bytes, str]:
    """Split the result of `with_digest` into the object and its digest.

    Raises:
        ValueError: it has none.
    """
    found = _DIGEST.search(content)
    if found is None:
        decode(content, dict)  # where it is no object at all, that is the fault
        raise ValueError("it was changed after it was written")
    return content[: found.start()] + b"\n}", found[1].decode()


def legacy_digest(values: Mapping[str, Any]) -> str:
    """The digest of a JSON object in files up to schema 4: without its own field, keys sorted."""
    values = {name: value for name, value in values.items() if name != "digest"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def legacy_json(content: bytes | str) -> dict[str, Any]:
    """Decode an object that `json.dumps` wrote, which has NaN and infinities.

    Raises:
        ValueError: it is none, or holds half a character, which could not be written again.
    """
    try:
        values = json.loads(content)
        json.dumps(values, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  # as of any other JSON
    return values


def schema_of(content: bytes | str) -> Any:
    """The value of an object's field "schema", which says how to decode the others.

    Raises:
        ValueError: it is no object, or lacks the field.
    """
    values = legacy_json(content)
    if "schema" not in values:
        raise ValueError("it has no schema")
    return values["schema"]
