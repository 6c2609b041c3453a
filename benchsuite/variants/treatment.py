"""Treatments: named changes of a case, compared with it on the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchsuite.case import Case, options_of, with_signature
from benchsuite.errors import BenchsuiteError, CaseError, DoesNotApply, require, require_text, wrap_errors
from benchsuite.names import NAME

#: Values of --treatment for all treatments, and for none.
ALL, NONE = "all", "none"


@dataclass(frozen=True, eq=False)
class Treatment:
    """A named change of a case.

    A treated case keeps its name and criterion. Where the parameters have the same shape, every seed starts from the
    same random numbers and trains on the same data as without the treatment.

    Args:
        name: unique among all plugins.
        summary: one sentence.
        source: origin of the treatment: an address or a reference.
        change: (Case, **options) → Case, by `Case.with_model`, `Case.with_optimizer` or `dataclasses.replace`. It
            raises `DoesNotApply` with the reason where it does not apply. Options are numbers with defaults. A sweep
            passes values that JAX traces, and uses only the model, optimiser and loss of the changed case. A change
            that renames parameters, or changes their number, must set groups={}.

    Raises:
        CaseError: a field is of the wrong kind.
    """

    name: str
    summary: str
    source: str
    change: Callable[..., Case]

    def __post_init__(self) -> None:
        parts = self.name.split("+") if isinstance(self.name, str) else [""]
        require(
            all(NAME.fullmatch(part) for part in parts) and self.name not in (ALL, NONE),
            f"a treatment is named {self.name!r}",
            f"use letters, digits and single - _ or ., and neither {ALL} nor {NONE}",
        )
        for name in ("summary", "source"):
            require_text(getattr(self, name), f"treatment {self.name}: {name}")
        require(
            callable(self.change), f"treatment {self.name}: change is not a function", "give a function Case -> Case"
        )
        for name, value in self.options.items():
            require(
                isinstance(value, int | float),
                f"treatment {self.name}: the default of its option {name} is not a number",
                "use numbers as defaults of all options",
            )

    @property
    def options(self) -> dict[str, Any]:
        """The options of the change, name → value."""
        return options_of(self.change, arguments=1)

    def with_options(self, name: str, **options: Any) -> Treatment:
        """Make the treatment with another name and other options."""
        return replace(self, name=name, change=partial(self.change, **options))

    def apply(self, case: Case, **options: Any) -> Case:
        """Apply the treatment to a case; claims and named starts are removed.

        Raises:
            DoesNotApply: the treatment does not apply to the case.
            CaseError: the change fails, returns something other than a case, or changes its name or criterion.
        """
        whose = f"treatment {self.name} of {case.name}"
        hint = "raise benchsuite.DoesNotApply with a reason where it does not apply"
        with wrap_errors(lambda raised: CaseError(f"{whose} failed: {raised}", hint)):
            try:
                # Claims and named starts are about the untreated case.
                treated = self.change(replace(case, claims=(), starts={}), **options)
            except DoesNotApply:
                raise
            except BenchsuiteError as error:
                raise CaseError(f"{whose}: {error.message}", error.hint) from error
        self._check(case, treated)
        name = f"{case.treatment}+{self.name}" if case.treatment else self.name
        kept = treated.optimizer is case.optimizer and treated.players == case.players
        return replace(treated, treatment=name, optimizer_replaced=case.optimizer_replaced or not kept)

    def _check(self, case: Case, treated: object) -> None:
        require(
            isinstance(treated, Case),
            f"treatment {self.name} of {case.name} returns a {type(treated).__name__}, expected a Case",
            "return a Case from its change",
        )
        for name in ("name", "criterion"):
            require(
                getattr(treated, name) == getattr(case, name),
                f"treatment {self.name} of {case.name} changes its {name}",
                "keep it, so that the seeds can be compared",
            )


def combine_treatments(treatments: Sequence[Treatment]) -> Treatment:
    """Combine treatments to one that applies them in turn; an option is passed to each that has it."""
    if len(treatments) == 1:
        return treatments[0]

    def change(case: Case, **options: Any) -> Case:
        for treatment in treatments:
            case = treatment.apply(case, **{name: options[name] for name in options.keys() & treatment.options.keys()})
        return case

    options = {name: value for treatment in treatments for name, value in treatment.options.items()}
    return Treatment(
        "+".join(treatment.name for treatment in treatments),
        " Then: ".join(treatment.summary for treatment in treatments),
        "; ".join(dict.fromkeys(treatment.source for treatment in treatments)),
        with_signature(change, ["case"], options),
    )
