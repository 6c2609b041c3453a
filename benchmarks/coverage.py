"""Measure the coverage of intervals and the false alarms of gates and claims: `python benchmarks/coverage.py`.

Every figure goes through the suite's own functions, 10,000 draws of each setting. Draws of the same counts have the
same interval and the same p-value, so each is computed once. Exits with 1 if something is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from benchsuite import stats
from benchsuite.case.claim import Claim, FailureRate
from benchsuite.comparison import runs as change
from benchsuite.comparison.gate import LEVEL, Gate
from benchsuite.comparison.runs import POWER, CaseChange, RunResults
from benchsuite.engine.trainer import ROUNDS as DEFAULT_ROUNDS
from benchsuite.publish.nightly import GATES, ROUNDS
from benchsuite.results.claims import NOT_JUDGED, REFUTED, judge_claim
from benchsuite.results.outcome import NEVER, Outcome
from benchsuite.results.plan import Plan
from benchsuite.results.result import Result
from benchsuite.results.round import RoundResult
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import Summary, summarise
from benchsuite.settings import SOURCE

Array = np.ndarray

DRAWS, SEED = 10_000, 2026
SEEDS, RATES = (16, 128, 1000), (0.0, 0.02, 0.5, 1.0)

#: Luck that is less likely than this is none.
CHANCE = 0.001

#: What is less likely is left out of sums.
RARE = 1e-9

#: No interval of 95 % may hold the truth less often than this, at the rates that are tried here.
FLOOR = 0.92

#: At no rate at all may the interval of a rate hold it less often than this.
WORST = 0.83

#: Rates over which its average is taken.
EVENLY = (np.arange(5000) + 1 / 2) / 5000

#: What a rate becomes, of the same seeds.
STEPS = ((0.0, 0.0), (0.02, 0.02), (0.5, 0.5), (1.0, 1.0), (0.02, 0.12), (0.5, 0.4), (1.0, 0.9))

#: How much of the strongest dependence there is between the ends of a seed in two runs.
INDEPENDENT, DEPENDENT = 0.0, 0.9

#: The share of trainings that succeed before the schedule ends.
IN_TIME = (0.999, 0.9, 0.6, 0.4)

#: As many cases as the suite has.
CASES = 6

RATE_GATE, DROPPED_FROM, DROPS = Gate.parse("rate:0.01"), (0.5, 1.0), (0.05, 0.1, 0.2)

#: Spread of the rounds' times, as a deviation of their logarithm.
SPREADS = (0.02, 0.05, 0.1)

#: The first of them is what another day may do to a machine.
SLOWER = (0.02, 0.1, 0.2)

#: Seeds of two runs whose rates are compared.
SIZES = ((16, 16), (128, 128), (1000, 1000), (128, 1000))

#: A drop that is called visible may be seen a little less often than is said.
SEEN = POWER - 0.1

#: Rounds but the first, the gate, and cases.
SPEEDS = (
    (DEFAULT_ROUNDS - 1, Gate("speed", LEVEL), 1),
    (DEFAULT_ROUNDS - 1, Gate("speed", LEVEL), CASES),
    (ROUNDS - 1, Gate("speed", LEVEL), CASES),
    (ROUNDS - 1, Gate.parse(GATES[1]), 1),
    (ROUNDS - 1, Gate.parse(GATES[1]), CASES),
)

#: What a claim may say of the rate of failures.
CLAIMS: dict[str, Callable[[float], FailureRate]] = {
    "it is": lambda rate: FailureRate(equals=rate),
    "at least": lambda rate: FailureRate(at_least=rate),
    "at most": lambda rate: FailureRate(at_most=rate),
}

#: Functions of `stats` that are asked for the same counts again and again.
REMEMBERED = ("rate_interval", "rate_p_value", "rates_p_value", "visible_drop")

PLAN = Plan(
    case="drawn",
    treatment="",
    sweep={},
    restarts=1,
    source="",
    protocol=SOURCE,
    dataset="",
    stand_in=False,
    data_origin="",
    criterion="",
    claims=[],
    starts={},
    readings={},
    program="",
    data_digest="",
    steps=[0, 1],
    parameter_names=[],
    seeds=1,
    round_size=1,
    chunk_size=1,
    precision="",
    prng="",
    device="",
    platform="",
    device_count=1,
)


class Table(NamedTuple):
    """The table of one part, and its errors."""

    title: str
    head: Sequence[str]
    rows: list[list[str]]
    faults: list[str]

    def __str__(self) -> str:
        lines = [self.head, ["---:"] * len(self.head), *self.rows]
        return "\n".join([f"## {self.title}", "", *(f"| {' | '.join(line)} |" for line in lines)])


def percent(share: float) -> str:
    """Format a share."""
    return f"{100 * share:.1f}"


def too_often(count: int, draws: int, share: float) -> bool:
    """Whether a count is significantly larger than a share of the draws."""
    return stats.rate_p_value(count, draws, share, "greater") < CHANCE


def too_seldom(count: int, draws: int, share: float) -> bool:
    """Whether a count is significantly smaller than a share of the draws."""
    return stats.rate_p_value(count, draws, share, "less") < CHANCE


@contextmanager
def remembering() -> Iterator[None]:
    """Cache the functions of `stats`."""
    with ExitStack() as stack:
        for name in REMEMBERED:
            stack.enter_context(mock.patch.object(stats, name, cache(getattr(stats, name))))
        yield


def generator(*place: int) -> np.random.Generator:
    """Return the random generator of one part."""
    return np.random.default_rng((SEED, *place))


def counted(drawn: Array) -> Iterator[tuple[Any, int]]:
    """Return the distinct draws along the first axis, and their counts."""
    values, counts = np.unique(drawn, axis=0, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)


def exact_coverage(trials: int, rates: Array) -> Array:
    """Return the exact coverage of the interval at each rate."""
    from scipy.stats import binom

    counts = np.arange(trials + 1)
    low, high = np.transpose([stats.rate_interval(int(count), trials) for count in counts])[:, :, None]
    return np.where((low <= rates) & (rates <= high), binom.pmf(counts[:, None], trials, rates), 0).sum(0)


def rates(draws: int, seeds: Sequence[int] = SEEDS) -> Table:
    """Coverage of the interval of a rate, simulated and exact, and its mean half-width in points."""
    head = ("rate", *(f"{trials:,} seeds" for trials in seeds))
    rng, table = generator(1), Table("Rates held in % (exactly) ± half-width in points", head, [], [])
    table.rows.extend([f"{rate:g}"] for rate in RATES)
    for trials in seeds:
        for row, rate, exact in zip(table.rows, RATES, exact_coverage(trials, np.array(RATES)), strict=True):
            held, width = 0, 0.0
            for successes, times in counted(rng.binomial(trials, rate, draws)):
                low, high = stats.rate_interval(successes, trials)
                held += times * (low <= rate <= high)
                width += times * (high - low) / 2
            row.append(f"{percent(held / draws)} ({percent(exact)}) ± {percent(width / draws)}")
            if too_often(held, draws, exact) or too_seldom(held, draws, max(exact, FLOOR)):
                table.faults.append(f"of {trials} seeds at {rate:g}, {held} of {draws} intervals hold the rate")
    return table


def averages(draws: int) -> Table:  # noqa: ARG001  # sums, not draws
    """Coverage over all rates: its mean, and its minimum just below the lower limit of an interval."""
    table = Table("All rates", ("seeds", "held on average %", "at worst %", "at a rate of"), [], [])
    for trials in SEEDS:
        average = np.mean([exact_coverage(trials, part) for part in np.split(EVENLY, 10)])
        below = np.array([stats.rate_interval(count, trials)[0] for count in range(1, trials + 1)]) * (1 - 1e-9)
        held = exact_coverage(trials, below)
        worst = held.argmin()
        table.rows.append([f"{trials:,}", percent(average), percent(held[worst]), f"{below[worst]:.2g}"])
        if average < stats.CONFIDENCE or held[worst] < WORST:
            table.faults.append(f"of {trials} seeds, {average:.4f} on average and {held[worst]:.4f} at worst")
    return table


def pairs(rng: np.random.Generator, trials: int, step: tuple[float, float], dependence: float, size: Any) -> Array:
    """Draw the numbers of seeds that succeed in both runs, in the second only, in the first only, and in none."""
    before, after = step
    both = (1 - dependence) * before * after + dependence * min(before, after)
    shares = np.clip([both, after - both, before - both, 1 - before - after + both], 0, 1)
    return rng.multinomial(trials, shares / shares.sum(), size)


def differences(draws: int) -> Table:
    """Coverage of the interval of a paired difference of rates."""
    head = [f"{kind}, {trials:,}" for kind in ("independent", "dependent") for trials in SEEDS]
    rng, table = (
        generator(2),
        Table("Differences of paired rates held in % ± half-width in points", ("rates", *head), [], []),
    )
    for step in STEPS:
        cells = []
        for dependence in (INDEPENDENT, DEPENDENT):
            for trials in SEEDS:
                held, width = 0, 0.0
                for counts, times in counted(pairs(rng, trials, step, dependence, draws)):
                    low, high = stats.paired_difference_interval(*counts)
                    held += times * (low <= step[1] - step[0] <= high)
                    width += times * (high - low) / 2
                cells.append(f"{percent(held / draws)} ± {percent(width / draws)}")
                if too_seldom(held, draws, FLOOR):
                    table.faults.append(f"of {trials} pairs, {step}, {dependence:g}: {held} of {draws} hold")
        table.rows.append([f"{step[0]:g} → {step[1]:g}", *cells])
    return table


@cache
def ranks_of_median(trainings: int, successes: int) -> tuple[int | None, int | None]:
    """Return the ranks of the successes that limit the median's interval."""
    order = np.arange(1, trainings + 1)
    low, high = stats.time_to_success(np.minimum(order, successes + 1), order <= successes).median_interval()
    return (None if low is None else int(low)), (None if high is None else int(high))


