"""What plugins declare, kept in the user's cache folder, so that listing them imports none."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from benchsuite import __version__
from benchsuite.case import Case, Rung, Schedule
from benchsuite.errors import BenchsuiteError
from benchsuite.system import cache, files
from benchsuite.variants import Ladder

#: The file in the cache folder, and the plugins that it holds at most; those that changed last remain.
_FILE, _MOST = "plugins.json", 500


@dataclass(frozen=True)
class DeclaredCase:
    """The fields of a `Case` that a list shows."""

    name: str
    summary: str
    source: str
    data_name: str
    schedule: Schedule
    quick: Schedule | None = None
    family: str = ""
    tags: tuple[str, ...] = ()
    rung: Rung | None = None

    @classmethod
    def of(cls, case: Case) -> Self:
        """Take the fields of a case."""
        fields = {name: getattr(case, name) for name in cls.__dataclass_fields__}
        return cls(**fields | {"tags": tuple(case.tags)})


@dataclass(frozen=True)
class DeclaredLadder:
    """The fields of a `Ladder` that a list shows."""

    name: str
    summary: str
    option: str
    values: tuple[int | float, ...]
    names: tuple[str, ...]
    rungs: str

    @classmethod
    def of(cls, ladder: Ladder) -> Self:
        """Take the fields of a ladder."""
        return cls(ladder.name, ladder.summary, ladder.option, ladder.values, tuple(ladder.names), ladder.rungs)


@dataclass(frozen=True)
class Declared:
    """What a plugin supplies: its cases, those of its ladders included, and the names of all else."""

    cases: tuple[DeclaredCase, ...] = ()
    ladders: tuple[DeclaredLadder, ...] = ()
    treatments: tuple[str, ...] = ()
    observers: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names that no other plugin may have: of ladders and cases, and of treatments."""
        cases = [f"case {item.name}" for items in (self.ladders, self.cases) for item in items]
        return [*cases, *(f"treatment {name}" for name in self.treatments)]


@dataclass
class DeclarationCache:
    """The declarations of plugins, each with a digest of the files that they depend on.

    Those are the modules of the plugin's package, those of benchsuite, and the folders that packages are installed in,
    whose time changes when one is installed. A plugin whose files have changed is to be imported again.
    """

    _kept: dict[str, tuple[str, Declared]] = field(default_factory=dict)
    _changed: dict[str, tuple[str, Declared]] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Self:
        """Read the file; an empty cache where there is none, or an unreadable one."""
        return cls(_read())

    def recall(self, entry: EntryPoint, origin: str) -> Declared | None:
        """What a plugin declared when it was last imported; None where that is not known or its files have changed."""
        digest, declared = self._kept.get(_key(entry, origin), ("", None))
        return declared if declared and digest == self._digest(entry) else None

    def keep(self, entry: EntryPoint, origin: str, declared: Declared) -> None:
        """Keep what a plugin of a distribution declares."""
        if digest := self._digest(entry):
            self._changed[_key(entry, origin)] = digest, declared

    def _digest(self, entry: EntryPoint) -> str:
        """Digest the state of the files that a plugin depends on; empty where they cannot be found."""
        package = entry.module.partition(".")[0]
        if package not in self._digests:
            places = _modules(package)
            self._digests[package] = _sha256([self._common, *_states(places)]) if places else ""
        return self._digests[package]

    @cached_property
    def _common(self) -> str:
        """What all plugins depend on: benchsuite, Python, and the folders that packages are installed in."""
        installed = [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
        return _sha256([__version__, sys.version, *_states(installed), *_states(_modules("benchsuite"))])

    def save(self) -> None:
        """Write the file, if anything changed and it can be written."""
        if not self._changed:
            return
        kept = {key: one for key, one in _read().items() if key not in self._changed}  # others may have written it
        kept |= self._changed  # at the end, where they are not the next to be dropped
        with suppress(OSError, ValueError, BenchsuiteError):  # names of a plugin may be no UTF-8
            files.write(cache.folder() / _FILE, files.encode(dict(list(kept.items())[-_MOST:])), "")


def _read() -> dict[str, tuple[str, Declared]]:
    with suppress(OSError, ValueError, BenchsuiteError):
        return files.decode(files.read(cache.folder() / _FILE), dict[str, tuple[str, Declared]])
    return {}


def _key(entry: EntryPoint, origin: str) -> str:
    path = hashlib.sha256("\n".join(sys.path).encode(errors="surrogateescape")).hexdigest()
    return f"{entry.name} = {entry.value} of {origin} on the path {path[:8]}"


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _modules(package: str) -> list[str]:
    """The files of a package, or of a module outside of packages."""
    try:
        spec: Any = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None or spec.submodule_search_locations is None:
        return [spec.origin] if spec and spec.origin else []
    return sorted(str(path) for folder in spec.submodule_search_locations for path in Path(folder).rglob("*.py"))


def _states(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        with suppress(OSError):
            state = Path(path).stat()
            yield f"{path} {state.st_mtime_ns} {state.st_size}"
