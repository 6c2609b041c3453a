"""Which treatments a person chose: by name, with other options, from a module of their own, or as an optimiser."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchsuite.case import Case
from benchsuite.errors import OptionError, near_matches
from benchsuite.factory import UNSET, options_of
from benchsuite.treatment import ALL, NONE, Treatment, combined

_CALL = re.compile(r"(?P<name>[A-Za-z_][\w.-]*(?::[A-Za-z_]\w*)?)\s*(?:\((?P<options>.*)\))?", re.DOTALL)
#: A plus between treatments, but not one within the parentheses of an option.
_PLUS = re.compile(r"\+(?![^(]*\))")

_FORMS = 'name a treatment such as adam, "adam(learning_rate=0.1)" or he+adam, or a function of yours as module:name'
_SAID = "the command line"
_OPTIMIZERS = '"optax.adam(1e-2)", "optax.sgd(0.01, momentum=0.9)" or "module:name(0.01)"'


@dataclass(frozen=True)
class Call:
    """A name and the options that were written after it; nothing of it is evaluated.

    Args:
        name: dotted, and with a colon after a module's name.
        values: the numbers without a name, in their order.
        options: name → number or truth value.
        text: all of it.
    """

    name: str
    values: tuple[float, ...]
    options: Mapping[str, float]
    text: str

    @classmethod
    def parse(cls, text: str, hint: str) -> Call:
        """Read "name", or "name(1e-2, option=0.9)".

        Raises:
            OptionError: it is neither; the hint is added.
        """
        match = _CALL.fullmatch(text.strip())
        if not match:
            raise OptionError(f"{text!r} is not a name, with or without numbers in parentheses", hint)
        try:
            values, options = _numbers(match["options"] or "")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise OptionError(f"{text!r} cannot be read: {_reason(error)}", hint) from error
        return cls(match["name"], values, options, text)

    @property
    def label(self) -> str:
        """The call as the name of a treatment: "optax.adam-0.01", "positive-bias-bias-minus1"."""
        words = [self.name, *map(_word, self.values)]
        words += [word for name, value in self.options.items() for word in (name, _word(value))]
        return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-.")

    def bind(self, factory: Callable[..., Any], arguments: int = 0) -> dict[str, float]:
        """All values by the names of the factory's options.

        Raises:
            OptionError: it has no such option, or one is given twice.
        """
        try:
            known = options_of(factory, arguments)
        except (TypeError, ValueError) as error:
            raise OptionError(f"{self.text!r}: {self.name} has no options to set", _OPTIMIZERS) from error
        if len(self.values) > len(known):
            raise OptionError(
                f"{self.text!r} gives {len(self.values)} values, {self.name} has {len(known)} options", ""
            )
        bound: dict[str, float] = dict(zip(known, self.values, strict=False))
        for name, value in self.options.items():
            if name not in known:
                raise OptionError(f"{self.text!r}: {self.name} has no option {name!r}", near_matches(name, known))
            if name in bound:
                raise OptionError(f"{self.text!r} gives {name} twice", "give it once")
            bound[name] = value
        return bound


def _word(value: float) -> str:
    """A number as part of a name, such that different numbers give different names."""
    return repr(value).replace("+", "").replace("e-", "e_").replace("-", "minus").replace("e_", "e-")


def _reason(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__


def _numbers(text: str) -> tuple[tuple[float, ...], dict[str, float]]:
    """What stands between the parentheses."""
    call = ast.parse(f"call({text})", mode="eval").body
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "call":
        raise ValueError("the parentheses do not match")
    options: dict[str, float] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError("** is not understood")
        options[keyword.arg] = _number(keyword.value)
    return tuple(_number(value) for value in call.args), options


def _number(tree: ast.expr) -> float:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        return _number(tree.operand) * (-1 if isinstance(tree.op, ast.USub) else 1)
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
        return tree.value
    raise ValueError(f"{ast.unparse(tree)} is not a number")


def choose(texts: Sequence[str], optimizers: Sequence[str], known: Mapping[str, Treatment]) -> list[Treatment]:
    """The treatments that a person chose, each once.

    Args:
        texts: what was said after `--treatment`.
        optimizers: what was said after `--optimizer`.
        known: the treatments of all plugins.

    Raises:
        OptionError: one cannot be read, is not there, or cannot be made, or two would have the same name.
    """
    if NONE in texts and len(texts) + len(optimizers) > 1:
        raise OptionError(f"--treatment {NONE} beside others", "leave one of them out")
    chosen = dict(known) if ALL in texts else {}
    for text in dict.fromkeys(text for text in texts if text not in (ALL, NONE)):
        _add(chosen, _find(text, known), text)
    for text in dict.fromkeys(optimizers):
        _add(chosen, _optimizer(text), text)
    return list(chosen.values())


def _add(chosen: dict[str, Treatment], treatment: Treatment, text: str) -> None:
    if chosen.setdefault(treatment.name, treatment) is not treatment:
        raise OptionError(f"{text!r} has the same name as another treatment, {treatment.name}", "leave one of them out")


def _find(text: str, known: Mapping[str, Treatment]) -> Treatment:
    """One treatment, or several joined by plus signs."""
    return combined([_find_one(part, known) for part in _PLUS.split(text)])


def _find_one(text: str, known: Mapping[str, Treatment]) -> Treatment:
    call = Call.parse(text, _FORMS)
    if ":" in call.name:
        return _from_module(call)
    if call.name not in known:
        hint = near_matches(call.name, known)
        raise OptionError(f"there is no treatment {call.name!r}", hint)
    options = call.bind(known[call.name].change, arguments=1)
    return known[call.name].with_options(call.label, **options) if options else known[call.name]


def _from_module(call: Call) -> Treatment:
    """A treatment, its change, or a function that makes one or an optax transformation, from a module of the user's."""
    module, _, name = call.name.partition(":")
    found = _import(call, module, name)
    if isinstance(found, Treatment):
        return found.with_options(call.label, **call.bind(found.change, arguments=1))
    if not callable(found):
        raise OptionError(f"{call.name} is a {type(found).__name__}", "name a Treatment, or a function that makes one")
    if next(iter(options_of(found)), "") == "case":
        options = call.bind(found, arguments=1)
        return Treatment(call.label, f"The case is changed by {call.name}.", _SAID, partial(found, **options))
    options = call.bind(found)
    missing = [option for option, value in (options_of(found) | options).items() if value is UNSET]
    if missing:
        raise OptionError(f"{call.text!r}: {call.name} is not told its {', '.join(missing)}", _OPTIMIZERS)
    made = _called(call, found, options)
    if isinstance(made, Treatment):
        return replace(made, name=call.label)
    return _replacing_optimizer(call, found, options, made)