def medians(draws: int) -> Table:
    """Coverage of the interval of the median time to success, for censored exponential times."""
    head = [f"{trials:,} seeds" for trials in SEEDS]
    rng, table = generator(3), Table("Medians held in %", ("succeed in time %", *head), [], [])
    table.rows.extend([percent(share)] for share in IN_TIME)
    for trials in SEEDS:
        times = np.sort(rng.exponential(size=(draws, trials)))
        for row, share in zip(table.rows, IN_TIME, strict=True):
            held, without_end = median_held(times, -np.log1p(-share))
            row.append(f"{percent(held / draws)}, {percent(without_end / draws)} open")
            if too_seldom(held, draws, FLOOR):
                table.faults.append(f"of {trials} seeds, {share:g} in time: {held} of {draws} hold the median")
    return table


def median_held(times: Array, end: float) -> tuple[int, int]:
    """Count the intervals that contain the median, and those without an upper limit."""
    held = without_end = 0
    successes = (times <= end).sum(1)
    for count in np.unique(successes).tolist():
        watched = times[successes == count]
        low, high = ranks_of_median(times.shape[1], count)
        begins = np.full(len(watched), end) if low is None else watched[:, low - 1]
        held += int(((begins <= np.log(2)) & (True if high is None else np.log(2) <= watched[:, high - 1])).sum())
        without_end += len(watched) if high is None else 0
    return held, without_end


