"""Check every interval, test and score of a board by simulation with a known truth.

    python benchmarks/board_statistics.py [--boards 1000] [--repeats 2000]

Prints the coverage of the intervals, the false claims on boards of equal entries, and the rate of the best of equal
settings.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator

import numpy as np
from scipy.stats import binom, binomtest

from benchsuite import stats
from benchsuite.standings import CasePair, EntryPair, adjust_pairs, family_weights, pair_ranks

ENTRIES, CASES, SEEDS = 12, 6, 100


def wilson() -> Iterator[tuple[str, float, float]]:
    """The exact coverage of Wilson's interval over rates from 0 to 1: mean and worst."""
    rates = np.linspace(0, 1, 401)
    for trials in (16, 50, 100, 200, 1000):
        counts = np.arange(trials + 1)
        ends = np.array([stats.rate_interval(int(count), trials) for count in counts])
        holds = (ends[:, :1] <= rates + 1e-12) & (rates - 1e-12 <= ends[:, 1:])
        coverage = (binom.pmf(counts[:, None], trials, rates) * holds).sum(axis=0)
        yield f"rate of {trials} seeds (Wilson)", coverage.mean(), coverage.min()


def tables(rng: np.random.Generator, shape: tuple[int, int], one: float, other: float, shared: float) -> np.ndarray:
    """Draw counts (n, 4) of both, won, lost and neither, for shape (n, seeds).

    A share `shared` of the seeds are equally hard for both.
    """
    hardness = rng.random(shape)
    own = np.where(rng.random(shape) < shared, hardness, rng.random(shape))
    mine, theirs = hardness < one, own < other
    return np.stack([(mine & theirs), (mine & ~theirs), (~mine & theirs), (~mine & ~theirs)]).sum(axis=2).T


