"""Treatments that train the settings of an entry, several of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchsuite.case import Case, with_signature
from benchsuite.errors import CaseError, DoesNotApply, OptionError
from benchsuite.plugins import Call, select_treatments
from benchsuite.tuning.entry import DEFAULT, SETTING, UNTREATED, Entry
from benchsuite.variants import Treatment, change_options

#: Kinds of values that are compiled into a program, as they are no numbers that could vary within it.
_Fixed = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class EntryTreatments:
    """The treatments of an entry; each trains those of its settings that fit into one program.

    Settings fit if they give the same options, and differ in numbers with a fraction only: texts, truth values and
    whole numbers, on which shapes may depend, are compiled into the program.

    Args:
        entry: whose settings they are.
        known: the treatments of all plugins.
    """

    entry: Entry
    known: Mapping[str, Treatment]

    @cached_property
    def _groups(self) -> dict[tuple[_Fixed, tuple[str, ...]], list[int]]:
        """The settings of each program, by its fixed options and the names of the others."""
        groups: dict[tuple[_Fixed, tuple[str, ...]], list[int]] = {}
        varied = self._varied
        for number, setting in enumerate(self.entry.settings):
            if setting is not None:
                fixed = tuple(sorted((name, value) for name, value in setting.items() if name not in varied))
                groups.setdefault((fixed, tuple(name for name in setting if name in varied)), []).append(number)
        return groups

    @cached_property
    def _varied(self) -> set[str]:
        """The options whose values in all settings are numbers, one of them with a fraction."""
        values: dict[str, list[Any]] = {}
        for setting in self.entry.settings:
            for name, value in (setting or {}).items():
                values.setdefault(name, []).append(value)
        return {
            name
            for name, found in values.items()
            if all(isinstance(value, int | float) and not isinstance(value, bool) for value in found)
            and any(isinstance(value, float) for value in found)
        }

    def together(self, settings: Sequence[int]) -> list[tuple[Treatment, list[int]]]:
        """List the treatments that train some settings, each with its share of them."""
        found = []
        for number, (key, members) in enumerate(self._groups.items()):
            if chosen := [setting for setting in settings if setting in members]:
                name = f"{self.entry.name}.g{number}" if number else self.entry.name
                found.append((self._treatment(name, key[0], key[1], members), chosen))
        return found

    def alone(self, setting: int) -> Treatment:
        """Make the treatment of one setting, which runs the same program as that of several."""
        ((treatment, _),) = self.together([setting])
        return treatment.with_options(f"{self.entry.name}.s{setting}")

    def declared(self) -> Entry:
        """The entry, without a default setting where its call requires options that only the space gives.

        Raises:
            OptionError: the call cannot be made, also with the options of the space.
        """
        if self.entry.default is None:
            return self.entry
        try:
            self._base(DEFAULT)
        except OptionError:
            if not self.entry.space or self.entry.default:
                raise
            entry = replace(self.entry, default=None)
            EntryTreatments(entry, self.known)._base(DEFAULT + 1)  # noqa: SLF001  # of the same class
            return entry
        return self.entry

    def check(self, cases: Sequence[Case]) -> None:
        """Check that the options exist: the entry applies to one of the cases at least.

        Raises:
            OptionError: it applies to none, or cannot be made.
        """
        number = next(n for n, setting in enumerate(self.entry.settings) if setting is not None)
        for treatment, settings in self.together(range(number, len(self.entry.settings))):
            found = [_refusal(treatment, case, settings[0]) for case in cases]
            refusals = [one for one in found if one]
            if refusals and len(refusals) == len(found):
                message = f"entry {self.entry.name} applies to no case: {refusals[0].message}"
                raise OptionError(message, refusals[0].hint)

    def _treatment(self, name: str, fixed: _Fixed, varied: Sequence[str], members: Sequence[int]) -> Treatment:
        entry, base = self.entry, self._base(members[0])
        columns = {option: [(setting or {}).get(option, 0.0) for setting in entry.settings] for option in varied}

        def change(case: Case, setting: Any = members[0]) -> Case:
            values = dict(fixed) | {option: _look_up(column, setting) for option, column in columns.items()}
            return change_options(case, base, values)

        about = entry.summary or f"The entry {entry.name}."
        change = with_signature(change, ["case"], {SETTING: members[0]})
        return Treatment(name, about, entry.source or "the entry", change)

    def _base(self, setting: int) -> Treatment | None:
        """The treatment of the entry with the options of a setting, as some functions require them."""
        if self.entry.made or self.entry.text == UNTREATED:
            return self.entry.made
        text = self.entry.text
        call = Call.parse(text, "name a treatment or an optimiser")
        given = self.entry.settings[setting] or {}
        missing = {name: value for name, value in given.items() if "." not in name and name not in call.options}
        if missing and not call.values and not call.is_nested:
            text = _with_arguments(text, missing)
        is_treatment = ":" in call.name or call.name in self.known or "+" in text.partition("(")[0]
        (found,) = select_treatments([text] if is_treatment else [], [] if is_treatment else [text], self.known)
        return found


def _refusal(treatment: Treatment, case: Case, setting: int) -> DoesNotApply | None:
    """Why a treatment does not apply to a case; None where it does, or fails, which its training reports."""
    try:
        treatment.apply(case, **{SETTING: setting})
    except DoesNotApply as error:
        return error
    except CaseError:
        pass
    return None


def _with_arguments(text: str, options: Mapping[str, Any]) -> str:
    """Add arguments by name to a call."""
    added = ", ".join(f"{name}={value!r}" for name, value in options.items())
    if not text.rstrip().endswith(")"):
        return f"{text}({added})"
    before = text.rstrip()[:-1].rstrip()
    return f"{before}{'' if before.endswith('(') else ', '}{added})"


def _look_up(column: Sequence[float], setting: Any) -> Any:
    """The value of a setting, whose number JAX may trace."""
    if isinstance(setting, int | float):
        return column[int(setting)]
    import jax.numpy as jnp

    return jnp.asarray(column, jnp.float32)[setting.astype(jnp.int32)]
