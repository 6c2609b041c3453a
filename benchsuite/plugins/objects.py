"""Make treatments from objects of a script: Treatments, functions, and optax transformations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchsuite.case import Case, is_transformation, options_of
from benchsuite.errors import OptionError
from benchsuite.names import join_words, number_word
from benchsuite.variants import Treatment

_SOURCE = "the caller"

_FORMS = (
    "give a Treatment, a function Case -> Case, an optax transformation, or a partial such as partial(optax.adam, 0.1)"
)


def treatment_of(value: Any, name: str = "") -> Treatment:
    """Make a treatment from an object.

    Args:
        value: a `Treatment`; a function (case, **options) → Case, whose first parameter is named `case`; an optax
            transformation; or a function that makes one, such as partial(optax.adam, 0.1), whose options can be swept.
        name: of the treatment; by default its own, or that of the function with the numbers of the partial. An optax
            transformation has no name, and is called "optimizer".

    Raises:
        OptionError: it is none of them.
        CaseError: the name is not one that a treatment can have.
    """
    if isinstance(value, Treatment):
        return replace(value, name=name) if name else value
    if not (is_transformation(value) or callable(value)):
        raise OptionError(f"a treatment is a {type(value).__name__}", _FORMS)
    name = name or ("optimizer" if is_transformation(value) else _name_of(value))
    if not is_transformation(value) and next(iter(options_of(value)), "") == "case":
        return Treatment(name, f"The case is changed by {name}.", _SOURCE, value)

    def change(case: Case) -> Case:
        return replace(case, optimizer=value)

    return Treatment(name, f"The optimiser is {name}.", _SOURCE, change)


def _name_of(function: Any) -> str:
    """The name of a function, with the numbers that a partial gives it: "adam-0.1"."""
    if not isinstance(function, partial):
        return join_words([getattr(function, "__name__", type(function).__name__)])
    values = [number_word(value) for value in function.args if isinstance(value, int | float)]
    named = [
        word for key, n in function.keywords.items() if isinstance(n, int | float) for word in (key, number_word(n))
    ]
    return join_words([_name_of(function.func), *values, *named])