def ends(converged: Array, first: int = 0) -> SeedTable:
    """Return the seed table for given outcomes."""
    figures = {name: np.zeros(len(converged)) for name in ("r2", "largest_error")}
    return SeedTable(
        seeds=first + np.arange(len(converged)),
        outcomes=np.where(converged, Outcome.CONVERGED.value, Outcome.STUCK.value),
        steps_to_success=np.where(converged, 1, NEVER),
        final=figures,
        start={},
        end={},
        groups={},
        diagnostics={},
        settings={},
    )


@cache
def blank_record() -> Summary:
    """Return a summary of the plan, whose counts are to be replaced."""
    (summary,) = summarise(
        PLAN, [RoundResult(ends(np.array([True])), {}, 1.0, first_run=True, chunk_size=1, device_count=1)]
    )
    return summary


def run(converged: Array, first: int = 0, seconds: Sequence[float] = ()) -> RunResults:
    """Return a run of one case with given outcomes and times of rounds."""
    count, successes = len(converged), int(converged.sum())
    summary = replace(
        blank_record(),
        seeds=count,
        converged=successes,
        rate=successes / count,
        round_seconds=list(seconds),
        round_seeds=[1] * len(seconds),
    )
    return RunResults([Result(summary, ends(converged, first))], {})


def compared(before: RunResults, after: RunResults) -> CaseChange:
    """Compare the one case of two runs."""
    (found,) = change.compare_runs(before, after, RATE_GATE.level)
    return found


