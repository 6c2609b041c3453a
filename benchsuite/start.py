"""Starts of their own interest: parameters that are given instead of drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchsuite.case import Case
from benchsuite.errors import OptionError, near_matches

#: parameter → value
Start = Mapping[str, float]


def find_start(case: Case, text: str) -> Start:
    """The start of `case` that a person means: the name of one, or "w=-10,b=0".

    Raises:
        OptionError: it is neither.
    """
    if text in case.starts:
        return case.starts[text]
    start = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            start[name.strip()] = float(value)
        except ValueError:
            named = near_matches(text, case.starts) + ", or parameters" if case.starts else "parameters"
            raise OptionError(f"{case.name} has no start {text!r}", f"{named} such as w=-10,b=0") from None
    return start


def start_values(case: Case, starts: Mapping[str, Start], parameter_names: Sequence[str]) -> np.ndarray:
    """The values of `starts` as an array (n, p), with the parameters in the order of `parameter_names`.

    Raises:
        OptionError: a start lacks a parameter, has one that is not there, or gives no finite number.
    """
    for label, start in starts.items():
        if not parameter_names:
            raise OptionError(f"{case.name} has too many parameters to give a start for", "replay one of its seeds")
        for name, value in start.items():
            if name not in parameter_names:
                raise OptionError(
                    f"the start {label!r} of {case.name} sets {name!r}, which is none of its parameters",
                    near_matches(name, parameter_names),
                )
            if not np.isfinite(value):
                raise OptionError(f"the start {label!r} of {case.name} sets {name} to {value}", "give a finite number")
        if missing := [name for name in parameter_names if name not in start]:
            raise OptionError(
                f"the start {label!r} of {case.name} says nothing of {', '.join(missing)}",
                f"give every parameter: {','.join(f'{name}=…' for name in parameter_names)}",
            )
    values = [[start[name] for name in parameter_names] for start in starts.values()]
    return np.array(values, np.float32).reshape(len(starts), len(parameter_names))
