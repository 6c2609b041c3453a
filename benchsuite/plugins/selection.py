"""Select cases by tag and family, and treatments by name, from a module of the user, or as an optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchsuite.case import Case, SweepRange, is_transformation, options_of, with_signature
from benchsuite.errors import OptionError, near_matches
from benchsuite.plugins.call import Call, split_treatments
from benchsuite.plugins.declared import DeclaredCase
from benchsuite.plugins.expression import EXAMPLES, Step, bind, describe_kind, find_function, make_factory
from benchsuite.settings import CORE, EVERY, TrainingSettings
from benchsuite.variants import ALL, NONE, Treatment, Variant, combine_treatments, make_variants

_FORMS = 'name a treatment such as adam, "adam(learning_rate=0.1)" or he+adam, or your own function as module:name'
_SAID = "the command line"


def select_cases(
    cases: Iterable[DeclaredCase], tags: Sequence[str], families: Sequence[str], *, named: bool = False
) -> list[DeclaredCase]:
    """Select the cases that have one of the tags and are of one of the families.

    Args:
        cases: to select from.
        tags: values of `--tag`; without any, and without families, those with the tag core or without tags.
        families: values of `--family`; all without any.
        named: whether the user named the cases, so that all are selected where neither tags nor families are given.

    Raises:
        OptionError: no case has the tag or is of the family, or none is left.
    """
    cases = list(cases)
    if not (tags or families):
        return [case for case in cases if named or not case.tags or CORE in case.tags]
    _check_known("tag", tags, [EVERY, *(tag for case in cases for tag in case.tags)])
    _check_known("family", families, [case.family for case in cases])
    tagged = [case for case in cases if not tags or EVERY in tags or set(tags) & set(case.tags)]
    found = [case for case in tagged if not families or case.family in families]
    if not found:
        given = [*(f"--tag {tag}" for tag in tags), *(f"--family {family}" for family in families)]
        raise OptionError(f"{' '.join(given)} selects no case", "omit --tag or --family, or name cases")
    return found


def _check_known(what: str, given: Sequence[str], known: Iterable[str]) -> None:
    known = sorted(set(filter(None, known)))
    for text in given:
        if text not in known:
            raise OptionError(f"no case has the {what} {text!r}", near_matches(text, known))


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
    return combine_treatments([_find_one(part, known) for part in split_treatments(text)])


def _find_one(text: str, known: Mapping[str, Treatment]) -> Treatment:
    call = Call.parse(text, _FORMS)
    if ":" in call.name:
        return _from_module(call)
    if call.root.name.startswith("optax."):
        return _replacing_optimizer(Step.of(call))
    if call.name not in known:
        raise call.place.error(
            f"there is no treatment {call.name or str(call.place)!r}", near_matches(call.name, known)
        )
    treatment = known[call.name]
    bound = bind(call, treatment.change, leading=1).named
    for argument in bound.values():
        if not isinstance(argument.value, int | float):
            raise argument.place.error(f"{argument.place} is not a number", "give numbers as options of a treatment")
    options = {name: argument.value for name, argument in bound.items()}
    return treatment.with_options(call.label, **options) if options else treatment


def _from_module(call: Call) -> Treatment:
    """Import a treatment, its change, or a function that returns a treatment or an optax transformation."""
    found = find_function(call)
    if isinstance(found, Treatment):
        step = Step.of(call, found.change, leading=1)
        return found.with_options(call.label, **step.values({}))
    if not callable(found):
        hint = "name a Treatment, or a function that returns one"
        raise call.place.error(f"{call.name} is a {type(found).__name__}", hint)
    if next(iter(options_of(found)), "") == "case":
        change = _with_fixed(found, Step.of(call, found, leading=1).values({}))
        return Treatment(call.label, f"The case is changed by {call.name}.", _SAID, change)
    step = Step.of(call, found)
    made = step.make({})
    return replace(made, name=call.label) if isinstance(made, Treatment) else _replacing_optimizer(step, made)


def _with_fixed(change: Callable[..., Case], given: Mapping[str, Any]) -> Callable[..., Case]:
    """Give a change its values; only numbers remain options, which a sweep can change."""
    options = {**options_of(change, 1), **given}
    numbers = {name: value for name, value in options.items() if isinstance(value, int | float)}
    fixed = partial(change, **{name: value for name, value in given.items() if name not in numbers})
    return with_signature(lambda case, **swept: fixed(case, **{**numbers, **swept}), ["case"], numbers)


def _optimizer(text: str) -> Treatment:
    """Create the treatment that replaces the optimiser of a case."""
    call = Call.parse(text, f"name an optimiser such as {EXAMPLES}")
    return _from_module(call) if ":" in call.name else _replacing_optimizer(Step.of(call))


def _replacing_optimizer(step: Step, made: Any = None) -> Treatment:
    call, made = step.call, step.make({}) if made is None else made
    if not is_transformation(made):
        hint = f"write, for example, {EXAMPLES}"
        raise call.place.error(f"it gives {describe_kind(made)}, not an optax transformation", hint)
    factory = make_factory(step)

    def change(case: Case) -> Case:
        return case.with_optimizer(factory)

    return Treatment(call.label, f"The optimiser is {call.place}.", _SAID, change)


def label_calls(treatments: Sequence[str], optimizers: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Map the names of treatments that are calls to (option, text), which select them again."""
    labels: dict[str, tuple[str, str]] = {}
    for text in treatments:
        label = "+".join(Call.parse(part, _FORMS).label for part in split_treatments(text))
        labels |= {label: ("treatment", text)} if label != text else {}
    return labels | {Call.parse(text, _FORMS).label: ("optimizer", text) for text in optimizers}