@cache
def same_seeds(trials: int, fixed: int, broken: int) -> CaseChange:
    """Return the change of a case with given numbers of fixed and regressed seeds."""
    place = np.arange(trials)
    return compared(run(place >= fixed), run(place < trials - broken))


@cache
def other_seeds(trials: int, later_trials: int, before: int, after: int) -> CaseChange:
    """Return the change of a case between runs with different seeds."""
    return compared(run(np.arange(trials) < before), run(np.arange(later_trials) < after, first=trials))


def falls(gate: Gate, found: Sequence[CaseChange]) -> bool:
    """Whether a gate fails for the cases of one run."""
    return bool(gate.falls(change._adjusted(list(found), gate.figure)))


def alarms(gate: Gate, drawn: Array, change_of: Callable[..., CaseChange]) -> int:
    """Count the draws for which the gate fails; draws have shape (draws, cases, values)."""
    return sum(times for run, times in counted(drawn) if falls(gate, [change_of(*case) for case in run]))


def two_runs(rng: np.random.Generator, trials: int, step: tuple[float, float], size: Any) -> Iterator[tuple[Any, Any]]:
    """Draw paired and unpaired runs; return their counts and the function that compares them."""
    yield pairs(rng, trials, step, DEPENDENT, size)[..., 1:3], partial(same_seeds, trials)
    yield np.stack([rng.binomial(trials, rate, size) for rate in step], -1), partial(other_seeds, trials, trials)


def false_alarms(draws: int, seeds: Sequence[int] = SEEDS) -> Table:
    """False alarms of the gate of the rate, for one case and for a run."""
    head = ("rate", *(f"{kind} seeds, {trials:,}" for trials in seeds for kind in ("same", "other")))
    rng, table = generator(4), Table(f"False alarms of rate:0.01 in %, of 1 case / of {CASES}", head, [], [])
    table.rows.extend([f"{rate:g}"] for rate in RATES)
    for trials in seeds:
        for row, rate in zip(table.rows, RATES, strict=True):
            for drawn, change_of in two_runs(rng, trials, (rate, rate), (draws, CASES)):
                counts = {cases: alarms(RATE_GATE, drawn[:, :cases], change_of) for cases in (1, CASES)}
                row.append(" / ".join(f"{100 * count / draws:.2f}" for count in counts.values()))
                table.faults.extend(
                    f"{cases} cases of {trials} seeds at {rate:g}: {count} alarms of {draws}"
                    for cases, count in counts.items()
                    if too_often(count, draws, RATE_GATE.level)
                )
    return table


def drops(draws: int) -> Table:
    """Power of the gate of the rate, for one case alone and among unchanged cases."""
    head = [f"{kind} seeds, -{100 * drop:g}" for kind in ("same", "other") for drop in DROPS]
    rng, table = generator(5), Table("Drops that rate:0.01 finds", ("seeds", "from", *head), [], [])
    for trials in SEEDS:
        for rate in DROPPED_FROM:
            found: tuple[list[str], list[str]] = ([], [])
            for drop in DROPS:
                both = two_runs(rng, trials, (rate, rate - drop), (draws, 1))
                for cells, (drawn, change_of), unchanged in zip(found, both, (0, trials), strict=True):
                    among = np.concatenate([drawn, np.full((draws, CASES - 1, 2), unchanged)], axis=1)
                    counts = [alarms(RATE_GATE, cases, change_of) for cases in (drawn, among)]
                    cells.append(" / ".join(f"{100 * count / draws:.0f}" for count in counts))
            table.rows.append([f"{trials:,}", f"{rate:g}", *found[0], *found[1]])
    return table