def paired(rng: np.random.Generator, repeats: int) -> Iterator[tuple[str, float, float]]:
    """The coverage of Newcombe's interval of a paired difference."""
    for seeds in (16, 100, 1000):
        found = []
        for one, other, shared in itertools.product((0.0, 0.1, 0.5, 0.9, 1.0), (0.0, 0.3, 0.5, 0.95), (0.0, 0.7)):
            drawn = tables(rng, (repeats // 10, seeds), one, other, shared)
            ends = [stats.paired_difference_interval(both, won, lost, no) for both, won, lost, no in drawn.tolist()]
            found.append(np.mean([low - 1e-12 <= one - other <= high + 1e-12 for low, high in ends]))
        yield f"paired difference, {seeds} seeds (Newcombe)", float(np.mean(found)), min(found)


def scores(rng: np.random.Generator, repeats: int) -> Iterator[tuple[str, float, float]]:
    """The coverage of the combined interval of a score, and of a mean difference, over cases of random rates."""
    families = ["a", "b", "b", "c", "d", "e", "e", "e"]
    weights = family_weights(families)
    for seeds in (16, 100, 1000):
        score, difference = [], []
        for _ in range(repeats // 4):
            rates = np.where(rng.random((2, 8)) < 0.3, rng.integers(0, 2, (2, 8)), rng.random((2, 8)))
            found = rng.binomial(seeds, rates[0])
            limits = [stats.rate_interval(int(count), seeds) for count in found]
            low, high = stats.combined_interval(list(found / seeds), limits, weights)
            score.append(low - 1e-12 <= np.dot(weights, rates[0]) <= high + 1e-12)
            counts = [tables(rng, (1, seeds), *pair, 0.5)[0].tolist() for pair in rates.T]
            pair = EntryPair("one", "two", [CasePair(str(n), families[n], *c) for n, c in enumerate(counts)])
            low, high = pair.interval
            difference.append(low - 1e-12 <= np.dot(weights, rates[0] - rates[1]) <= high + 1e-12)
        yield f"score over 8 cases, {seeds} seeds (MOVER)", float(np.mean(score)), float("nan")
        yield f"mean difference over 8 cases, {seeds} seeds (MOVER)", float(np.mean(difference)), float("nan")


def steps(rng: np.random.Generator, repeats: int) -> Iterator[tuple[str, float, float]]:
    """The coverage of the bootstrap interval of the expected steps to a success."""
    for seeds in (50, 200, 1000):
        found = []
        for rate in (0.1, 0.5, 0.95):
            truth = (rate * 50 + (1 - rate) * 100) / rate  # success after 50 steps in the mean, of at most 100
            holds = []
            for _ in range(repeats // 10):
                won = rng.random(seeds) < rate
                low, high = stats.expected_time_interval(np.where(won, rng.uniform(0, 100, seeds), 100), won)
                holds.append(low <= truth and (high is None or truth <= high))
            found.append(np.mean(holds))
        yield f"expected steps, {seeds} seeds (bootstrap)", float(np.mean(found)), min(found)


def null_board(rng: np.random.Generator) -> list[EntryPair]:
    """All pairs of entries that solve each seed with the same probability, which differs between seeds and cases."""
    hardness = rng.beta(0.5, 0.5, (CASES, SEEDS))
    solved = rng.random((ENTRIES, CASES, SEEDS)) < hardness
    return [
        EntryPair(
            str(one), str(other), [_case(str(case), solved[one, case], solved[other, case]) for case in range(CASES)]
        )
        for one, other in itertools.combinations(range(ENTRIES), 2)
    ]


def _case(name: str, mine: np.ndarray, theirs: np.ndarray) -> CasePair:
    counts = (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)
    return CasePair(name, name, *(int(one.sum()) for one in counts))


def false_claims(rng: np.random.Generator, boards: int) -> dict[str, int]:
    """How many boards of equal entries claim a difference."""
    found = {"on a case": 0, "over all cases": 0, "by a rank": 0}
    for _ in range(boards):
        pairs = adjust_pairs(null_board(rng), together=True)
        found["on a case"] += any(case.significant for pair in pairs for case in pair.cases)
        found["over all cases"] += any(pair.significant for pair in pairs)
        ranks = pair_ranks([str(n) for n in range(ENTRIES)], pairs)
        found["by a rank"] += any(rank != (1, ENTRIES) for rank in ranks.values())
    return found


def winners_curse(rng: np.random.Generator, repeats: int) -> dict[str, float]:
    """The rates of the best of 25 equal settings: as tuned, as judged, and the expected rate of the best of 25."""
    truth, settings, seeds = 0.5, 25, 100
    tuned, judged, best = [], [], []
    for _ in range(repeats):
        won = rng.random((settings, seeds)) < truth
        tuned.append(won.mean(axis=1).max())
        judged.append((rng.random(seeds) < truth).mean())
        halves = won[:, ::2].mean(axis=1), won[:, 1::2].mean(axis=1)
        both = [stats.best_of(list(-one), list(other), settings) for one, other in (halves, halves[::-1])]
        best.append(np.mean(both))
    return {"tuned": np.mean(tuned), "judged": np.mean(judged), "best of 25": np.mean(best)}


def main() -> None:
    """Print all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=2000)
    given, rng = parser.parse_args(), np.random.default_rng(0)
    print("95 % intervals: coverage in the mean over rates, and at worst")
    for rows in (wilson(), paired(rng, given.repeats), scores(rng, given.repeats), steps(rng, given.repeats)):
        for name, mean, worst in rows:
            print(f"  {name:50} {100 * mean:5.1f} %  {'' if np.isnan(worst) else f'{100 * worst:5.1f} %'}", flush=True)
    print(f"{given.boards:,} boards of {ENTRIES} equal entries, {CASES} cases, {SEEDS} seeds: a false claim")
    for name, count in false_claims(rng, given.boards).items():
        p_value = binomtest(count, given.boards, 0.05, "greater").pvalue
        print(f"  {name:50} {100 * count / given.boards:5.1f} %  (p = {p_value:.2g} that it is above 5 %)", flush=True)
    print("25 equal settings with a rate of 50.0 %: the chosen one")
    for name, rate in winners_curse(rng, given.repeats).items():
        print(f"  {name:50} {100 * rate:5.1f} %")


if __name__ == "__main__":
    main()