def recall_labels(
    settings: TrainingSettings, known: Mapping[str, Treatment], stored: Callable[[str], tuple[str, str] | None]
) -> TrainingSettings:
    """Replace labels among the treatments, as tables show them, by the calls that they stand for.

    Args:
        settings: options as they are typed.
        known: the treatments of all plugins.
        stored: label → (option, text) of an earlier run, or None.
    """
    treatments: list[str] = []
    optimizers = list(settings.optimizer)
    for text in settings.treatment:
        is_known = text in (ALL, NONE) or all(part in known for part in text.split("+"))
        option, call = (None if is_known or "(" in text else stored(text)) or ("treatment", text)
        by = ([], [call]) if option == "optimizer" else ([call], [])
        if call != text and text not in label_calls(*by):  # the folder may be from elsewhere, with any text
            raise OptionError(f"an earlier run calls {call!r} {text!r}", "give the call itself")
        (optimizers if option == "optimizer" else treatments).append(call)
    return replace(settings, treatment=tuple(treatments), optimizer=tuple(dict.fromkeys(optimizers)))


def select_variants(
    cases: Sequence[Case], treatments: Sequence[Treatment], settings: TrainingSettings
) -> list[Variant]:
    """Make the variants of cases that treatments and the sweeps of the settings require.

    Raises:
        OptionError: the sweeps, or every treatment, applies to none of the cases.
    """
    over = SweepRange.parse_all(settings.sweep)
    variants = make_variants(cases, treatments, over)
    _check_applies(variants, over)
    return variants


def _check_applies(variants: Sequence[Variant], over: Sequence[SweepRange]) -> None:
    if over and not any(variant.treated for variant in variants):
        named = " ".join(f"--sweep {item.option}" for item in over)
        plural = "apply" if len(over) > 1 else "applies"
        raise OptionError(f"{named} {plural} to no case:{_reasons(variants)}", "sweep another option")
    treated = [variant for variant in variants if variant.treatment]
    if treated and not any(variant.applies for variant in treated):
        names = ", ".join(dict.fromkeys(variant.treatment for variant in treated))
        raise OptionError(
            f"treatment {names} applies to no case:{_reasons(treated)}", "choose another --treatment, or other cases"
        )


def _reasons(variants: Sequence[Variant]) -> str:
    errors = [(variant.id, variant.error) for variant in variants if variant.error]
    return "".join(f"\n  {name}: {error.message}{f' ({error.hint})' if error.hint else ''}" for name, error in errors)