def visible(draws: int, sizes: Sequence[tuple[int, int]] = SIZES) -> Table:
    """Power at the visible drop of runs with different seeds."""
    rng, head = generator(6), ("seeds before", "now", "from", "visible, points", f"found %, should be {100 * POWER:g}")
    table = Table("Drops that are called visible", head, [], [])
    for trials, later_trials in sizes:
        for rate in DROPPED_FROM:
            change_of = partial(other_seeds, trials, later_trials)
            unchanged = change_of(round(rate * trials), round(rate * later_trials)).rate
            drop = (unchanged and unchanged.visible) or 0.0
            shares = ((trials, rate), (later_trials, rate - drop))
            drawn = np.stack([rng.binomial(number, share, (draws, 1)) for number, share in shares], -1)
            count = alarms(RATE_GATE, drawn, change_of)
            row = [f"{trials:,}", f"{later_trials:,}", f"{rate:g}", f"-{percent(drop)}", f"{100 * count / draws:.0f}"]
            table.rows.append(row)
            if too_seldom(count, draws, SEEN):
                table.faults.append(
                    f"of {trials} and {later_trials} seeds, a drop from {rate:g} by {drop:.4f}: {count}"
                )
    return table


def speed_draws(before: Array, after: Array, drop: float = 0.0) -> tuple[Array, Callable[[int], CaseChange]]:
    """Convert seconds of rounds, (draws, cases, rounds), to indices of changes, and return their lookup.

    The rank test depends on how many pairs of rounds are in order, and a gate besides on whether the median has dropped
    by more than the share `drop`.
    """
    in_order = (before[..., :, None] < after[..., None, :]).sum((-2, -1))
    dropped = np.median(1 / after, axis=-1) < (1 - drop) * np.median(1 / before, axis=-1)
    _, first, kind = np.unique(2 * in_order + dropped, return_index=True, return_inverse=True)
    ones, others = (seconds.reshape(-1, seconds.shape[-1])[first] for seconds in (before, after))

    @cache
    def change_of(number: int) -> CaseChange:
        one, other = (run(np.array([True]), seconds=drawn[number].tolist()) for drawn in (ones, others))
        return compared(one, other)

    return kind.reshape(*in_order.shape, 1), change_of


def rounds_drawn(
    rng: np.random.Generator, shape: tuple[int, int, int], spread: float, slower: float, drop: float
) -> tuple[Any, Any]:
    """Draw the seconds of rounds of two runs; the first case of the second is slower by a share."""
    before, after = np.exp(spread * rng.normal(size=(2, *shape)))
    after[:, 0] /= 1 - slower
    return speed_draws(before, after, drop)


def speeds(draws: int) -> Table:
    """False alarms and power of the gate of the speed, for lognormal times of rounds."""
    slower = [f"-{100 * drop:g} %: of spread {', '.join(f'{100 * s:g}' for s in SPREADS)}" for drop in SLOWER]
    rng, table = (
        generator(7),
        Table("Gates of the speed", ("rounds", "gate", "cases", "false alarms %", *slower), [], []),
    )
    for rounds, gate, cases in SPEEDS:
        shape = (draws, cases, rounds)
        count = alarms(gate, *rounds_drawn(rng, shape, SPREADS[0], 0.0, gate.drop))
        row = [f"{rounds}", f"{gate}", f"{cases}", f"{100 * count / draws:.2f}"]
        for drop in SLOWER:
            found = [alarms(gate, *rounds_drawn(rng, shape, spread, drop, gate.drop)) for spread in SPREADS]
            row.append(", ".join(f"{100 * number / draws:.0f}" for number in found))
        table.rows.append(row)
        if too_often(count, draws, gate.level):
            table.faults.append(f"{cases} cases of {rounds} rounds, level {gate.level:g}: {count} alarms of {draws}")
        table.faults.extend(silent(gate, rounds, cases))
    return table


