"""Options of a comparison: settings, seeds, rules and budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchsuite.errors import OptionError
from benchsuite.seeds import FORMS, SeedNumbers, parse_seeds
from benchsuite.tuning.space import LARGEST

#: Rules by which the setting of an entry is chosen.
_RULES = re.compile(r"(default)|(tuned|once)-([1-9]\d{0,2})")

#: How rules are written.
RULE_FORMS = "default, tuned-K (the best of K settings, for each case) or once-K (the best of K, one for all cases)"

#: Judge seeds of one edition of a board; no two editions share any.
BLOCK = 1_000_000


@dataclass(frozen=True, order=True)
class Rules:
    """The rules of a board: how the setting of each entry is chosen.

    Args:
        number: of settings that are drawn from the space and tried; 0 for the declared default.
        once: whether one setting is chosen for all cases.
    """

    number: int
    once: bool = False

    @classmethod
    def parse(cls, text: str) -> Rules:
        """Parse "default", "tuned-5" or "once-5".

        Raises:
            OptionError: it is none of them.
        """
        found = _RULES.fullmatch(text)
        if not found or (found[3] and int(found[3]) > LARGEST):
            raise OptionError(f"--rules is {text!r}", f"give {RULE_FORMS}, with K up to {LARGEST}")
        return cls(0) if found[1] else cls(int(found[3]), found[2] == "once")

    def __str__(self) -> str:
        return f"{'once' if self.once else 'tuned'}-{self.number}" if self.number else "default"

    @property
    def title(self) -> str:
        """What they mean, in words."""
        if not self.number:
            return "default settings"
        whole = "one for all cases" if self.once else "for each case"
        return f"the best of {self.number} settings, {whole}" if self.number > 1 else "one setting drawn from the space"

    @property
    def heading(self) -> str:
        """The title with a capital letter."""
        return self.title[0].upper() + self.title[1:]


@dataclass(frozen=True)
class BoardOptions:
    """How entries are tuned, judged and compared.

    Args:
        rules: each makes a board of its own.
        settings: number of settings that are drawn from each space and tuned.
        tune_seeds: that settings are chosen on.
        judge_seeds: that they are judged on, none of which is a tune seed.
        reference: the entry that all others are compared with; empty to compare all with all.
        budget: most trainings for the tuning of an entry over all cases; None for no limit.
        twice: whether the chosen settings are trained for twice the steps too, on the cases with the tag core.
    """

    rules: Sequence[Rules]
    settings: int
    tune_seeds: SeedNumbers
    judge_seeds: SeedNumbers
    reference: str = ""
    budget: int | None = None
    twice: bool = False

    def __post_init__(self) -> None:
        largest = max(rules.number for rules in self.rules)
        if not largest <= self.settings <= LARGEST:
            raise OptionError(f"--settings is {self.settings}", f"give {max(largest, 1)} to {LARGEST}")
        if both := set(self.tune_seeds.numbers) & set(self.judge_seeds.numbers):
            raise OptionError(
                f"{len(both):,} of the judge seeds {self.judge_seeds} are tune seeds too, such as {min(both)}:"
                " a setting is judged on seeds that it was not chosen on",
                "give --judge-seeds that are not among --tune-seeds",
            )

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> BoardOptions:
        """Read options from name → value; None and missing ones have defaults.

        Raises:
            OptionError: a value cannot be used, or seeds are used twice.
        """
        given = {name: value for name, value in values.items() if value not in (None, "", (), [])}
        rules = given.get("rules", ("default",))
        texts = [rules] if isinstance(rules, str) else rules
        parsed = tuple(sorted({Rules.parse(part) for text in texts for part in str(text).split(",")}))
        settings = _count("settings", given.get("settings", max(1, *(one.number for one in parsed))))
        edition = _count("edition", given.get("edition", 1))
        judged = _seeds("judge-seeds", given.get("judge_seeds", 1000))
        if str(given.get("judge_seeds", 1000)).isdecimal():  # a number of seeds, of the block of the edition
            judged = SeedNumbers(range(edition * BLOCK, edition * BLOCK + len(judged)))
        budget = _count("budget", given["budget"]) if "budget" in given else None
        tuned = _seeds("tune-seeds", given.get("tune_seeds", 100))
        return cls(parsed, settings, tuned, judged, str(given.get("reference", "")), budget, bool(given.get("twice")))

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values, from which `parse` makes them again."""
        return {
            "rules": [str(rules) for rules in self.rules],
            "settings": self.settings,
            "tune_seeds": str(self.tune_seeds),
            "judge_seeds": str(self.judge_seeds),
            "reference": self.reference,
            "budget": self.budget,
            "twice": self.twice,
        }

    def tuned_on(self, settings: int, cases: int) -> SeedNumbers:
        """The tune seeds of an entry: the first ones, as many as the budget allows for all settings and cases.

        Raises:
            OptionError: the budget allows fewer than two.
        """
        if self.budget is None:
            return self.tune_seeds
        seeds = min(self.budget // (settings * cases), len(self.tune_seeds))
        if seeds < 2:  # noqa: PLR2004  # one for each half
            raise OptionError(
                f"a budget of {self.budget:,} trainings allows {seeds} seeds for {settings} settings of {cases} cases",
                f"give a --budget of at least {2 * settings * cases:,}",
            )
        chosen = parse_seeds(self.tune_seeds.numbers[:seeds])
        return SeedNumbers.of(chosen)


def _seeds(name: str, value: Any) -> SeedNumbers:
    try:
        return SeedNumbers.of(parse_seeds(value))
    except (TypeError, ValueError) as error:
        raise OptionError(f"--{name} is {value!r}: {error}", FORMS) from error


def _count(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise OptionError(f"--{name} is {value!r}", "give a whole number of at least 1")
    return number