def _import(call: Call, module: str, name: str) -> Any:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)  # as `python -m` does: the module may lie where the user is
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        raise OptionError(f"{call.name} cannot be imported: {type(error).__name__}: {error}", _FORMS) from error
    finally:
        sys.path.remove(folder)


def _optimizer(text: str) -> Treatment:
    """The treatment that puts an optimiser in the place of the case's own."""
    call = Call.parse(text, f"name an optimiser such as {_OPTIMIZERS}")
    if ":" in call.name:
        return _from_module(call)
    factory = _optax(call)
    options = call.bind(factory)
    missing = [option for option, value in (options_of(factory) | options).items() if value is UNSET]
    if missing:
        raise OptionError(f"{text!r} does not say {', '.join(missing)}", f"for example {_OPTIMIZERS}")
    return _replacing_optimizer(call, factory, options, _called(call, factory, options))


def _optax(call: Call) -> Callable[..., Any]:
    """What a name such as "optax.adam", "adam" or "optax.contrib.prodigy" stands for; only optax's own names count."""
    import optax
    import optax.contrib

    *path, name = call.name.removeprefix("optax.").split(".")
    if path not in ([], ["contrib"]):
        raise OptionError(f"{call.name!r} is no optimiser of optax", f"for example {_OPTIMIZERS}")
    place = optax.contrib if path else optax
    found = None if name.startswith("_") else getattr(place, name, None)
    if not callable(found):
        known = [option for option in dir(place) if option.islower() and callable(getattr(place, option))]
        raise OptionError(f"optax has no optimiser {call.name!r}", near_matches(name, known))
    return found


def _called(call: Call, factory: Callable[..., Any], options: Mapping[str, float]) -> Any:
    try:
        return factory(**options)
    except Exception as error:
        raise OptionError(
            f"{call.text!r} failed: {type(error).__name__}: {error}", "call it by hand in Python to find out why"
        ) from error


def _replacing_optimizer(call: Call, factory: Callable[..., Any], options: Mapping[str, float], made: Any) -> Treatment:
    if not all(callable(getattr(made, name, None)) for name in ("init", "update")):
        raise OptionError(
            f"{call.text!r} gives a {type(made).__name__}, not an optax transformation", f"for example {_OPTIMIZERS}"
        )

    def change(case: Case) -> Case:
        return replace(case, optimizer=partial(factory, **options))

    return Treatment(call.label, f"The optimiser is {call.text.strip()}.", _SAID, change)
