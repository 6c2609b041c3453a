"""Entries of a board: an optimiser or treatment, its default options and its search space."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from benchsuite.errors import OptionError, near_matches
from benchsuite.names import is_name
from benchsuite.plugins import Call
from benchsuite.tuning.space import LARGEST, Space
from benchsuite.variants import NONE, Treatment

#: The setting of the declared defaults; those that are drawn from the space count from 1.
DEFAULT = 0

#: The entry that changes nothing.
UNTREATED = "untreated"

#: The option of a treatment that selects one of the settings of its entry.
SETTING = "setting"

_FIELDS = ("name", "optimizer", "treatment", "summary", "source", "requires", "decays", "control", "default", "space")


@dataclass(frozen=True)
class Entry:
    """An optimiser, start or other treatment that takes part in a comparison.

    Args:
        name: unique on a board.
        text: call of an optimiser or treatment, as of `--optimizer` or `--treatment`; "untreated" for none.
        default: option → value, declared before anything is trained; None where there is no such setting.
        space: the options that are tuned; empty for none.
        summary: one sentence.
        source: reference.
        requires: versions of libraries that it needs, such as "optax>=0.2.5".
        decays: whether its steps depend on the length of the schedule.
        control: whether it is on the board for comparison only.
        made: the treatment in place of the text.
    """

    name: str
    text: str
    default: Mapping[str, Any] | None = field(default_factory=dict)
    space: Space = field(default_factory=lambda: Space({}))
    summary: str = ""
    source: str = ""
    requires: Sequence[str] = ()
    decays: bool = False
    control: bool = False
    made: Treatment | None = None

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise OptionError(f"an entry is named {self.name!r}", "use letters, digits and single - _ or .")
        if self.default is None and not self.space:
            raise OptionError(f"entry {self.name} has neither default options nor a space", "give one of them")

    @classmethod
    def read(cls, path: Path) -> Entry:
        """Read an entry from a TOML file.

        Raises:
            OptionError: it cannot be read, lacks a field, or has one that cannot be used.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OptionError(f"{path} cannot be read: {error}", "name a TOML file") from error
        try:
            return cls._of(path.stem, values)
        except OptionError as error:
            raise OptionError(f"{path}: {error.message}", error.hint) from error

    @classmethod
    def _of(cls, stem: str, values: Mapping[str, Any]) -> Entry:
        if unknown := [name for name in values if name not in _FIELDS]:
            raise OptionError(f"it has a field {unknown[0]!r}", near_matches(unknown[0], _FIELDS))
        named = [values[name] for name in ("optimizer", "treatment") if name in values]
        if len(named) != 1 or not isinstance(named[0], str):
            raise OptionError("it has no single optimizer or treatment", 'write, for example, optimizer = "optax.adam"')
        for name in ("default", "space"):
            if not isinstance(values.get(name, {}), Mapping):
                raise OptionError(f"its {name} is no table", f"write [{name}], and below it option = value")
        return cls(
            str(values.get("name", stem)),
            named[0],
            values.get("default", None if values.get("space") else {}),
            Space.parse(values.get("space", {})),
            summary=str(values.get("summary", "")),
            source=str(values.get("source", "")),
            requires=tuple(map(str, values.get("requires", ()))),
            decays=bool(values.get("decays", False)),
            control=bool(values.get("control", False)),
        )

    @property
    def is_decaying(self) -> bool:
        """Whether steps depend on the length of the schedule, by declaration or by a schedule in the call."""
        return self.decays or "_schedule(" in self.text

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        plain = {name: getattr(self, name) for name in ("name", "text", "summary", "source", "decays", "control")}
        default = None if self.default is None else dict(self.default)
        return {**plain, "requires": list(self.requires), "default": default, "space": self.space.to_json()}

    @cached_property
    def settings(self) -> list[dict[str, Any] | None]:
        """The options of each setting: the default, or None for none, and then those drawn from the space."""
        default = None if self.default is None else dict(self.default)
        return [default, *self.space.draw(LARGEST)]

    def label(self, setting: int) -> str:
        """The options of a setting: "learning_rate=0.01, momentum=0.9"."""
        options = self.settings[setting] or {}
        return ", ".join(f"{option}={value!r}" for option, value in options.items()) or "as declared"

    def check_libraries(self) -> None:
        """Check that the installed libraries are those that the entry needs.

        Raises:
            OptionError: one is missing, or of another version.
        """
        for text in self.requires:
            try:
                wanted = Requirement(text)
                found = metadata.version(wanted.name)
            except (InvalidRequirement, metadata.PackageNotFoundError) as error:
                raise OptionError(f"entry {self.name} requires {text!r}: {error}", "install it") from error
            if not wanted.specifier.contains(found, prereleases=True):
                raise OptionError(f"entry {self.name} requires {text}, and {found} is installed", f"install {text}")


def entry_of(text: str, space: Space | None = None) -> Entry:
    """Make an entry from what a user types: a TOML file, the name of one that is shipped, a treatment, or a call.

    Args:
        text: what is typed.
        space: of an entry without one of its own.

    Raises:
        OptionError: there is no such file, name or function.
    """
    shipped = shipped_entries()
    if text.endswith(".toml"):
        entry = Entry.read(Path(text))
    elif text in shipped:
        entry = Entry.read(shipped[text])
    elif text in (UNTREATED, NONE):
        entry = Entry(UNTREATED, UNTREATED)
    else:
        call = Call.parse(text, "name a TOML file, an entry, a treatment, or an optimiser such as optax.adam(1e-2)")
        name = (call.label if call.called else call.name.replace(":", ".")).removeprefix("optax.")
        entry = Entry(name, text)
    return entry if entry.space or not space else replace(entry, space=space)


def shipped_entries() -> dict[str, Path]:
    """Find the entries of the suite: name → TOML file."""
    folder = Path(str(resources.files("benchsuite.tuning"))) / "entries"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def read_entries(given: Sequence[str | Path]) -> list[Entry]:
    """Read entries from TOML files and from all of those in folders; other names are those of shipped entries.

    Raises:
        OptionError: there is none, one cannot be used, or two have the same name.
    """
    files: list[str] = []
    for one in given:
        inside = sorted(Path(one).glob("*.toml")) if Path(one).is_dir() else [one]
        files += [str(file) for file in inside]
    if not files:
        raise OptionError(f"there is no entry in {', '.join(map(str, given)) or 'no folder'}", "add a TOML file")
    entries: dict[str, Entry] = {}
    for file in files:
        entry = _read_entry(file)
        if entry.name in entries:
            raise OptionError(f"two entries are named {entry.name}", f"rename that of {file}")
        entries[entry.name] = entry
    return list(entries.values())


def _read_entry(text: str) -> Entry:
    shipped = shipped_entries()
    if text.endswith(".toml") or text in shipped:
        return entry_of(text)
    raise OptionError(f"{text} is neither a TOML file, a folder nor an entry of the suite", near_matches(text, shipped))
