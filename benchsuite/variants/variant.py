"""Make the variants of a run: cases without and with treatments, or with a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from benchsuite.case import UNSET, Case, Sweep, SweepRange
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
    """List each case without treatment, then with each treatment, in the order of training."""
    return [_make_variant(case, treatment, over) for case in cases for treatment in (None, *treatments)]


def _make_variant(case: Case, treatment: Treatment | None, over: SweepRange | None) -> Variant:
    name = treatment.name if treatment else ""
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT):
            if over:
                return Variant(case.name, name, sweep_case(case, treatment, over))
            return Variant(case.name, name, treatment.apply(case) if treatment else case)
    except OutOfTimeError:
        message = f"treatment {name} of {case.name} timed out after {signals.PLUGIN_TIMEOUT} s"
        return Variant(case.name, name, error=CaseError(message, "move long computations out of its change"))
    except BenchsuiteError as error:
        return Variant(case.name, name, error=error)


def sweep_case(case: Case, treatment: Treatment | None, over: SweepRange) -> Case:
    """Make a case that trains the values of one option side by side.

    The option is one of the treatment, else of the optimiser, else of the model.

    Raises:
        DoesNotApply: none of them has the option, or the treatment does not apply to the case.
        CaseError: as `Treatment.apply`.
    """
    treated = treatment.apply(case) if treatment else case
    at = _option_setter(case, treated, treatment, over.option)
    _check_traceable(at, treated, over.option)

    def case_at(value: Any) -> Case:
        # The dataset stays: all values are evaluated on the same data.
        changed = at(value)
        return replace(treated, model=changed.model, optimizer=changed.optimizer, loss=changed.loss)

    return replace(treated, sweep=Sweep(over.option, over.values, case_at), claims=(), starts={})


def _option_setter(case: Case, treated: Case, treatment: Treatment | None, option: str) -> Callable[[Any], Case]:
    own = treatment.options if treatment else {}
    if _is_number(option, own) and treatment:
        return lambda value: treatment.apply(case, **{option: value})
    if _is_number(option, treated.optimizer_options):
        return lambda value: treated.with_optimizer(**{option: value})
    if _is_number(option, case.optimizer_options) and option in treated.optimizer_options and treatment:
        # The treatment makes a schedule from the value of the case.
        return lambda value: treatment.apply(case.with_optimizer(**{option: value}))
    if _is_number(option, treated.model_options):
        return lambda value: treated.with_model(**{option: value})
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
    from flax import nnx

    def build(value: Any) -> None:
        case = at(value)
        case.make_optimizer()
        nnx.eval_shape(lambda: case.model(nnx.Rngs(0)))

    try:
        jax.eval_shape(build, jax.ShapeDtypeStruct((), "float32"))
    except DoesNotApply:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise DoesNotApply(f"{option} of {treated.id} is not a number, and cannot be swept: {reason}") from error


def list_inapplicable(variants: Sequence[Variant]) -> list[tuple[str, str, str]]:
    """List the variants that do not apply, as (case, treatment, reason)."""
    return [(v.case, v.treatment, v.error.message) for v in variants if v.error and not v.applies]
