"""Sentences that a careful author would print about a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from benchsuite.standings.pairs import LEVEL, EntryPair
from benchsuite.standings.score import OrderCheck, Ranking


def _points(*values: float) -> str:
    """Format shares in percentage points: "−1.5 to +3.0"."""
    return " to ".join(f"{100 * value:+.1f}" for value in values).replace("-", "−")


def verdict(pair: EntryPair) -> str:
    """State whether the entry is better than the reference over all cases, and how sure that is."""
    interval = f"95 % interval {_points(*pair.interval)} within these cases"
    if pair.family_interval and pair.family_coverage is not None:
        interval += (
            f", {_points(*pair.family_interval)} for families like these {len(pair.families)}"
            f" (Student's t, which covers {100 * pair.family_coverage:.0f} % in simulation)"
        )
    else:
        interval += "; a single family says nothing about others"
    found = f"{_points(pair.difference)} points of success rate over {_number(len(pair.cases), 'case')} ({interval})"
    return f"{_claim(pair)}: {found}. {_by_case(pair)} {decision(pair)}"


def _claim(pair: EntryPair) -> str:
    worse = any(one.significant < 0 for one in pair.cases)
    better = any(one.significant > 0 for one in pair.cases)
    if pair.significant > 0:
        name = f"{pair.entry} is better than {pair.reference} on average"
        return f"{name}, but worse on some cases" if worse else name.removesuffix(" on average")
    if pair.significant < 0:
        name = f"{pair.entry} is worse than {pair.reference} on average"
        return f"{name}, but better on some cases" if better else name.removesuffix(" on average")
    if worse and better:
        return f"{pair.entry} and {pair.reference} are each better on some cases, neither shown to be so on average"
    return f"{pair.entry} is not shown to be better or worse than {pair.reference} on average"


def _by_case(pair: EntryPair) -> str:
    """The cases that differ significantly."""
    parts = []
    for sign, word in ((1, "better"), (-1, "worse")):
        if names := [one.case for one in pair.cases if one.significant == sign]:
            parts.append(f"significantly {word} on {_listed(names)}")
    joined = " and ".join(parts) or "significantly different on no single case"
    test = f"McNemar's test, adjusted by Holm's method, level {100 * LEVEL:g} %"
    return f"It is {joined} ({test})."


def decision(pair: EntryPair) -> str:
    """State the number of seeds that would decide a difference of 5 points over all cases."""
    seeds, used = pair.seeds_to_decide, min(one.seeds for one in pair.cases)
    enough = f"which these {used:,} are" if used >= seeds else f"of which there are {used:,}"
    found = "A difference of 5 points over all cases is found with a probability of 80 %"
    return f"{found} by {seeds:,} seeds a case, {enough}."


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def answer(ranking: Ranking) -> str:
    """State which entry succeeds most often, and which are not shown to differ from it."""
    if not ranking.ranked:
        return f"With {ranking.rules.title}, no entry has all of its rows."
    best = ranking.ranked[0]
    score = f"{_percent(best.score)} of its starts, as the mean over families"
    found = (
        f"{best.entry} succeeds most often: {score} (95 % interval {' to '.join(map(_percent, best.interval or ()))})"
    )
    others = [pair for pair in ranking.pairs if best.entry in (pair.entry, pair.reference)]
    tied = [pair.reference if pair.entry == best.entry else pair.entry for pair in others if not pair.significant]
    sure = f"not shown to differ from {_listed(tied)}" if tied else "significantly more than each of the others"
    return f"With {ranking.rules.title}, {found}, {sure if others else 'the only one with all rows'}."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def robustness(ranking: Ranking) -> list[str]:
    """State whether the order holds under other definitions of success, in words."""
    if not ranking.checks:
        return []
    if not any(pair.significant for pair in ranking.pairs):
        return ["No two entries differ significantly over all cases: there is no order that could hold elsewhere."]
    held = [_correlation(check) for check in ranking.checks if not check.reversed]
    found = [f"The order of entries that differ significantly holds at {', '.join(held)}."] if held else []
    for check in ranking.checks:
        if check.reversed:
            pairs = _listed([f"{better} falls behind {worse}" for better, worse in check.reversed])
            found.append(f"It does not hold at {_correlation(check)}: {pairs}.")
    return found


def _correlation(check: OrderCheck) -> str:
    return check.name + ("" if check.kendall is None else f" (Kendall's τ {check.kendall:.2f})")


def tested_family(ranking: Ranking) -> str:
    """State which tests are adjusted together."""
    pairs = len(ranking.pairs)
    cases = sum(len(pair.cases) for pair in ranking.pairs)
    words = f"Ranks: Holm's method over {_number(pairs, 'pair')} of entries." if cases else ""
    if ranking.against:
        name = ranking.against[0].reference
        return f"{words} Compared with {name}: over the entries, and over the cases of each entry.".strip()
    return f"{words} Cases: Holm's method over {cases:,} pairs and cases.".strip()
