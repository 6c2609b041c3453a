"""The choice of settings on tune seeds, and the expected rate of the best of k."""

from __future__ import annotations

import numpy as np

from benchsuite import stats
from benchsuite.results import Result
from benchsuite.tuning.entry import DEFAULT, Entry
from benchsuite.tuning.options import Rules
from benchsuite.tuning.rows import Settled

#: The best settings first: the rate, and of equal rates the expected steps to a success.
_Key = tuple[float, float]


def choose_settings(entry: Entry, rules: Rules, tuned: Settled) -> dict[str, int]:
    """Choose the setting of an entry by rules: case → its setting; "" → that of all cases.

    An entry without a space, which has nothing to tune, has its default. Cases that were not tuned have none.
    """
    if not rules.number or not entry.space:
        return {} if entry.default is None else {"": DEFAULT}
    considered = {case: {n: one for n, one in of.items() if n <= rules.number} for case, of in tuned.items()}
    if not rules.once:
        return {case: min(of, key=lambda n: setting_key(of[n])) for case, of in considered.items()}
    return {"": min(range(1, rules.number + 1), key=lambda n: _mean_key(considered, n))} if considered else {}


def setting_key(result: Result) -> _Key:
    """The order of settings: the highest rate first, of equal ones the fewest expected steps."""
    return _key(result, np.ones(len(result.rows), bool))


def _key(result: Result, chosen: np.ndarray) -> _Key:
    """The order of settings by some of the seeds."""
    converged = result.rows.converged[chosen]
    times = np.where(converged, result.rows.steps_to_success[chosen], result.summary.time_to_success["censored_at"])
    steps = stats.expected_running_time(times, converged)
    return -float(converged.mean()), np.inf if steps is None else steps


def _mean_key(tuned: Settled, setting: int) -> _Key:
    """The order of settings by the mean rate over families, and by the expected steps in shares of the schedule."""
    families: dict[str, list[_Key]] = {}
    for case, of in tuned.items():
        rate, steps = setting_key(of[setting])
        share = steps / of[setting].summary.time_to_success["censored_at"]
        families.setdefault(of[setting].summary.family or case, []).append((rate, share))
    rates, shares = (np.mean([np.mean([key[n] for key in keys]) for keys in families.values()]) for n in (0, 1))
    return float(rates), float(shares)


def rates_of_best(tuned: Settled, numbers: range) -> list[float]:
    """Estimate the expected rate of the best of k settings, as the mean over families, for each k.

    In each case the settings are ordered by one half of the tune seeds and valued by the other, and the other way
    round; the two are averaged.

    Args:
        tuned: all settings of each case.
        numbers: values of k.
    """
    families: dict[str, list[list[float]]] = {}
    for case, of in tuned.items():
        family = next(iter(of.values())).summary.family or case
        families.setdefault(family, []).append([_rate_of_best(list(of.values()), number) for number in numbers])
    means = [np.mean(cases, axis=0) for cases in families.values()]
    return [float(value) for value in np.mean(means, axis=0)] if means else []


def _rate_of_best(settings: list[Result], number: int) -> float:
    rates = []
    for half in (0, 1):
        keys = [_key(one, _places(one) % 2 == half) for one in settings]
        values = [float(one.rows.converged[_places(one) % 2 != half].mean()) for one in settings]
        ranks = sorted(range(len(keys)), key=keys.__getitem__)
        rates.append(stats.best_of([ranks.index(n) for n in range(len(keys))], values, number))
    return sum(rates) / len(rates)


def _places(result: Result) -> np.ndarray:
    """The place of each row in the order of the seeds."""
    return result.rows.seeds.argsort().argsort()
