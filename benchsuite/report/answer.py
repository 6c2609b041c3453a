"""The answer of a run: one sentence, the counts of its claims, and a row for each case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchsuite.report.formats import interval, percent
from benchsuite.results import HOLDS, INAPPLICABLE, NOT_JUDGED, REFUTED, Summary, Untrained, summaries_judged_together

#: Most cases that a sentence names.
_NAMED = 3

#: Shares below the first or above the second round to none or all, which would be wrong.
_FEW, _MOST = 0.005, 0.995


@dataclass(frozen=True)
class AnswerRow:
    """A row of the answer table: a case, treated or not, or what is left of one that was not trained to the end.

    Args:
        id: name that a command line accepts, such as "relu-bias+adam".
        label: the same with the marks of protocol, data and type, such as "relu-bias+adam (quick)".
        case: name of the case.
        treatment: name of the treatment; empty for the untreated case.
        family: group of related problems, or empty.
        tags: of the case.
        seeds: trained seeds, 0 if none was.
        planned_seeds: seeds of the plan, 0 if it is unknown.
        converged: seeds that met the criterion.
        outcomes: outcome → number of seeds, `converged` included.
        rate: share of the seeds that converged; None without seeds.
        interval: 95 % interval of the rate.
        median_steps: median optimiser steps to success; None where it is beyond the schedule.
        censored_at: optimiser steps of the schedule; None without seeds.
        expected_steps: optimiser steps of all seeds per success; None without a success.
        published: share that the source publishes, or None.
        stand_in: whether the data are synthetic in place of real files.
        ladder: name of the ladder of cases that it is a rung of, or empty.
        setting: option → value, of a sweep or a rung.
        summary: all figures; None where no seed was trained.
        state: "failed", "not run" or "unfinished" where it was not trained to the end, else empty.
        reason: why it was not.
    """

    id: str
    label: str
    case: str
    treatment: str = ""
    family: str = ""
    tags: Sequence[str] = ()
    seeds: int = 0
    planned_seeds: int = 0
    converged: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    rate: float | None = None
    interval: tuple[float, float] | None = None
    median_steps: float | None = None
    censored_at: int | None = None
    expected_steps: float | None = None
    published: float | None = None
    stand_in: bool = False
    ladder: str = ""
    setting: Mapping[str, float] = field(default_factory=dict)
    summary: Summary | None = None
    state: str = ""
    reason: str = ""

    @classmethod
    def of(cls, summary: Summary, untrained: Untrained | None = None) -> AnswerRow:
        """Make the row of a summary, with the reason why it was not trained to the end."""
        time = summary.time_to_success
        low, high = summary.rate_interval
        taken = (
            "id",
            "label",
            "case",
            "treatment",
            "family",
            "tags",
            "seeds",
            "planned_seeds",
            "converged",
            "outcomes",
        )
        return cls(
            **{name: getattr(summary, name) for name in (*taken, "rate", "stand_in")},
            interval=(low, high),
            median_steps=time["median"],
            censored_at=time["censored_at"],
            expected_steps=time["expected_running_time"],
            published=None if summary.published is None or summary.treatment else 1 - summary.published,
            ladder=summary.ladder_name,
            setting=summary.setting or summary.rung,
            summary=summary,
            state=untrained.state if untrained else "",
            reason=untrained.reason if untrained else "",
        )


class ClaimCounts(NamedTuple):
    """The verdicts on the claims of a run, judged together.

    Args:
        holds: number of claims that hold.
        refuted: the refuted claims, each with the summary of its case.
        not_judged: number of claims that these seeds cannot test.
    """

    holds: int
    refuted: Sequence[tuple[Summary, Mapping[str, Any]]]
    not_judged: int

    @property
    def sentence(self) -> str:
        """The counts in words; empty without claims."""
        if not (total := self.holds + len(self.refuted) + self.not_judged):
            return ""
        if not (judged := total - self.not_judged):
            return f"none of {_plural(total, 'statement')} of the sources is judged"
        said = f"{self.holds} of {_plural(judged, 'statement')} of the sources {'holds' if self.holds == 1 else 'hold'}"
        said += f", {len(self.refuted)} {_are(len(self.refuted))} refuted" if self.refuted else ""
        return said + (f", {self.not_judged} {_are(self.not_judged)} not judged" if self.not_judged else "")


@dataclass(frozen=True)
class Answer:
    """What a run found, for people to read first.

    Args:
        rows: of every case, treated or not, in the order of the run; those without a seed stand last.
        claims: the verdicts on the claims of the untreated cases.
    """

    rows: Sequence[AnswerRow]
    claims: ClaimCounts

    @classmethod
    def of(cls, summaries: Sequence[Summary], untrained: Iterable[Untrained] = ()) -> Answer:
        """Answer from the summaries of a run.

        Args:
            summaries: of every case, treatment and value of a sweep.
            untrained: `RunFolder.untrained`; treatments that do not apply are ignored.
        """
        return cls(answer_rows(summaries, untrained), count_claims(summaries))

    @property
    def untreated(self) -> list[AnswerRow]:
        """The rows of the cases themselves, without treatments and sweeps."""
        return [row for row in self.rows if not row.treatment and not (row.summary and row.summary.setting)]

    @property
    def untrained(self) -> list[AnswerRow]:
        """The rows of what failed, was not run, or lacks seeds."""
        return [row for row in self.rows if row.state]

    @property
    def sentence(self) -> str:
        """The answer in one sentence without a full stop."""
        return "; ".join(filter(None, (self.rates_sentence, *self.limits, self.claims.sentence)))

    @property
    def rates_sentence(self) -> str:
        """What share of the starts converges, over all cases."""
        trained = [row for row in self.untreated or self.rows if row.rate is not None]
        if not trained:
            return "no seed was trained"
        if len(trained) == 1:
            return _of_one(trained[0])
        families = {row.family for row in trained if row.family}
        cases = f"{len(trained)} cases" + (f" of {len(families)} families" if len(families) > _NAMED else "")
        return f"{cases}: {_listed(list(_shares(trained)))}"

    @property
    def limits(self) -> list[str]:
        """What limits the answer: synthetic data, and what was not trained to the end."""
        stand_in = sum(row.stand_in for row in self.rows)
        synthetic = [f"{stand_in} on synthetic data"] if stand_in else []
        states = Counter(row.state for row in self.untrained)
        return [*synthetic, *(f"{number} {state}" for state, number in states.items())]


def answer_rows(summaries: Sequence[Summary], untrained: Iterable[Untrained] = ()) -> list[AnswerRow]:
    """Make the rows of an answer; what was not trained at all comes last.

    Args:
        summaries: of every case, treatment and value of a sweep.
        untrained: what was not trained to the end; treatments that do not apply are left out.
    """
    missing = {item.id: item for item in untrained if item.state != INAPPLICABLE}
    found = [AnswerRow.of(summary, missing.get(_plan_id(summary, missing))) for summary in summaries]
    had = {_plan_id(summary, missing) for summary in summaries}
    rest = [item for id, item in missing.items() if id not in had]  # noqa: A001  # as it is called everywhere
    return found + [
        AnswerRow(item.id, item.id, item.case, item.treatment, state=item.state, reason=item.reason) for item in rest
    ]


def _plan_id(summary: Summary, missing: Mapping[str, Untrained]) -> str:
    return next((id for id in summary.plan_ids if id in missing), summary.id)  # noqa: A001


def count_claims(summaries: Sequence[Summary]) -> ClaimCounts:
    """Count the verdicts on all claims of untreated cases, which are judged together."""
    plain = [summary for summary in summaries if not summary.treatment and not summary.setting]
    judged = [(summary, claim) for summary in summaries_judged_together(plain) for claim in summary.claims]
    counts = Counter(claim["verdict"] for _, claim in judged)
    refuted = [(summary, claim) for summary, claim in judged if claim["verdict"] == REFUTED]
    return ClaimCounts(counts[HOLDS], refuted, counts[NOT_JUDGED])


def _of_one(row: AnswerRow) -> str:
    assert row.interval is not None  # noqa: S101  # the caller selects those with seeds
    if row.converged in (0, row.seeds):
        return f"{row.label}: {'all' if row.converged else 'none'} of {_plural(row.seeds, 'start')} converge"
    share = f"{percent(row.rate)} of {_plural(row.seeds, 'start')} converge"
    return f"{row.label}: {share}, 95 % interval {interval(row.interval)}"


def _shares(rows: Sequence[AnswerRow]) -> Iterator[str]:
    """Say how many starts converge, of the cases where some, all and none do."""
    some = [row.rate or 0.0 for row in rows if 0 < row.converged < row.seeds]
    if some:
        where = "" if len(some) == len(rows) else f" in {len(some)} of them"
        yield f"{_range(min(some), max(some))} of starts converge{where}"
    verb = "" if some else " starts converge"
    for word, chosen in (
        ("all", [row for row in rows if row.converged == row.seeds]),
        ("none", [row for row in rows if not row.converged]),
    ):
        if chosen:
            seeds = [row.seeds for row in chosen]
            number = f"{min(seeds):,}" if min(seeds) == max(seeds) else f"{min(seeds):,} to {max(seeds):,}"
            yield f"{word} of {number}{verb} in {_named(chosen)}"
            verb = ""


def _named(rows: Sequence[AnswerRow]) -> str:
    names = [row.id for row in rows]
    return _listed(names) if len(names) <= _NAMED else f"{len(names)} of them"


def _range(low: float, high: float) -> str:
    ends = dict.fromkeys((_whole(low), _whole(high)))
    return " to ".join(ends) + " %"


def _whole(share: float) -> str:
    if share < _FEW:
        return "under 1"
    return "over 99" if share > _MOST else f"{100 * share:.0f}"


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
