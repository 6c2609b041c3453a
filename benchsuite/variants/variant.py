"""What a run trains: cases untreated and treated, or the values of an option of each side by side."""

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
    """A case with what is done to it.

    Args:
        case: the name of the case.
        treatment: that of the treatment, empty for none.
        treated: the case to train; or
        error: why there is none: `DoesNotApply`, or a fault of the treatment.
    """

    case: str
    treatment: str
    treated: Case | None = None
    error: BenchsuiteError | None = None

    @property
    def id(self) -> str:
        """As `Case.id`."""
        return self.treated.id if self.treated else "+".join(filter(None, (self.case, self.treatment)))

    @property
    def applies(self) -> bool:
        """Whether it makes sense."""
        return not isinstance(self.error, DoesNotApply)


def make_variants(cases: Sequence[Case], treatments: Sequence[Treatment], over: SweepRange | None) -> list[Variant]:
    """Each case untreated, then under each treatment, in the order in which they are to be trained."""
    return [_make_variant(case, treatment, over) for case in cases for treatment in (None, *treatments)]


def _make_variant(case: Case, treatment: Treatment | None, over: SweepRange | None) -> Variant:
    name = treatment.name if treatment else ""
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT):
            if over:
                return Variant(case.name, name, sweep_case(case, treatment, over))
            return Variant(case.name, name, treatment.apply(case) if treatment else case)
    except OutOfTimeError:
        told = f"treatment {name} of {case.name} was not there after {signals.PLUGIN_TIMEOUT} s"
        return Variant(case.name, name, error=CaseError(told, "let a change do nothing that takes long"))
    except BenchsuiteError as error:
        return Variant(case.name, name, error=error)


def sweep_case(case: Case, treatment: Treatment | None, over: SweepRange) -> Case:
    """A case, treated or not, with the values of one of its options side by side.

    The option is looked for in the treatment, then in the optimiser, then in the model.

    Raises:
        DoesNotApply: none of them has it, or the treatment makes no sense for the case.
        CaseError: as `Treatment.apply`.
    """
    treated = treatment.apply(case) if treatment else case
    at = _option_setter(case, treated, treatment, over.option)
    _check_traceable(at, treated, over.option)

    def case_at(value: Any) -> Case:
        # Not the dataset: all values are judged on the same data.
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


def _option_setter(case: Case, treated: Case, treatment: Treatment | None, option: str) -> Callable[[Any], Case]:
    own = treatment.options if treatment else {}
    if _is_number(option, own) and treatment:
        return lambda value: treatment.apply(case, **{option: value})
    if _is_number(option, treated.optimizer_options):
        return lambda value: treated.with_optimizer(**{option: value})
    if _is_number(option, case.optimizer_options) and option in treated.optimizer_options and treatment:
        # The treatment makes a schedule of the case's own value.
        return lambda value: treatment.apply(case.with_optimizer(**{option: value}))
    if _is_number(option, treated.model_options):
        return lambda value: treated.with_model(**{option: value})
    known = {**treated.model_options, **treated.optimizer_options, **own}
    if option in known:
        raise DoesNotApply(f"{option} of {treated.id} is not a number that could be swept over")
    numbers = [name for name in known if _is_number(name, known)]
    raise DoesNotApply(f"{treated.id} has no option {option!r}", near_matches(option, numbers) if numbers else "")


def _is_number(option: str, options: Mapping[str, Any]) -> bool:
    """Whether it is there as a number, or without a value that would tell that it is something else."""
    value = options.get(option, "")
    return value is None or value is UNSET or (isinstance(value, Real) and not isinstance(value, bool))


def _check_traceable(at: Callable[[Any], Case], treated: Case, option: str) -> None:
    """Refuse an option that is no mere number, such as one that shapes depend on."""
    import jax
    from flax import nnx

    def build(value: Any) -> None:
        case = at(value)
        if not case.players:
            case.make_optimizer()
        nnx.eval_shape(lambda: case.model(nnx.Rngs(0)))

    try:
        jax.eval_shape(build, jax.ShapeDtypeStruct((), "float32"))
    except DoesNotApply:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise DoesNotApply(f"{option} of {treated.id} is not a number that could be swept over: {reason}") from error


def list_inapplicable(variants: Sequence[Variant]) -> list[tuple[str, str, str]]:
    """What makes no sense, as a run folder keeps it: (case, treatment, why)."""
    return [(v.case, v.treatment, v.error.message) for v in variants if v.error and not v.applies]
