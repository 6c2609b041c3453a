"""A treatment: a named change to a case, to be tried on the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchsuite.case import NAME, Case, options_of, with_signature
from benchsuite.errors import BenchsuiteError, CaseError, DoesNotApply, require, require_text, wrap_errors

#: What a person says for every treatment there is, and for none.
ALL, NONE = "all", "none"


@dataclass(frozen=True, eq=False)
class Treatment:
    """A named change to a case.

    A treated case keeps its name, and so its seeds: where the parameters have the same shape, every seed starts from
    the same random numbers and sees the same data as without the treatment. It keeps its criterion too.

    Args:
        name: unique among all plugins.
        summary: one sentence.
        source: who advises it: an address or a reference.
        change: (Case, **options) → Case, by `Case.with_model`, `Case.with_optimizer` or `dataclasses.replace`. It
            raises `DoesNotApply` with the reason where it makes no sense. Options are numbers that have defaults. A
            sweep hands over arrays that JAX traces, and takes from the changed case its model, optimiser and loss
            alone. A change of the parameters' names or number takes the case's groups away.

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
                f"treatment {self.name}: the default of its option {name} is no number",
                "let change have a case, and options with numbers as defaults",
            )

    @property
    def options(self) -> dict[str, Any]:
        """The options of the change and their values."""
        return options_of(self.change, arguments=1)

    def with_options(self, name: str, **options: Any) -> Treatment:
        """The same treatment under another name with other options."""
        return replace(self, name=name, change=partial(self.change, **options))

    def apply(self, case: Case, **options: Any) -> Case:
        """The treated case, without claims and named starts.

        Raises:
            DoesNotApply: the treatment makes no sense for the case.
            CaseError: the change fails, gives something else, or changes what it must keep.
        """
        whose = f"treatment {self.name} of {case.name}"
        hint = "raise benchsuite.DoesNotApply with a reason where it makes no sense"
        with wrap_errors(lambda raised: CaseError(f"{whose} failed: {raised}", hint)):
            try:
                # Claims and named starts speak of the untreated case.
                treated = self.change(replace(case, claims=(), starts={}), **options)
            except DoesNotApply:
                raise
            except BenchsuiteError as error:
                raise CaseError(f"{whose}: {error.message}", error.hint) from error
        self._check(case, treated)
        name = f"{case.treatment}+{self.name}" if case.treatment else self.name
        return replace(treated, treatment=name)

    def _check(self, case: Case, treated: object) -> None:
        require(
            isinstance(treated, Case),
            f"treatment {self.name} of {case.name} gives a {type(treated).__name__}, not a Case",
            "let its change return a Case",
        )
        for name in ("name", "criterion"):
            require(
                getattr(treated, name) == getattr(case, name),
                f"treatment {self.name} of {case.name} changes its {name}",
                "leave it: what is learnt, and from which seeds, must stay the same to be compared",
            )


def combine_treatments(treatments: Sequence[Treatment]) -> Treatment:
    """One treatment that applies several in turn; an option goes to each of them that has it."""
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
