"""A ladder: cases that differ in one structural option, such as the width of a layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from benchsuite.case import Case, Claim, FailureRate, Rung
from benchsuite.errors import BenchsuiteError, CaseError, require, require_text, wrap_errors
from benchsuite.names import is_name, join_words, number_word


@dataclass(frozen=True, eq=False)
class Ladder:
    """Cases that differ in one structural option: a case for each of its values, the rungs of a ladder.

    A rung is a case of its own, named after ladder, option and value: the rung at units = 4 of the ladder "abs-width"
    is the case "abs-width-units-4". Its seeds differ from those of the other rungs, as for any two cases.

    Args:
        name: unique among all cases and ladders; `case` gives its cases this name.
        summary: one sentence; that of the first rung by default.
        source: of the published values, an address or a reference; that of each case by default.
        options: the option → its values, which are numbers. A ladder has exactly one option.
        case: (option=value) → Case named like the ladder.
        published: value → what the source found there. A `FailureRate` is drawn, and tested as a claim of the rung; a
            number is the share of starts that fail, which is drawn only.

    Raises:
        CaseError: a field is of the wrong kind, or a value is missing or given twice.
    """

    name: str
    summary: str = ""
    source: str = ""
    _: KW_ONLY
    options: Mapping[str, Iterable[float]]
    case: Callable[..., Case]
    published: Mapping[float, FailureRate | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(is_name(self.name), f"a ladder is named {self.name!r}", "use letters, digits and single - _ or .")
        for name in ("summary", "source"):
            if getattr(self, name) != "":
                require_text(getattr(self, name), f"ladder {self.name}: {name}")
        require(
            callable(self.case), f"ladder {self.name}: case is not a function", "give a function that returns a Case"
        )
        self._check_options()
        self._check_published()

    def _check_options(self) -> None:
        named = isinstance(self.options, Mapping) and all(isinstance(name, str) for name in self.options)
        require(
            named and all(name.isidentifier() for name in self.options),
            f"ladder {self.name}: options is {self.options!r}",
            'give {name: values}, such as options={"units": (1, 2, 4)}',
        )
        require(
            len(self.options) == 1,
            f"ladder {self.name}: options has {len(self.options)} options, expected one",
            "give one option, and write a ladder for each further one",
        )
        ((option, given),) = self.options.items()
        what = f"ladder {self.name}: options[{option!r}]"
        require(
            isinstance(given, Iterable) and not isinstance(given, str),
            f"{what} is {given!r}",
            "give a tuple of numbers",
        )
        values = tuple(given)
        require(bool(values), f"{what} has no values", "give at least one value")
        for value in values:
            require(_is_number(value), f"{what} has the value {value!r}, expected numbers", "give finite numbers")
            require(values.count(value) == 1, f"{what} has the value {value!r} twice", "give each value once")
        object.__setattr__(self, "options", {option: tuple(sorted(map(_plain_number, values)))})

    def _check_published(self) -> None:
        what = f"ladder {self.name}: published"
        require(isinstance(self.published, Mapping), f"{what} is {self.published!r}", "give {value: FailureRate(…)}")
        for value, result in self.published.items():
            require(
                value in self.values,
                f"{what} has a result at {self.option} = {value!r}, which is no rung",
                f"add the value to options[{self.option!r}]",
            )
            exact = isinstance(result, FailureRate) and result.at_least is None and result.at_most is None
            require(
                exact or (_is_number(result) and 0 <= result <= 1),  # type: ignore[operator]  # a number then
                f"{what} is {result!r} at {self.option} = {value!r}",
                "give FailureRate(failed=…, of=…), or the share of starts that fail, from 0 to 1",
            )

    @property
    def option(self) -> str:
        """The name of the option."""
        return next(iter(self.options))

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the option, in ascending order."""
        return tuple(self.options[self.option])

    @property
    def rungs(self) -> str:
        """The option with its values, for people: "units = 1, 2, 4"."""
        return f"{self.option} = {', '.join(map(repr, self.values))}"

    @property
    def names(self) -> list[str]:
        """The names of the cases, in the order of the values."""
        return [join_words([self.name, self.option, number_word(value)]) for value in self.values]

    def make_cases(self) -> list[Case]:
        """Make the case of each rung, in the order of the values.

        Raises:
            CaseError: the function fails, or returns something else than a Case named like the ladder.
        """
        return [self._make_case(name, value) for name, value in zip(self.names, self.values, strict=True)]

    def _make_case(self, name: str, value: float) -> Case:
        what = f"ladder {self.name}: case({self.option}={value!r})"
        with wrap_errors(lambda raised: CaseError(f"{what} failed: {raised}", "fix the function given as case")):
            try:
                case = self.case(**{self.option: value})
            except BenchsuiteError as error:
                raise CaseError(f"{what}: {error.message}", error.hint) from error
        require(isinstance(case, Case), f"{what} returns a {type(case).__name__}, expected a Case", "return a Case")
        require(
            case.name == self.name,
            f"{what} returns a case named {case.name!r}, expected {self.name!r}",
            "give each case the name of the ladder; the value is added to it",
        )
        result = self.published.get(value)
        rate = result.rate if isinstance(result, FailureRate) else result
        rung = Rung(self.name, self.option, value, None if rate is None else float(rate))
        family = case.family or self.name
        return replace(case, name=name, rung=rung, family=family, claims=(*case.claims, *self._claims(value)))

    def _claims(self, value: float) -> list[Claim]:
        result = self.published.get(value)
        if not isinstance(result, FailureRate):
            return []
        return [Claim(f"With {self.option} = {value!r}, {result}.", result, self.source)]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _plain_number(value: Any) -> float:
    """A number as an int or float of Python, which names and files can hold."""
    return int(value) if isinstance(value, Integral) else float(value)
