"""Select treatments: by name, with options, from a module of the user, or as an optimiser."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchsuite.case import UNSET, Case, SweepRange, options_of
from benchsuite.errors import OptionError, near_matches, wrap_errors
from benchsuite.plugins.call import Call
from benchsuite.settings import TrainingSettings
from benchsuite.variants import ALL, NONE, Treatment, Variant, combine_treatments, make_variants

#: A plus between treatments, but not one within the parentheses of an option.
_PLUS = re.compile(r"\+(?![^(]*\))")

_FORMS = 'name a treatment such as adam, "adam(learning_rate=0.1)" or he+adam, or your own function as module:name'
_SAID = "the command line"
_OPTIMIZERS = '"optax.adam(1e-2)", "optax.sgd(0.01, momentum=0.9)" or "module:name(0.01)"'


def select_treatments(
    texts: Sequence[str], optimizers: Sequence[str], known: Mapping[str, Treatment]
) -> list[Treatment]:
    """Select treatments by the values of the options, each once.

    Args:
        texts: values of `--treatment`.
        optimizers: values of `--optimizer`.
        known: the treatments of all plugins.

    Raises:
        OptionError: one cannot be parsed, does not exist or cannot be created, or two have the same name.
    """
    if NONE in texts and len(texts) + len(optimizers) > 1:
        raise OptionError(f"--treatment {NONE} excludes other treatments", f"omit --treatment {NONE}")
    chosen = dict(known) if ALL in texts else {}
    for text in dict.fromkeys(text for text in texts if text not in (ALL, NONE)):
        _add(chosen, _find(text, known), text)
    for text in dict.fromkeys(optimizers):
        _add(chosen, _optimizer(text), text)
    return list(chosen.values())


def _add(chosen: dict[str, Treatment], treatment: Treatment, text: str) -> None:
    if chosen.setdefault(treatment.name, treatment) is not treatment:
        raise OptionError(f"{text!r} has the same name as another treatment, {treatment.name}", "omit one of them")


def _find(text: str, known: Mapping[str, Treatment]) -> Treatment:
    """Find one treatment, or combine several joined by plus signs."""
    return combine_treatments([_find_one(part, known) for part in _PLUS.split(text)])


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
    """Import a treatment, its change, or a function that returns a treatment or an optax transformation."""
    module, _, name = call.name.partition(":")
    found = _import(call, module, name)
    if isinstance(found, Treatment):
        return found.with_options(call.label, **call.bind(found.change, arguments=1))
    if not callable(found):
        raise OptionError(
            f"{call.name} is a {type(found).__name__}", "name a Treatment, or a function that returns one"
        )
    if next(iter(options_of(found)), "") == "case":
        options = call.bind(found, arguments=1)
        return Treatment(call.label, f"The case is changed by {call.name}.", _SAID, partial(found, **options))
    options = call.bind(found)
    missing = [option for option, value in (options_of(found) | options).items() if value is UNSET]
    if missing:
        raise OptionError(
            f"{call.text!r}: {call.name} requires {', '.join(missing)}", f"write, for example, {_OPTIMIZERS}"
        )
    made = _called(call, found, options)
    if isinstance(made, Treatment):
        return replace(made, name=call.label)
    return _replacing_optimizer(call, found, options, made)


def _import(call: Call, module: str, name: str) -> Any:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)  # as `python -m` does: modules in the working folder can be imported
    try:
        with wrap_errors(lambda raised: OptionError(f"{call.name} cannot be imported: {raised}", _FORMS)):
            return getattr(importlib.import_module(module), name)
    finally:
        sys.path.remove(folder)


def _optimizer(text: str) -> Treatment:
    """Create the treatment that replaces the optimiser of a case."""
    call = Call.parse(text, f"name an optimiser such as {_OPTIMIZERS}")
    if ":" in call.name:
        return _from_module(call)
    factory = _optax(call)
    options = call.bind(factory)
    missing = [option for option, value in (options_of(factory) | options).items() if value is UNSET]
    if missing:
        raise OptionError(f"{text!r} requires {', '.join(missing)}", f"write, for example, {_OPTIMIZERS}")
    return _replacing_optimizer(call, factory, options, _called(call, factory, options))


def _optax(call: Call) -> Callable[..., Any]:
    """Look up "optax.adam", "adam" or "optax.contrib.prodigy" among the public names of optax."""
    import optax
    import optax.contrib

    *path, name = call.name.removeprefix("optax.").split(".")
    if path not in ([], ["contrib"]):
        raise OptionError(f"{call.name!r} is not an optimiser of optax", f"write, for example, {_OPTIMIZERS}")
    place = optax.contrib if path else optax
    found = None if name.startswith("_") else getattr(place, name, None)
    if not callable(found):
        known = [option for option in dir(place) if option.islower() and callable(getattr(place, option))]
        raise OptionError(f"optax has no optimiser {call.name!r}", near_matches(name, known))
    return found


def _called(call: Call, factory: Callable[..., Any], options: Mapping[str, float]) -> Any:
    hint = "call it in Python to see the traceback"
    with wrap_errors(lambda raised: OptionError(f"{call.text!r} failed: {raised}", hint)):
        return factory(**options)


def _replacing_optimizer(call: Call, factory: Callable[..., Any], options: Mapping[str, float], made: Any) -> Treatment:
    if not all(callable(getattr(made, name, None)) for name in ("init", "update")):
        raise OptionError(
            f"{call.text!r} returns a {type(made).__name__}, not an optax transformation",
            f"write, for example, {_OPTIMIZERS}",
        )

    def change(case: Case) -> Case:
        return replace(case, optimizer=partial(factory, **options))

    return Treatment(call.label, f"The optimiser is {call.text.strip()}.", _SAID, change)


def select_variants(
    cases: Sequence[Case], treatments: Sequence[Treatment], settings: TrainingSettings
) -> list[Variant]:
    """Make the variants of cases that treatments and the sweep of the settings require.

    Raises:
        OptionError: the sweep, or every treatment, applies to none of the cases.
    """
    over = SweepRange.parse(settings.sweep) if settings.sweep else None
    variants = make_variants(cases, treatments, over)
    _check_applies(variants, over)
    return variants


def _check_applies(variants: Sequence[Variant], over: SweepRange | None) -> None:
    if over and not any(variant.treated for variant in variants):
        raise OptionError(f"--sweep {over.option} applies to no case:{_reasons(variants)}", "sweep another option")
    treated = [variant for variant in variants if variant.treatment]
    if treated and not any(variant.applies for variant in treated):
        names = ", ".join(dict.fromkeys(variant.treatment for variant in treated))
        raise OptionError(
            f"treatment {names} applies to no case:{_reasons(treated)}", "choose another --treatment, or other cases"
        )


def _reasons(variants: Sequence[Variant]) -> str:
    return "".join(f"\n  {variant.id}: {variant.error.message}" for variant in variants if variant.error)
