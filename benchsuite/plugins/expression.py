"""Build optimisers from parsed calls: of public functions of optax, and of functions of the user's modules."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any, NamedTuple

from benchsuite.case import UNSET, NestedFactory, is_transformation, options_of
from benchsuite.errors import near_matches, wrap_errors
from benchsuite.plugins.call import Argument, Call, Place

EXAMPLES = '"optax.adam(1e-2)", "chain(clip_by_global_norm(1.0), adam(1e-2))" or "module:name(0.01)"'

_HINT = f"write, for example, {EXAMPLES}"


class Arguments(NamedTuple):
    """The arguments of a call, assigned to the parameters of its function.

    Args:
        named: parameter → argument.
        rest: arguments of a function that accepts any number of them, after those in `named`.
    """

    named: dict[str, Argument]
    rest: list[Argument]


def bind(call: Call, function: Callable[..., Any], leading: int = 0) -> Arguments:
    """Assign the arguments of a call to the parameters of a function.

    Args:
        call: the call.
        function: the function.
        leading: number of its first parameters that are not given by the call.

    Raises:
        OptionError: an option is unknown, missing or given twice, or there are too many.
    """
    name = call.name or str(call.place)
    known, kinds = _parameters(call, function, leading)
    positional = [argument for argument in call.arguments if not argument.name]
    if len(positional) > len(known) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        raise positional[len(known)].place.error(
            f"{name} has {len(known)} options, and {len(positional)} values are given",
            f"its options are {', '.join(known) or 'none'}",
        )
    named = dict(zip(known, positional, strict=False))
    for argument in call.arguments:
        if not argument.name:
            continue
        if argument.name not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
            hint = near_matches(argument.name, known) if known else "omit it"
            raise argument.place.error(f"{name} has no option {argument.name!r}", hint)
        if argument.name in named:
            raise argument.place.error(f"{argument.name} is given twice", "give it once")
        named[argument.name] = argument
    if missing := [option for option, value in known.items() if value is UNSET and option not in named]:
        raise call.place.error(f"{name} requires {', '.join(missing)}", f"write {_with_missing(call, missing)}")
    return Arguments(named, positional[len(known) :])


def _with_missing(call: Call, missing: Sequence[str]) -> str:
    given = [str(argument.place) for argument in call.arguments]
    return f"{call.name or 'it'}({', '.join([*given, *(f'{option}=…' for option in missing)])})"


def _parameters(call: Call, function: Callable[..., Any], leading: int) -> tuple[dict[str, Any], set[Any]]:
    """The options of a function with their defaults, and the kinds of all of its parameters."""
    try:
        known = options_of(function, leading)
        return known, {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    except (TypeError, ValueError) as error:
        raise call.place.error(f"{call.name} has no options to set", "omit the parentheses") from error


def find_function(call: Call) -> Any:
    """Look up the function of a call: a public one of optax, or one of a module of the user.

    Raises:
        OptionError: there is none, or the module cannot be imported.
    """
    if call.function:
        return Step.of(call.function).make({})
    return _import(call) if ":" in call.name else _optax(call)


def _import(call: Call) -> Any:
    """Import a name of a module, which may lie in the working folder."""
    module, _, name = call.name.partition(":")
    if module.partition(".")[0] in sys.stdlib_module_names:
        raise call.place.error(f"{module} is a module of Python itself", "name a function of your own module")
    folder = str(Path.cwd())
    sys.path.insert(0, folder)  # as `python -m` does: modules in the working folder can be imported
    try:
        hint = "name a function of a module that can be imported, as module:name"
        with wrap_errors(lambda raised: call.place.error(f"{call.name} cannot be imported: {raised}", hint)):
            return reduce(getattr, name.split("."), importlib.import_module(module))
    finally:
        sys.path.remove(folder)


def _optax(call: Call) -> Callable[..., Any]:
    """Look up "optax.adam", "adam", "optax.contrib.prodigy" or "prodigy" among the public functions of optax."""
    import optax
    import optax.contrib

    own, contrib = optax, optax.contrib
    places = {"": [own, contrib], "contrib": [contrib], "schedules": [optax.schedules], "losses": [optax.losses]}
    path, _, name = call.name.removeprefix("optax.").rpartition(".")
    if path not in places:
        raise call.place.error(f"{call.name} is not a public function of optax", _HINT)
    for place in places[path]:
        if _is_public(place, name):
            return getattr(place, name)
    hint = near_matches(name, [option for place in places[path] for option in dir(place) if _is_public(place, option)])
    raise call.place.error(f"optax has no function {name!r}", hint if "did you mean" in hint else _HINT)


def _is_public(module: Any, name: str) -> bool:
    """Whether a name of a module of optax is a function or class of optax itself."""
    found = None if name.startswith("_") else getattr(module, name, None)
    home = getattr(getattr(found, "func", found), "__module__", "")
    return callable(found) and str(home).partition(".")[0] == "optax"


@dataclass(frozen=True, eq=False)
class Step:
    """A call that can be repeated with other options.

    Args:
        call: what was parsed.
        function: what is called.
        named: parameter → value, with the calls in it as steps.
        rest: further values by position.
        places: parameter → where its value stands; those of `rest` have the numbers from 0 as names.
    """

    call: Call
    function: Callable[..., Any]
    named: Mapping[str, Any]
    rest: Sequence[Any]
    places: Mapping[str | int, Place]

    @classmethod
    def of(cls, call: Call, function: Callable[..., Any] | None = None, leading: int = 0) -> Step:
        """Look up the functions of a call and of those in it, and assign their arguments.

        Raises:
            OptionError: a name or an option does not exist, or an argument is of a wrong kind.
        """
        function = find_function(call) if function is None else function
        if not callable(function):
            what = call.name or f"the result of {call.function.place if call.function else 'it'}"
            raise call.place.error(f"{what} is a {type(function).__name__}, which cannot be called", _HINT)
        bound = bind(call, function, leading)
        named = {name: _prepared(a.value, _accepts_factory(function, name)) for name, a in bound.named.items()}
        rest = [_prepared(argument.value, False) for argument in bound.rest]
        arguments = dict[str | int, Argument](enumerate(bound.rest))
        arguments.update(bound.named)
        return cls(call, function, named, rest, {name: argument.place for name, argument in arguments.items()})

    @property
    def name(self) -> str:
        """The name of the function without its module."""
        return self.call.name.rpartition(":")[2].rpartition(".")[2] or getattr(self.function, "__name__", "call")

    def make(self, changes: Mapping[tuple[int, str], Any]) -> Any:
        """Call the function.

        Args:
            changes: (id of a step, parameter) → value in place of the parsed one.

        Raises:
            OptionError: a value does not fit its parameter, or the function fails.
        """
        values = self.values(changes)
        rest = [_evaluated(value, changes) for value in self.rest]
        given = dict[str | int, Any](enumerate(rest))
        given.update(values)
        _check_values(self, given, changes)
        leading = [values.pop(name) for name in list(options_of(self.function))[: len(values)] if rest]
        hint = "call it in Python to see the traceback"
        with wrap_errors(lambda raised: self.call.place.error(f"{self.name} failed: {raised}", hint)):
            made = self.function(*leading, *rest, **values)
            return made.gradient_transformation() if hasattr(made, "gradient_transformation") else made

    def values(self, changes: Mapping[tuple[int, str], Any]) -> dict[str, Any]:
        """The values of the named parameters."""
        own = {name: value for (step, name), value in changes.items() if step == id(self)}
        return {name: _evaluated(value, changes) for name, value in self.named.items() if name not in own} | own

    def walk(self) -> Iterator[Step]:
        """Yield the step and all steps in its arguments."""
        yield self
        for value in (*self.named.values(), *self.rest):
            for step in _steps_in(value):
                yield from step.walk()


def _prepared(value: Any, accepts_factory: bool) -> Any:
    """Convert the calls in a value to steps, and names that are not called to functions."""
    if isinstance(value, dict):
        return {key: _prepared(item, False) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_prepared(item, False) for item in value)
    if not isinstance(value, Call):
        return value
    if value.called:
        return Step.of(value)
    found = find_function(value)
    if ":" in value.name or accepts_factory:
        return found
    raise value.place.error(f"{value.name} is not called", f"write {value.name}(…)")


def _steps_in(value: Any) -> Iterator[Step]:
    if isinstance(value, Step):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _steps_in(item)


def _evaluated(value: Any, changes: Mapping[tuple[int, str], Any]) -> Any:
    if isinstance(value, Step):
        return value.make(changes)
    if isinstance(value, dict):
        return {key: _evaluated(item, changes) for key, item in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        return type(value)(_evaluated(item, changes) for item in value)
    return value


def _annotations(function: Callable[..., Any]) -> dict[str | None, str]:
    """The declared type of each parameter; that of further positional ones is under None."""
    declared = {}
    for name, parameter in inspect.signature(function).parameters.items():
        key = None if parameter.kind is inspect.Parameter.VAR_POSITIONAL else name
        declared[key] = "" if parameter.annotation is UNSET else str(parameter.annotation)
    return declared


def _is_of_optax(function: Callable[..., Any]) -> bool:
    return str(getattr(getattr(function, "func", function), "__module__", "")).partition(".")[0] == "optax"


def _accepts_factory(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a parameter takes a function that makes a transformation, as that of inject_hyperparams does."""
    declared = _annotations(function).get(parameter, "")
    return not _is_of_optax(function) or ("Callable[..., " in declared and "GradientTransformation" in declared)