def silent(gate: Gate, rounds: int, cases: int) -> Iterator[str]:
    """Return an error if all rounds are slower and the gate neither fails nor explains why."""
    fast, slow = (run(np.array([True]), seconds=(late + np.arange(1.0, rounds + 1)).tolist()) for late in (0, rounds))
    among = change._adjusted([compared(fast, slow)] + [compared(fast, fast)] * (cases - 1), gate.figure)
    if not gate.falls(among) and not gate.blind(among):
        yield f"{cases} cases of {rounds} rounds cannot reach the level {gate.level:g}, and the gate does not say so"


def claims(draws: int, seeds: Sequence[int] = SEEDS) -> Table:
    """How often true claims of a failure rate are refuted, simulated and exact."""
    title = f"True claims that are refuted in % (exactly): the rate {' / '.join(CLAIMS)}"
    rng, table = generator(8), Table(title, ("rate", *(f"{trials:,} seeds" for trials in seeds)), [], [])
    for rate in RATES:
        table.rows.append([f"{rate:g}"])
        for trials in seeds:
            drawn, cells = rng.binomial(trials, rate, draws), []
            for kind, check in CLAIMS.items():
                verdicts = [(verdict_on(check(rate), trials, count), times) for count, times in counted(drawn)]
                refuted = sum(times for verdict, times in verdicts if verdict == REFUTED)
                judged = any(verdict != NOT_JUDGED for verdict, _ in verdicts)
                exact = exactly_refuted(check(rate), trials, rate)
                cells.append(f"{100 * refuted / draws:.2f} ({100 * exact:.2f})" if judged else "-")
                if exact > stats.LEVEL or too_often(refuted, draws, exact) or too_seldom(refuted, draws, exact):
                    table.faults.append(f"{kind} {rate:g}, {trials} seeds: refuted by {refuted} of {draws} draws")
            table.rows[-1].append(" / ".join(cells))
    return table


def exactly_refuted(check: FailureRate, trials: int, rate: float) -> float:
    """Return the exact probability that a claim is refuted."""
    from scipy.stats import binom

    counts = np.arange(trials + 1)
    likely = binom.pmf(counts, trials, rate)
    happens = likely > RARE
    pairs = zip(counts[happens].tolist(), likely[happens].tolist(), strict=True)
    return sum(share for count, share in pairs if verdict_on(check, trials, count) == REFUTED)


@cache
def verdict_on(check: FailureRate, trials: int, failures: int) -> str:
    """Judge a claim for a number of failed seeds."""
    return judge_claim(Claim("It is so.", check), PLAN, ends(np.arange(trials) >= failures)).verdict


def figures(draws: int, seeds: Sequence[int] = SEEDS) -> Table:
    """How often a true figure is refuted by its prediction interval, on a logarithmic scale."""
    head = ("ends are", *(f"{trials:,} seeds" for trials in seeds))
    rng, table = generator(9), Table("True figures that are refuted in %", head, [], [])
    for kind, draw in (("lognormal", rng.lognormal), ("exponential", rng.exponential)):
        table.rows.append([kind])
        for trials in seeds:
            drawn = np.log(draw(size=(draws, trials + 1)))
            refuted = sum(stats.prediction_p_value(float(row[0]), row[1:]) < stats.LEVEL for row in drawn)
            table.rows[-1].append(f"{100 * refuted / draws:.2f}")
            if kind == "lognormal" and too_often(refuted, draws, stats.LEVEL):
                table.faults.append(f"{trials} seeds: {refuted} of {draws} figures are refuted")
    return table


PARTS: dict[str, Callable[..., Table]] = {
    "rates": rates,
    "averages": averages,
    "differences": differences,
    "medians": medians,
    "false-alarms": false_alarms,
    "drops": drops,
    "visible": visible,
    "speeds": speeds,
    "claims": claims,
    "figures": figures,
}


def main() -> int:
    """Print the tables of all parts or of those given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of each setting")
    options = parser.parse_args()
    faults = []
    with remembering():
        for part in options.parts or PARTS:
            table = PARTS[part](options.draws)
            print(table, end="\n\n", flush=True)
            faults += [f"{part}: {fault}" for fault in table.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
