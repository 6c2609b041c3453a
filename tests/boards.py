"""Write boards without training, with any outcomes that a test needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stored import GOOD, STUCK, store_run, treated

from benchsuite.standings import Board, BoardDefinition
from benchsuite.tuning import BoardOptions, Entry, Space


def ends(solved: int, seeds: int, first: int = 0) -> list[list[float]]:
    """Return the R² of `seeds` seeds of which `solved` converge, from the seed `first` on."""
    return [GOOD if first <= seed < first + solved else STUCK for seed in range(seeds)]


def store_board(
    folder: Path,
    judged: Mapping[str, Mapping[str, list[list[float]]]],
    families: Mapping[str, str] | None = None,
    **how: Any,
) -> Board:
    """Write a board of default settings: entry → case → the R² of its seeds, which count from 0."""
    cases = list(dict.fromkeys(case for of in judged.values() for case in of))
    seeds = max(len(rows) for of in judged.values() for rows in of.values())
    for entry, of in judged.items():
        runs = [treated(case, f"{entry}.s0", *rows, sweep={"setting": [0.0]}) for case, rows in of.items()]
        store_run(folder / "rows" / entry / "judging", *runs)
    given = {"tune_seeds": "1000:1010", "judge_seeds": f"0:{seeds}", **how}
    about = {case: {"family": (families or {}).get(case, case), "version": "1"} for case in cases}
    entries = [Entry(name, f"optax.{name}", {}, Space({})) for name in judged]
    BoardDefinition(BoardOptions.parse(given), entries, about).write(folder)
    return Board.open(folder)


def store_tuning(folder: Path, entry: str, rates: Mapping[str, list[list[list[float]]]]) -> None:
    """Write the tuning of an entry: case → setting → the R² of its seeds."""
    runs = [
        treated(
            case,
            entry,
            *[rows for setting in settings for rows in setting],
            sweep={"setting": [float(n) for n in range(1, len(settings) + 1)]},
        )
        for case, settings in rates.items()
    ]
    store_run(folder / "rows" / entry / "tuning", *runs)
