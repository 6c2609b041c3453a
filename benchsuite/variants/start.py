"""Named starts: initial parameters that are given in place of drawn ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from benchsuite.case import Case
from benchsuite.errors import CaseError, OptionError, near_matches

#: parameter → value
Start = Mapping[str, float]

_LARGEST = float(np.finfo(np.float32).max)

#: A comma between parameters, but not one between the indices of "kernel[0, 1]".
_COMMA = re.compile(r",(?![^\[]*\])")


def find_start(case: Case, text: str, parameter_names: Sequence[str]) -> np.ndarray:
    """Parse a start of a case, a name or "w=-10,b=0", as an array (1, p).

    Raises:
        OptionError: the text is neither, or lacks a parameter.
    """
    if not parameter_names:
        raise OptionError(f"{case.name} has too many parameters to give a start", "replay one of its seeds")
    start = case.starts.get(text) or _parse(case, text, parameter_names)
    try:
        return start_values(case, {text: start}, parameter_names)
    except CaseError as error:
        raise OptionError(error.message, error.hint) from error


def _parse(case: Case, text: str, parameter_names: Sequence[str]) -> Start:
    example = ",".join(f"{name}={value}" for value, name in enumerate(parameter_names, start=1))
    start: dict[str, float] = {}
    for part in _COMMA.split(text):
        name, _, value = part.rpartition("=")
        if name.strip() in start:
            raise OptionError(f"the start {text!r} sets {name.strip()} twice", f"write, for example, {example}")
        try:
            start[name.strip()] = float(value)
        except ValueError:
            named = f"{near_matches(text, case.starts)}, or " if case.starts else ""
            raise OptionError(f"{case.name} has no start {text!r}", f"{named}parameters such as {example}") from None
    return start


def start_values(case: Case, starts: Mapping[str, Start], parameter_names: Sequence[str]) -> np.ndarray:
    """Convert starts to an array (n, p), with the parameters in the order of `parameter_names`.

    Raises:
        CaseError: a start lacks a parameter, has an unknown one, or a value that is not finite.
    """
    for label, start in starts.items():
        _check(f"the start {label!r} of {case.name}", start, parameter_names)
    values = [[start[name] for name in parameter_names] for start in starts.values()]
    return np.array(values, np.float32).reshape(len(starts), len(parameter_names))


def _check(what: str, start: Start, parameter_names: Sequence[str]) -> None:
    if not parameter_names:
        raise CaseError(f"{what} is not possible: the model has too many parameters", "remove starts")
    for name, value in start.items():
        if name not in parameter_names:
            raise CaseError(f"{what} sets {name!r}, which is not a parameter", near_matches(name, parameter_names))
        if not abs(value) <= _LARGEST:
            raise CaseError(f"{what} sets {name} to {value}", "give a finite number")
    if missing := [name for name in parameter_names if name not in start]:
        raise CaseError(
            f"{what} lacks {', '.join(missing)}",
            f"give every parameter: {','.join(f'{name}=…' for name in parameter_names)}",
        )
