"""Make the variants of a run: cases without and with treatments, or with a sweep."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from benchsuite.case import UNSET, Case, Landscape, Sweep, SweepRange, combine_values
from benchsuite.errors import BenchsuiteError, CaseError, DoesNotApply, OutOfTimeError, near_matches
from benchsuite.system import signals
from benchsuite.variants.treatment import Treatment


@dataclass(frozen=True, eq=False)
class Variant:
    """A case with a treatment, or the error that prevents it.

    Args:
        case: the name of the case.
        treatment: the name of the treatment, empty for none.
        treated: the case to train; or
        error: why there is none: `DoesNotApply`, or an error of the treatment.
    """

    case: str
    treatment: str
    treated: Case | None = None
    error: BenchsuiteError | None = None

    @property
    def id(self) -> str:
        """The id of the case; see `Case.id`."""
        return self.treated.id if self.treated else "+".join(filter(None, (self.case, self.treatment)))

    @property
    def applies(self) -> bool:
        """Whether the treatment applies to the case."""
        return not isinstance(self.error, DoesNotApply)


def make_variants(cases: Sequence[Case], treatments: Sequence[Treatment], over: Sequence[SweepRange]) -> list[Variant]:
    """List each case without treatment, then with each treatment, in the order of training.

    With sweeps, each is one variant, or one for each combination of the values of options that cannot be traced.
    """
    return [
        variant for case in cases for treatment in (None, *treatments) for variant in _variants(case, treatment, over)
    ]


def _variants(case: Case, treatment: Treatment | None, over: Sequence[SweepRange]) -> list[Variant]:
    name = treatment.name if treatment else ""
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT):
            if over:
                return [Variant(case.name, name, swept) for swept in sweep_cases(case, treatment, *over)]
            return [Variant(case.name, name, treatment.apply(case) if treatment else case)]
    except OutOfTimeError:
        message = f"treatment {name} of {case.name} timed out after {signals.PLUGIN_TIMEOUT} s"
        return [Variant(case.name, name, error=CaseError(message, "move long computations out of its change"))]
    except BenchsuiteError as error:
        return [Variant(case.name, name, error=error)]


class NotTraceableError(DoesNotApply):
    """The values of an option cannot be trained side by side, as the model cannot be traced with it."""


def sweep_cases(case: Case, treatment: Treatment | None, *over: SweepRange) -> list[Case]:
    """A case, treated or not, with all combinations of values of its options.

    Returns:
        One case with all combinations side by side. Where options cannot be traced, such as those that shapes depend
        on, one case for each combination of their values, with a program of its own and the same seeds.

    Raises:
        DoesNotApply: there is no such option, the treatment does not apply, or a value does not fit.
        CaseError: as `Treatment.apply`.
    """
    try:
        return [sweep_case(case, treatment, *over)]
    except NotTraceableError:
        options = _Options.of(case, treatment)
        together = [item for item in over if len(over) > 1 and not _tracing_fault(options.at, [item.option])]
        apart = [item for item in over if item not in together]
        if not apart:
            raise
    values = {item.option: _typed_values(options, item) for item in apart}
    cases = [_case_with(options, setting) for setting in combine_values(values)]
    return [_swept(one, options, together) for one in cases] if together else cases


def _typed_values(options: _Options, over: SweepRange) -> tuple[float, ...]:
    """The values of a sweep; whole numbers where the option is one, or has no value that says what it is."""
    value, whole = options.value(over.option), all(value.is_integer() for value in over.values)
    if isinstance(value, Integral) and not whole:
        named = ", ".join(f"{value:g}" for value in over.values if not value.is_integer())
        raise DoesNotApply(f"{over.option} of {options.treated.id} is a whole number, which {named} is not")
    real = isinstance(value, Real) and not isinstance(value, Integral)
    return tuple(map(int, over.values)) if whole and not real else over.values


def _case_with(options: _Options, setting: Mapping[str, float]) -> Case:
    """The case with options at one value each, without what may name parameters that it does not have."""
    changed = options.at(setting)
    case = replace(changed, setting=setting, claims=(), starts={}, groups={}, solution=None, landscape=Landscape())
    if reason := _fault(lambda: _build(case)):
        named = " and ".join(f"{name} of {options.treated.id} cannot be {value!r}" for name, value in setting.items())
        raise DoesNotApply(f"{named}: {reason}")
    return case


def sweep_case(case: Case, treatment: Treatment | None, *over: SweepRange) -> Case:
    """Make a case that trains all combinations of values of options side by side.

    An option is one of the treatment, else of the optimiser, else of the model.

    Raises:
        DoesNotApply: none of them has the option, or the treatment does not apply to the case.
        NotTraceableError: array shapes depend on an option.
        CaseError: as `Treatment.apply`.
    """
    options, names = _Options.of(case, treatment), [item.option for item in over]
    if reason := _tracing_fault(options.at, names):
        named = " and ".join(names)
        raise NotTraceableError(f"{named} of {options.treated.id} is not a number, and cannot be swept: {reason}")
    return replace(_swept(options.treated, options, over), claims=(), starts={})


def _swept(case: Case, options: _Options, over: Sequence[SweepRange]) -> Case:
    """Add a sweep to a case, which may have other options at values of their own."""

    def case_at(values: Mapping[str, Any]) -> Case:
        # The dataset stays: all values are evaluated on the same data.
        changed = options.at({**case.setting, **values})
        return replace(
            case,
            model=changed.model,
            optimizer=changed.optimizer,
            loss=changed.loss,
            objective=changed.objective,
            players=changed.players,
        )

    return replace(case, sweep=Sweep({item.option: item.values for item in over}, case_at))


@dataclass(frozen=True, eq=False)
class _Options:
    """The options of a case that a sweep reaches.

    Args:
        case: without the treatment.
        treated: with it.
        treatment: None for the untreated case.
        fits: (option, options) → whether the options have one that can be changed; by default one that is a number.
    """

    case: Case
    treated: Case
    treatment: Treatment | None
    fits: Callable[[str, Mapping[str, Any]], bool] = field(default_factory=lambda: _is_number)

    @classmethod
    def of(cls, case: Case, treatment: Treatment | None) -> _Options:
        return cls(case, treatment.apply(case) if treatment else case, treatment)

    @property
    def _owners(self) -> dict[str, Mapping[str, Any]]:
        """The options by their owners, of which the first one that has an option counts."""
        own = self.treatment.options if self.treatment else {}
        used = self.treated.optimizer_options
        # A treatment may make a schedule from the value of the case.
        given = {name: value for name, value in self.case.optimizer_options.items() if name in used}
        given = given if self.treatment else {}
        return {"treatment": own, "optimizer": used, "case": given, "model": self.treated.model_options}

    def _owner(self, option: str) -> str:
        owners = self._owners
        for owner, options in owners.items():
            if self.fits(option, options):
                return owner
        known = {**owners["model"], **owners["optimizer"], **owners["treatment"]}
        if option in known:
            raise DoesNotApply(f"{option} of {self.treated.id} is not a number, and cannot be swept")
        numbers = [
            name for name in known if _is_number(name, known) and name.rpartition(".")[2] not in known.keys() - {name}
        ]
        hint = near_matches(option, numbers) if numbers else ""
        raise DoesNotApply(f"{self.treated.id} has no option {option!r}", hint)

    def value(self, option: str) -> Any:
        """The present value of an option.

        Raises:
            DoesNotApply: there is no such option, or it is not a number.
        """
        return self._owners[self._owner(option)][option]

    def at(self, values: Mapping[str, Any]) -> Case:
        """The case with values of options, which may be traced by JAX."""
        of: dict[str, dict[str, Any]] = {owner: {} for owner in self._owners}
        for name, value in values.items():
            of[self._owner(name)][name] = value
        changed = self.treated
        if self.treatment and (of["treatment"] or of["case"]):
            start = self.case.with_optimizer(**of["case"]) if of["case"] else self.case
            changed = self.treatment.apply(start, **of["treatment"])
        changed = changed.with_optimizer(**of["optimizer"]) if of["optimizer"] else changed
        return changed.with_model(**of["model"]) if of["model"] else changed


def change_options(case: Case, treatment: Treatment | None, values: Mapping[str, Any]) -> Case:
    """Apply a treatment to a case, and change options to values of any kind.

    An option is one of the treatment, else of the optimiser, else of the model; numbers may be traced by JAX.

    Raises:
        DoesNotApply: none of them has the option, or the treatment does not apply to the case.
        CaseError: as `Treatment.apply`.
    """
    found = replace(_Options.of(case, treatment), fits=lambda option, options: option in options)
    return found.at(values)


def _is_number(option: str, options: Mapping[str, Any]) -> bool:
    """Whether an option exists, and is a number or has no value."""
    value = options.get(option, "")
    return value is None or value is UNSET or (isinstance(value, Real) and not isinstance(value, bool))


def _tracing_fault(at: Callable[[Mapping[str, Any]], Case], names: Collection[str]) -> str:
    """Why JAX cannot trace options, such as those that array shapes depend on; empty where it can."""
    import jax

    scalars = dict.fromkeys(names, jax.ShapeDtypeStruct((), "float32"))
    return _fault(lambda: jax.eval_shape(lambda values: _build(at(values)), scalars))


def _build(case: Case) -> None:
    """Make the optimiser, and the shapes of the model."""
    import jax
    from flax import nnx

    def build() -> tuple[()]:
        case.model(nnx.Rngs(0))
        return ()  # a model may keep traced options, which JAX would compare with those of the next trace

    if not case.players:
        case.make_optimizer()
    jax.eval_shape(build)


def _fault(build: Callable[[], object]) -> str:
    """The first line of the error that a function of a plugin raises; empty if it raises none."""
    try:
        build()
    except DoesNotApply:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises
        return str(error).strip().split("\n")[0] or type(error).__name__
    return ""


def list_inapplicable(variants: Sequence[Variant]) -> list[tuple[str, str, str]]:
    """List the variants that do not apply, as (case, treatment, reason)."""
    return [(v.case, v.treatment, v.error.message) for v in variants if v.error and not v.applies]