def _check_values(step: Step, values: Mapping[str | int, Any], changes: Mapping[tuple[int, str], Any]) -> None:
    """Check values against the types that optax declares, as it accepts some wrong ones in silence."""
    declared = _annotations(step.function) if _is_of_optax(step.function) else {}
    for name, value in values.items():
        kind = declared.get(None if isinstance(name, int) else name, "")
        if (id(step), name) in changes or not kind or "Any" in kind:
            continue
        if fault := _fault(value, kind):
            what = f"an argument of {step.name}" if isinstance(name, int) else f"{name} of {step.name}"
            raise step.places[name].error(f"{what} is {fault}", f"give {_expected(kind)}")


def _fault(value: Any, kind: str) -> str:
    """What a value is that does not fit the declared type of its parameter; empty if it fits."""
    if _expected(kind) == _TRANSFORMATION and not is_transformation(value):
        return "" if value is None and "None" in kind else describe_kind(value)
    if is_transformation(value):
        return "" if "GradientTransformation" in kind else _TRANSFORMATION
    if isinstance(value, str):
        return "" if any(word in kind for word in ("str", "Literal", "dtype", "Hashable")) else describe_kind(value)
    if callable(value) and not isinstance(value, type):
        return "" if "Callable" in kind or "Condition" in kind else describe_kind(value)
    return ""


