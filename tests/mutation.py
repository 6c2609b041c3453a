"""Mutations of valid files, as a fuzzer makes them: of bytes, and of values anywhere in JSON."""

from __future__ import annotations

import copy
import io
import random
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

#: Bytes that parsers fail on: numbers at the limits of their types, and tokens of JSON, zip, gzip and paths.
INTERESTING = (
    *(bytes([value]) for value in b"\0\xff\x7f\x80\n\"'{}[],:-09"),
    *((2**bits).to_bytes(8, order) for bits in (0, 7, 8, 15, 16, 31, 32, 63) for order in ("big", "little")),
    *((2**bits - 1).to_bytes(4, order) for bits in (7, 8, 15, 16, 31, 32) for order in ("big", "little")),
    *(b"../", b"..\\", b"/", b"null", b"NaN", b"1e999", b"-Infinity", b"\\u0000", b"\\ud800", b"9" * 20),
    *(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\x93NUMPY", b"\x1f\x8b\x08", b"\xed\xa0\x80", b"\xe2\x80\xae"),
)

#: Values that do not belong into a JSON file.
HOSTILE = (
    *(None, True, False, 0, -1, 1, 2, 2**31, 2**63, 2**64, 10**400, -(10**400)),
    *(float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324, 0.5, -0.0),
    *("", "..", "../../x", "/x", "a/b", "a\0b", "\ud800", "\u202e", "é" * 300, "x" * 5000, "{}", "١٢"),
    *([], {}, [[]], [None], [0, 0], ["../x"], {"": None}, {"../x": "../x"}, {"w": "w"}, [1, [2, [3]]]),
)


def mutated(content: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """One to eight mutations of a file.

    Args:
        content: the file.
        chance: what is drawn from.
        others: valid files of the same kind, of which slices are put into it.
    """
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        chance.choice(_MUTATIONS)(damaged, chance, others or (content,))
    return bytes(damaged)


def _flip(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    value, at = chance.choice(INTERESTING), chance.randrange(len(content) + 1)
    content[at : at + len(value)] = value


def _insert(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(content) + 1)
    content[at:at] = chance.choice(INTERESTING)


def _delete(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    start, end = _slice(content, chance)
    del content[start:end]


def _duplicate(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    start, end = _slice(content, chance)
    content[end:end] = content[start:end]


def _splice(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    start, end = _slice(other, chance)
    at = chance.randrange(len(content) + 1)
    content[at : at + chance.choice((0, end - start))] = other[start:end]


def _truncate(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    del content[chance.randrange(len(content) + 1) :]


def _slice(content: bytes | bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice((1, 2, 4, 8, 64, 512)))


_MUTATIONS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _insert, _delete, _duplicate, _splice, _truncate),
)


#: What a member of an archive may be called that is none of ours, or another one.
_MEMBERS = (
    *("../../x.npy", "/x.npy", "a/b.npy", "x" * 300, "note.txt"),
    *("facts.npy", "seeds.npy", "seeds", "seeds.npy.npy", "outcomes.npy"),
)


def mutated_archive(content: bytes, chance: random.Random) -> bytes:
    """A zip file that is sound as such, of which one to three members are not what they were."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    for _ in range(chance.choice((1, 1, 2, 3))):
        _change_member(members, chance)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names may be there twice
        for name, inside in members:
            archive.writestr(name, inside)
    return written.getvalue()


def _change_member(members: list[tuple[str, bytes]], chance: random.Random) -> None:
    number = chance.randrange(len(members))
    name, inside = members[number]
    what = chance.randrange(5)
    if what == 0:
        members[number] = name, mutated(inside, chance)
    elif what == 1:  # the header with its shape and type
        members[number] = name, mutated(inside[:128], chance) + inside[128:]
    elif what == 2:  # as drawn
        members[number] = chance.choice(_MEMBERS), inside
    elif what == 3:  # as drawn
        members.insert(number, (chance.choice(_MEMBERS), chance.choice((inside, b""))))
    elif len(members) > 1:
        del members[number]


def mutated_json(tree: Any, chance: random.Random) -> Any:
    """One to three values anywhere in a tree of JSON are replaced, taken away, doubled or given another name."""
    damaged = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if damaged:
            _change(*_place(damaged, chance), chance)
    return damaged


def _place(tree: Any, chance: random.Random) -> tuple[Any, Any]:
    """A container with one of its keys or indices, drawn on the way down."""
    key = chance.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    within = tree[key]
    if isinstance(within, dict | list) and within and chance.random() < 0.8:  # else it is as a whole
        return _place(within, chance)
    return tree, key


def _change(container: Any, key: Any, chance: random.Random) -> None:
    what = chance.random()
    if what < 0.6:  # most of what is wrong with a file is one value
        container[key] = _hostile(container[key], chance)
    elif what < 0.8:  # as above
        del container[key]
    elif isinstance(container, list):
        container.insert(key, copy.deepcopy(chance.choice(container)))
    else:
        name = chance.choice([text for text in HOSTILE if isinstance(text, str)] + list(container))
        container[name] = container.pop(key)


def _hostile(value: Any, chance: random.Random) -> Any:
    """Another value: often of the same kind, so that it gets past the first check."""
    alike: list[Any] = []
    if isinstance(value, str):
        alike = [text for text in HOSTILE if isinstance(text, str)] + [f"{value}/../../x", f"../{value}", value * 2]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        alike = [number for number in HOSTILE if isinstance(number, int | float)] + [-value, value + 1, value * 2]
    elif isinstance(value, list):
        alike = [value[:-1], value * 2, value[::-1], [value], deep()]
    elif isinstance(value, dict):
        alike = [list(value), {f"../{key}": item for key, item in value.items()}, {"x": value}, deep()]
    return copy.deepcopy(chance.choice(alike if alike and chance.random() < 0.5 else HOSTILE))  # half


def deep(levels: int = 200) -> list[Any]:
    """Lists in lists."""
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made
