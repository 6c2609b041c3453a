"""The page of a case or a ladder, and its card on the overview."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from entries import Entry
from reference import table

from benchsuite import stats
from benchsuite.case import Case, FailureRate, Schedule
from benchsuite.report import count, interval, metric_name, p_value, per_second, percent, points
from benchsuite.results import DEFINITIONS, Summary

#: Licences of texts, by address; a paper or a repository names its own.
LICENCES = {"stackexchange.com": "CC BY-SA 4.0"}

#: Most treatments of a page.
TREATMENTS = 24


def page(entry: Entry, pictures: Mapping[str, tuple[str, str]]) -> str:
    """The page of an entry.

    Args:
        entry: a case or ladder.
        pictures: "task", "loss", "curves" and "ladder" → (path, description), those that there are.
    """
    parts = [f"# {entry.name}", f"**{entry.question}** {_summary(entry)}"]
    parts += [picture(pictures[name]) for name in ("task", "loss") if name in pictures]
    source, *facts = _facts(entry)
    parts += ["\n".join(table(source, facts)), "## How often it learns"]
    parts += _rates(entry) if entry.plain else [_unmeasured(entry)]
    if "ladder" in pictures:
        parts.append(picture(pictures["ladder"]))
    if entry.plain:
        parts += _outcomes(entry)
    if "curves" in pictures:
        parts += [f"## Learning curves\n\n{_curves_of(entry)}", picture(pictures["curves"])]
    parts += [*_claims(entry), *_helped(entry)]
    return "\n\n".join(parts) + "\n"


def card(entry: Entry, picture: tuple[str, str] | None) -> str:
    """The card of an entry on the overview: a list item that a script can filter."""
    shown = (
        f'<img src="{picture[0]}" alt="{_alt(picture[1])}" width="240" height="150" loading="lazy">' if picture else ""
    )
    tags = " ".join(entry.tags)
    return (
        f'<li data-family="{entry.family}" data-tags="{tags}"><a href="{entry.name}.html">{shown}'
        f'<strong>{entry.name}</strong></a><p>{html.escape(entry.question)}</p><p class="rate">{_short(entry)}</p></li>'
    )


def middle(entry: Entry) -> int:
    """The place of the result with the rate nearest to one half, whose curves are shown."""
    rates = [abs(result.summary.rate - 1 / 2) for result in entry.plain]
    return rates.index(min(rates))


def _summary(entry: Entry) -> str:
    summary = entry.cases[0].summary
    return "" if entry.is_ladder or summary == entry.question else _escape(summary)


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("|", r"\|").replace("*", r"\*").replace("_", r"\_").replace("\n", " ")


def _alt(text: str) -> str:
    return html.escape(text.replace("\n", " "))


def picture(shown: tuple[str, str]) -> str:
    """An image: its path and its description."""
    path, about = shown
    return f'<img src="{path}" alt="{_alt(about)}">'


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    case = entry.cases[0]
    yield "source", f"<{case.source}>" if case.source.startswith("http") else _escape(case.source)
    yield (
        "licence",
        "; ".join(("case: Apache-2.0", *(f"source: {of}" for end, of in LICENCES.items() if end in case.source))),
    )
    yield "family, tags", ", ".join((entry.family, *entry.tags))
    if entry.is_ladder:
        yield "cases", ", ".join(f"`{one.name}`" for one in entry.cases)
    yield "success", _escape(metric_name(str(case.criterion)))
    yield "protocol", "; ".join(_protocols(case))
    yield "train it", f"`benchsuite run {entry.name}`"


def _protocols(case: Case) -> Iterator[str]:
    yield f"source: {_length(case.schedule)}"
    if case.quick:
        yield f"quick: {_length(case.quick)}"


def _length(schedule: Schedule) -> str:
    return f"{schedule.length:,} {schedule.unit}, evaluated every {schedule.evaluate_every:,}"


def _rates(entry: Entry) -> list[str]:
    header = ("case", "starts", "learnt", "rate", "95 % interval", "published", "its interval", "failed as", "seeds/s")
    rows = [_rate(entry.cases, result.summary) for result in entry.plain]
    if not any(row[5] for row in rows):
        header, rows = (*header[:5], *header[7:]), [(*row[:5], *row[7:]) for row in rows]
    protocols = sorted({result.summary.protocol for result in entry.plain})
    stand_in = any(result.summary.stand_in for result in entry.plain)
    about = f"{' and '.join(protocols)} protocol, {entry.machine}" + ("; **synthetic data**" if stand_in else "")
    return ["\n".join(table(header, rows)), f"{about}."]


def _rate(cases: Sequence[Case], summary: Summary) -> tuple[str, ...]:
    case = next(case for case in cases if case.name == summary.case)
    said, ends = published(case, summary)
    failed = ", ".join(f"{n:,} {name}" for name, n in summary.outcomes.items() if n and name != "converged")
    return (
        f"`{summary.case}`",
        count(summary.seeds),
        count(summary.converged),
        percent(summary.rate),
        interval(summary.rate_interval),
        said,
        ends,
        failed or "none",
        per_second(summary.seeds_per_second),
    )


def published(case: Case, summary: Summary) -> tuple[str, str]:
    """What the sources say of the rate of all starts, and the intervals of their counts."""
    if counts := published_counts(case):
        ends = "; ".join(interval(stats.rate_interval(*one)) for one in counts)
        return "; ".join(f"{n:,} of {of:,}" for n, of in counts), ends
    shares = [check.equals for check in _rates_claimed(case) if check.equals is not None]
    shares = shares or ([summary.published] if summary.published is not None else [])
    return "; ".join(percent(1 - share) for share in shares), ""


def published_counts(case: Case) -> list[tuple[int, int]]:
    """The counts (successes, runs) that sources give for all starts of a case."""
    return [(check.of - (check.failed or 0), check.of) for check in _rates_claimed(case) if check.of]


def _rates_claimed(case: Case) -> list[FailureRate]:
    checks = (claim.check for claim in case.claims)
    return [check for check in checks if isinstance(check, FailureRate) and not check.among]


def _unmeasured(entry: Entry) -> str:
    return (
        "Not in the published run, as it takes long. [The library](../explanation/library.md) has what is known, and"
        f" `benchsuite run {entry.name} --plan` estimates the time."
    )


def _outcomes(entry: Entry) -> list[str]:
    seen = {name for result in entry.plain for name, n in result.summary.outcomes.items() if n and name != "converged"}
    if not seen:
        return []
    rows = [
        (f"*{outcome.value}*", _escape(meaning), _share(entry, outcome.value))
        for outcome, meaning in DEFINITIONS.items()
        if outcome.value in seen
    ]
    return ["## How seeds fail", "\n".join(table(("outcome", "meaning", "of all starts"), rows))]


def _share(entry: Entry, outcome: str) -> str:
    total = sum(result.summary.seeds for result in entry.plain)
    return percent(sum(result.summary.outcomes[outcome] for result in entry.plain) / total)


def _curves_of(entry: Entry) -> str:
    summary = entry.plain[middle(entry)].summary
    return f"`{summary.case}`: median and 90 % range of each outcome, on the evaluation data."


def _claims(entry: Entry) -> list[str]:
    rows = [
        (_escape(claim["statement"]), claim["verdict"], _escape(claim["found"] or "-"), _tested(claim))
        for result in entry.plain
        for claim in result.summary.claims
    ]
    unjudged = (
        [] if entry.plain else [(_escape(c.statement), "-", "-", "-") for case in entry.cases for c in case.claims]
    )
    if not (rows or unjudged):
        return []
    return ["## What the source says", "\n".join(table(("claim", "verdict", "seeds", "test"), rows or unjudged))]


def _tested(claim: Mapping[str, Any]) -> str:
    if not claim["test"]:
        return _escape(claim["reason"] or "-")
    p = f", p = {p_value(claim['p_value'])}" if claim["p_value"] is not None else ""
    return _escape(claim["test"] + p.replace("= <", "<"))


def _helped(entry: Entry) -> list[str]:
    more = "[What makes it learn](../explanation/treatments.md) compares treatments over cases."
    if not entry.effects:
        first = f"`benchsuite run {entry.cases[0].name} --treatment all` trains every treatment on the same starts."
        return ["## What helps", f"{first} {more}"]
    ordered = sorted(entry.effects, key=lambda row: -row["difference"])[:TREATMENTS]
    rows = [
        (
            f"`{row['case']}+{row['treatment']}`",
            percent(row["rate"]),
            f"{points(row['difference'])} ({points(row['difference_low'], row['difference_high'])})",
            count(row["fixed"]),
            count(row["regressed"]),
            p_value(row["adjusted_p_value"]),
        )
        for row in ordered
    ]
    header = ("treatment", "rate", "difference in points (95 %)", "fixed", "regressed", "p (Holm)")
    return ["## What helps", "\n".join(table(header, rows)), more]


def _short(entry: Entry) -> str:
    """The rates of an entry in a few words."""
    if not entry.plain:
        return "not measured here"
    rates = [result.summary.rate for result in entry.plain]
    said = percent(rates[0]) if len(rates) == 1 else f"{100 * min(rates):.1f} to {percent(max(rates))}"
    seeds = max(result.summary.seeds for result in entry.plain)
    return f"{said} of {seeds:,} starts learn"
