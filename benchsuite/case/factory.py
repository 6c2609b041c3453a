"""List and change the keyword options of a factory, such as `optax.sgd` or the class of a model."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, update_wrapper
from typing import Any

from benchsuite.errors import DoesNotApply, near_matches

#: The value of an option without a default.
UNSET = inspect.Parameter.empty

Factory = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class NestedFactory:
    """A factory of nested calls, whose options are those of all calls.

    Args:
        text: the calls as they are typed; part of the version of a case.
        make: {path of an option: value} → the product.
        values: path of an option, such as "adam.learning_rate" → its value, `UNSET` for none.
        changes: path → value in place of that in `values`.
    """

    text: str
    make: Callable[[Mapping[str, Any]], Any]
    values: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Any:
        """Call all of them."""
        return self.make(self.changes)

    @property
    def paths(self) -> dict[str, str]:
        """Name of an option → its path: the path itself, or the name alone where it is that of one number."""
        plain = [path for path, value in self.values.items() if not isinstance(value, str)]  # a text is a call
        names = Counter(path.rpartition(".")[2] for path in plain)
        short = {path.rpartition(".")[2]: path for path in plain}
        return {path: path for path in self.values} | {name: short[name] for name, n in names.items() if n == 1}

    @property
    def options(self) -> dict[str, Any]:
        """Name of an option → its value; see `paths`."""
        now = {**self.values, **self.changes}
        return {name: now[path] for name, path in self.paths.items()}

    def with_options(self, options: Mapping[str, Any]) -> NestedFactory:
        """Change options, given by names or paths."""
        changed = {self.paths[name]: value for name, value in options.items()}
        return replace(self, changes={**self.changes, **changed})


def options_of(factory: Factory, arguments: int = 0) -> dict[str, Any]:
    """List the options of a factory with their values, `UNSET` for required ones.

    Args:
        factory: a function, a class, or a `partial` of one.
        arguments: number of leading parameters that are not options, such as a model's `rngs`.
    """
    if isinstance(factory, NestedFactory):
        return factory.options
    function, given = _taken_apart(factory)
    taken = _by_position(factory)
    parameters = list(_signature(function).parameters.values())
    leading = [p.name for p in parameters if p.name not in taken][:arguments]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in leading]
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in named}


def with_options(factory: Factory, what: str, arguments: int = 0, **options: Any) -> Factory:
    """Change options of a factory.

    Args:
        factory: as in `options_of`.
        what: the product of the factory, for the error message.
        arguments: as in `options_of`.
        options: name → value.

    Raises:
        DoesNotApply: the factory has no such option, or is a finished transformation.
    """
    if not callable(factory):
        hint = "replace optax.sgd(0.01) by partial(optax.sgd, learning_rate=0.01)"
        raise DoesNotApply(f"its {what} is an optax transformation, which has no options", hint)
    known = options_of(factory, arguments)
    for name in options:
        if name not in known:
            raise DoesNotApply(f"its {what} has no option {name!r}", near_matches(name, known) if known else "")
    if isinstance(factory, NestedFactory):
        return factory.with_options(options)
    taken = _by_position(factory)
    if not options.keys() & set(taken):
        return partial(factory, **options)
    places = [options.pop(name, known[name]) for name in taken]
    return partial(factory.func, *places, **{**factory.keywords, **options})  # type: ignore[attr-defined]  # a partial


def with_signature(function: Factory, arguments: list[str], options: Mapping[str, Any]) -> Factory:
    """Set the signature of a function that accepts any options."""
    kinds = inspect.Parameter
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # read by `inspect.signature`
        [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in arguments]
        + [kinds(name, kinds.KEYWORD_ONLY, default=value) for name, value in options.items()]
    )
    return function


def compose_start(factory: Factory, change: Callable[[Any, Any], None]) -> Factory:
    """Make a factory of models that applies `change` (model, rngs) → None to every new model."""

    def make(rngs: Any, **options: Any) -> Any:
        model = factory(rngs, **options)
        change(model, rngs)
        return model

    return with_signature(update_wrapper(make, factory), ["rngs"], options_of(factory, arguments=1))


def _taken_apart(factory: Factory) -> tuple[Factory, Mapping[str, Any]]:
    if not isinstance(factory, partial):
        return factory, {}
    return factory.func, _signature(factory.func).bind_partial(*factory.args, **factory.keywords).arguments


def _by_position(factory: Factory) -> list[str]:
    """The names of the parameters that a `partial` sets by position."""
    if not isinstance(factory, partial):
        return []
    return list(_signature(factory.func).bind_partial(*factory.args).arguments)


def _signature(function: Factory) -> inspect.Signature:
    if not isinstance(function, type):
        return inspect.signature(function)
    made = inspect.signature(function.__init__)  # type: ignore[misc]  # flax's metaclass hides the signature of the class
    return made.replace(parameters=list(made.parameters.values())[1:])
