"""Several tests together."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for multiple tests by Holm's method.

    Source: S. Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    adjusted, largest = list(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def rank_intervals(better: Sequence[Sequence[bool]]) -> list[tuple[int, int]]:
    """Compute the interval of the rank of each entry from significant differences.

    Args:
        better: (n, n) whether the entry of the row is significantly better than that of the column, with p-values that
            are adjusted over all pairs.

    Returns:
        For each entry 1 + the number of significantly better ones, and n - the number of significantly worse ones.
        All intervals together hold the true ranks with the confidence of the adjusted tests.

    Source: D. Al Mohamad, J. J. Goeman, E. W. van Zwet (2022), Simultaneous confidence intervals for ranks with
    application to ranking institutions, Biometrics 78, 238-247.
    """
    number = len(better)
    return [(1 + sum(row[place] for row in better), number - sum(better[place])) for place in range(number)]