_TRANSFORMATION = "a transformation"


def _expected(kind: str) -> str:
    """What a parameter of a declared type takes."""
    if "GradientTransformation" in kind and not any(word in kind for word in ("Callable", "[str,", "Mapping")):
        return _TRANSFORMATION
    return "a number or a schedule" if "Callable" in kind else "a number"


def describe_kind(value: Any) -> str:
    """Describe the kind of a value in words: a schedule or function, a text, a number."""
    if is_transformation(value):
        return _TRANSFORMATION
    words = {bool: "a truth value", str: f"the text {value!r}", int: "a number", float: "a number"}
    return words.get(type(value), "a schedule or function" if callable(value) else f"a {type(value).__name__}")


def make_factory(step: Step) -> Callable[..., Any]:
    """Make the factory of an optimiser: a partial of a single call; of nested calls, one with the options of all."""
    if not step.call.is_nested and not step.rest and inspect.isfunction(getattr(step.function, "func", step.function)):
        return partial(step.function, **step.named)
    paths = _paths(step)

    def make(changes: Mapping[str, Any]) -> Any:
        return step.make({paths[path]: value for path, value in changes.items()})

    values = {path: _present(step_of, name) for step_of, path, name in _options(step)}
    return NestedFactory(str(step.call.place), make, values)


def _paths(step: Step) -> dict[str, tuple[int, str]]:
    """Path of each option → (id of its step, parameter)."""
    return {path: (id(of), name) for of, path, name in _options(step)}


def _options(step: Step) -> Iterator[tuple[Step, str, str]]:
    """Yield each option with its path: "adam.b1", or "adam.2.b1" in the second of several calls of one name."""
    steps = list(step.walk())
    total, seen = Counter(of.name for of in steps), Counter[str]()
    for of in steps:
        seen[of.name] += 1
        prefix = of.name if total[of.name] == 1 else f"{of.name}.{seen[of.name]}"
        for name in options_of(of.function):
            yield of, f"{prefix}.{name}", name


def _present(step: Step, name: str) -> Any:
    """The value of an option; the text of a call."""
    value = step.named.get(name, options_of(step.function)[name])
    return str(value.call.place) if isinstance(value, Step) else value
