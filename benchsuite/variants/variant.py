"""Make the variants of a run: cases without and with treatments, or with a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, NamedTuple

from benchsuite.case import UNSET, Case, Landscape, Sweep, SweepRange
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


def make_variants(cases: Sequence[Case], treatments: Sequence[Treatment], over: SweepRange | None) -> list[Variant]:
    """List each case without treatment, then with each treatment, in the order of training.

    With a sweep, each of them is one variant, or one for each value of an option that cannot be traced.
    """
    return [
        variant for case in cases for treatment in (None, *treatments) for variant in _variants(case, treatment, over)
    ]


def _variants(case: Case, treatment: Treatment | None, over: SweepRange | None) -> list[Variant]:
    name = treatment.name if treatment else ""
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT):
            if over:
                return [Variant(case.name, name, swept) for swept in sweep_cases(case, treatment, over)]
            return [Variant(case.name, name, treatment.apply(case) if treatment else case)]
    except OutOfTimeError:
        message = f"treatment {name} of {case.name} timed out after {signals.PLUGIN_TIMEOUT} s"
        return [Variant(case.name, name, error=CaseError(message, "move long computations out of its change"))]
    except BenchsuiteError as error:
        return [Variant(case.name, name, error=error)]


class NotTraceableError(DoesNotApply):
    """The values of an option cannot be trained side by side, as the model cannot be traced with it."""


def sweep_cases(case: Case, treatment: Treatment | None, over: SweepRange) -> list[Case]:
    """A case, treated or not, with the values of one of its options.

    Returns:
        One case with all values side by side; or, for an option that cannot be traced, such as one that shapes depend
        on, one case for each value, with a program of its own and the same seeds.

    Raises:
        DoesNotApply: there is no such option, the treatment does not apply, or a value does not fit.
        CaseError: as `Treatment.apply`.
    """
    try:
        return [sweep_case(case, treatment, over)]
    except NotTraceableError:
        treated = treatment.apply(case) if treatment else case
        option = _find_option(case, treated, treatment, over.option)
        return [_case_with(option, treated, over.option, value) for value in _typed_values(option, treated, over)]


def _typed_values(option: _Option, treated: Case, over: SweepRange) -> tuple[float, ...]:
    """The values of a sweep; whole numbers where the option is one, or has no value that says what it is."""
    whole = all(value.is_integer() for value in over.values)
    if isinstance(option.value, Integral) and not whole:
        named = ", ".join(f"{value:g}" for value in over.values if not value.is_integer())
        raise DoesNotApply(f"{over.option} of {treated.id} is a whole number, which {named} is not")
    real = isinstance(option.value, Real) and not isinstance(option.value, Integral)
    return tuple(map(int, over.values)) if whole and not real else over.values


def _case_with(option: _Option, treated: Case, name: str, value: float) -> Case:
    """The case with an option at one value, without what may name parameters that it does not have."""
    case = replace(
        option.at(value),
        setting={name: value},
        claims=(),
        starts={},
        groups={},
        solution=None,
        landscape=Landscape(),
    )
    if reason := _fault(lambda: _build(case)):
        raise DoesNotApply(f"{name} of {treated.id} cannot be {value!r}: {reason}")
    return case


def sweep_case(case: Case, treatment: Treatment | None, over: SweepRange) -> Case:
    """Make a case that trains the values of one option side by side.

    The option is one of the treatment, else of the optimiser, else of the model.

    Raises:
        DoesNotApply: none of them has the option, or the treatment does not apply to the case.
        NotTraceableError: array shapes depend on the option.
        CaseError: as `Treatment.apply`.
    """
    treated = treatment.apply(case) if treatment else case
    at = _find_option(case, treated, treatment, over.option).at
    _check_traceable(at, treated, over.option)

    def case_at(value: Any) -> Case:
        # The dataset stays: all values are evaluated on the same data.
        changed = at(value)
        return replace(
            treated,
            model=changed.model,
            optimizer=changed.optimizer,
            loss=changed.loss,
            objective=changed.objective,
            players=changed.players,
        )

    return replace(treated, sweep=Sweep(over.option, over.values, case_at), claims=(), starts={})


class _Option(NamedTuple):
    """An option of a case: value → the case with it, and its present value."""

    at: Callable[[Any], Case]
    value: Any


def _find_option(case: Case, treated: Case, treatment: Treatment | None, option: str) -> _Option:
    own = treatment.options if treatment else {}
    if _is_number(option, own) and treatment:
        return _Option(lambda value: treatment.apply(case, **{option: value}), own[option])
    if _is_number(option, treated.optimizer_options):
        return _Option(lambda value: treated.with_optimizer(**{option: value}), treated.optimizer_options[option])
    if _is_number(option, case.optimizer_options) and option in treated.optimizer_options and treatment:
        # The treatment makes a schedule from the value of the case.
        changed = case.optimizer_options[option]
        return _Option(lambda value: treatment.apply(case.with_optimizer(**{option: value})), changed)
    if _is_number(option, treated.model_options):
        return _Option(lambda value: treated.with_model(**{option: value}), treated.model_options[option])
    known = {**treated.model_options, **treated.optimizer_options, **own}
    if option in known:
        raise DoesNotApply(f"{option} of {treated.id} is not a number, and cannot be swept")
    numbers = [name for name in known if _is_number(name, known)]
    raise DoesNotApply(f"{treated.id} has no option {option!r}", near_matches(option, numbers) if numbers else "")


def _is_number(option: str, options: Mapping[str, Any]) -> bool:
    """Whether an option exists, and is a number or has no value."""
    value = options.get(option, "")
    return value is None or value is UNSET or (isinstance(value, Real) and not isinstance(value, bool))


def _check_traceable(at: Callable[[Any], Case], treated: Case, option: str) -> None:
    """Check that JAX can trace an option: array shapes must not depend on it."""
    import jax

    scalar = jax.ShapeDtypeStruct((), "float32")
    if reason := _fault(lambda: jax.eval_shape(lambda value: _build(at(value)), scalar)):
        raise NotTraceableError(f"{option} of {treated.id} is not a number, and cannot be swept: {reason}")


def _build(case: Case) -> None:
    """Make the optimiser, and the shapes of the model."""
    from flax import nnx

    if not case.players:
        case.make_optimizer()
    nnx.eval_shape(lambda: case.model(nnx.Rngs(0)))


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
