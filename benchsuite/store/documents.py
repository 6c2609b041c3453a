"""The JSON files of a run folder: one for the run, and one for each case."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from benchsuite.errors import CaseError, StoreError
from benchsuite.results import Plan, Summary, Whole
from benchsuite.system import files

#: The layout of a run folder; a change that an older reader would misread raises it.
SCHEMA: Final = 5

NO_ROOM = "free space or choose another --run-dir; finished rounds are kept, --resume continues from them"

#: The only key of an object that stands for a number which JSON lacks.
_TAG = "float"

T = TypeVar("T", bound="StoredFile")


@dataclass(frozen=True)
class LoadFile:
    """The load of the machine before and after a run, and why its timing is doubtful."""

    before: dict[str, Any]
    after: dict[str, Any]
    timing_warnings: list[str]


class StoredFile:
    """The content of a JSON file."""

    def map_free(self, change: Callable[[Any], Any]) -> Self:  # noqa: ARG002  # there are none
        """Apply a function to the values whose types are not declared."""
        return self

    def check(self) -> None:
        """Check what annotations cannot say."""


@dataclass(frozen=True)
class RunFile(StoredFile):
    """The content of run.json.

    Args:
        created: when the run was begun, as ISO 8601 with its zone, in seconds.
        commit: of the working folder; None outside a repository.
        machine: as `machine.describe` gives it.
        settings: the options of the run.
        inapplicable: case → treatment → why it does not apply.
        labels: name of a treatment that is a call → (option, text), which select it again.
        load: None where it was not measured.
        requested: the ids of the cases to train, in order.
        failures: id of a case → why it was not trained to the end.
        schema: of the folder.
    """

    created: str
    commit: str | None
    machine: dict[str, Any]
    settings: dict[str, Any]
    inapplicable: dict[str, dict[str, str]] = field(default_factory=dict)
    load: LoadFile | None = None
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    schema: Literal[5] = SCHEMA

    def map_free(self, change: Callable[[Any], Any]) -> Self:
        """Apply a function to the machine, the settings and the loads."""
        load = self.load and replace(self.load, before=change(self.load.before), after=change(self.load.after))
        return replace(self, machine=change(self.machine), settings=change(self.settings), load=load)

    def check(self) -> None:
        """Check what annotations cannot say.

        Raises:
            ValueError: the time is not written as above, or a version is no text.
        """
        files.convert(self.machine.get("versions", {}), dict[str, str | None])
        created = datetime.fromisoformat(self.created)
        if created.tzinfo is None or created.isoformat(timespec="seconds") != self.created:
            raise ValueError(f"created is {self.created!r}, not an ISO 8601 time in seconds with a zone")


@dataclass(frozen=True)
class CaseFile(StoredFile):
    """The content of a case's case.json.

    Args:
        number: the place of the case in the order of start.
        plan: the definition of its run.
        summaries: none before the first round, then one, or one for each value of a sweep.
        schema: of the folder.
    """

    number: Whole
    plan: Plan
    summaries: list[Summary] = field(default_factory=list)
    schema: Literal[5] = SCHEMA

    def check(self) -> None:
        """Check what annotations cannot say.

        Raises:
            ValueError: the plan or a summary is not consistent.
            CaseError: a claim of the plan cannot be tested.
        """
        self.plan.check()
        for summary in self.summaries:
            summary.check()
        ids = [summary.id for summary in self.summaries]
        if ids and ids != [part.id for part in self.plan.parts]:
            raise ValueError(f"its summaries are of {', '.join(ids)}")


@contextlib.contextmanager
def readable(what: str) -> Iterator[None]:
    """Convert errors of values that could not be read again, which come from a plugin.

    Raises:
        CaseError: in place of them.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError, CaseError) as error:
        raise CaseError(
            f"{what} cannot be stored, as it could not be read again: {error}", "fix the names and texts in the plugin"
        ) from error


def encode_file(content: StoredFile) -> bytes:
    """Encode the content of a file with its digest."""
    return files.sealed(content.map_free(_tag))


def decode_file(content: bytes, kind: type[T]) -> T:
    """Decode and check the content of a file that `encode_file` gave.

    Raises:
        ValueError, TypeError, CaseError: it was changed, or does not have the types and ranges of its kind.
    """
    read = files.decode(files.unsealed(content), kind).map_free(_untag)
    read.check()
    return read


def store_file(path: Path, content: T) -> T:
    """Write a file, unless it could not be read again; returns what is read.

    Raises:
        CaseError: it could not be read again.
        StoreError: it cannot be written.
    """
    with readable(str(path)):
        written = encode_file(content)
        read = decode_file(written, type(content))
    files.write(path, written, NO_ROOM)
    return read


def load_case(folder: Path, name: str) -> CaseFile:
    """Read the case.json of a case.

    Raises:
        StoreError: it is damaged, or of another version.
    """
    with reading(folder / name):
        content = files.read(folder / name)
        schema = files.schema_of(content)
        if schema == SCHEMA:
            read = decode_file(content, CaseFile)
            if read.plan.id != folder.name:
                raise ValueError(f"it is that of {read.plan.id!r}")
            return read
    raise unknown_schema(folder / name, schema)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert the errors of a file that cannot be read or decoded.

    Raises:
        StoreError: in place of them.
    """
    try:
        yield
    except FileNotFoundError:
        raise StoreError(f"{path.parent} holds no {path.stem}", f"name a folder with a {path.name} in it") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", "check that it is a readable file") from error
    except (ValueError, TypeError, KeyError, AttributeError, CaseError) as error:
        raise StoreError(f"{path} is damaged: {error}", "restore it, or start a new run in another folder") from error


def unknown_schema(path: Path, schema: object) -> StoreError:
    """Make the error for a file of another version."""
    return StoreError(
        f"{path} has schema {schema!r:.20}, this version reads 4 and {SCHEMA}", "use the version that wrote it"
    )


def _tag(value: Any) -> Any:
    """Replace numbers that JSON lacks by objects: {"float": "nan"}."""
    if isinstance(value, Mapping):
        return {key: _tag(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tag(item) for item in value]
    return {_TAG: repr(float(value))} if isinstance(value, float) and not math.isfinite(value) else value


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_TAG} and value[_TAG] in ("nan", "inf", "-inf"):
        return float(value[_TAG])
    return {key: _untag(item) for key, item in value.items()}
