"""The keyword options of a factory, such as `optax.sgd` or a model's class: what they are, and how to change them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchsuite.errors import DoesNotApply, near_matches

#: The value of an option that has none yet.
UNSET = inspect.Parameter.empty


def options_of(factory: Callable[..., Any], positional: int = 0) -> dict[str, Any]:
    """The options of a factory and their values now, `UNSET` where one must still be given.

    Args:
        factory: a function or class, or a `partial` of one with some of its options given.
        positional: how many leading parameters are no options, such as a model's `rngs`.
    """
    function, given = _taken_apart(factory)
    parameters = list(_signature(function).parameters.values())[positional:]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in named}


def with_options(factory: Callable[..., Any], what: str, positional: int = 0, **options: Any) -> Callable[..., Any]:
    """The same factory with other options.

    Args:
        factory: as in `options_of`.
        what: it makes, for the reason why it cannot be changed.
        positional: as in `options_of`.
        options: name → value.

    Raises:
        DoesNotApply: it has no such option.
    """
    known = options_of(factory, positional)
    for name in options:
        if name not in known:
            raise DoesNotApply(f"its {what} has no option {name!r}", near_matches(name, known) if known else "")
    function, given = _taken_apart(factory)
    return partial(function, **{**given, **options})


def _taken_apart(factory: Callable[..., Any]) -> tuple[Callable[..., Any], Mapping[str, Any]]:
    if not isinstance(factory, partial):
        return factory, {}
    return factory.func, _signature(factory.func).bind_partial(*factory.args, **factory.keywords).arguments


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    if not isinstance(function, type):
        return inspect.signature(function)
    made = inspect.signature(function.__init__)  # type: ignore[misc]  # of a class whose metaclass, like flax's, hides it
    return made.replace(parameters=list(made.parameters.values())[1:])
