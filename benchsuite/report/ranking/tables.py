"""Tables of a board and of a pair of entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchsuite.report import count, interval, number, p_value, percent, points, seconds
from benchsuite.report.terminal import Column, Sheet
from benchsuite.standings import Board, CasePair, Cell, EntryPair, EntryScore, Ranking

#: The row below those of the cases.
_OVER_ALL = "over all"


def ranking_sheet(board: Board, ranking: Ranking) -> Sheet:
    """Make the table of scores: a row for each entry, the highest score first."""
    controls = {name for name, entry in board.entries.items() if entry.control}
    starts = max(ranking.rules.number, 1)
    columns = (
        Column("rank", lambda one: _rank(one.rank)),
        Column("entry", lambda one: one.entry + (" (control)" if one.entry in controls else ""), "left", "bold"),
        Column("score", lambda one: percent(one.score), style="bold"),
        Column("95 % interval", lambda one: interval(one.interval) if one.interval else "-"),
        Column("worst family", _worst, "left"),
        Column("solved", lambda one: percent(one.solved)),
        *([Column(f"{starts} restarts", lambda one: percent(one.restarted(starts)))] if starts > 1 else []),
        Column("cells", lambda one: f"{sum(cell.is_complete for cell in one.cells)} of {len(one.cells)}"),
    )
    meanings = [
        "score: mean over families of the rate, with an interval for other seeds of these cases (Wilson and MOVER)",
        "rank: first to last that the significant differences of all pairs allow; entries that share ranks are tied",
        "solved: share of the cases with a rate of 99 % or more",
    ]
    if starts > 1:
        meanings.append(f"{starts} restarts: the chance that one of {starts} starts of the judged setting succeeds")
    return Sheet(f"Score: {ranking.rules.title}", ranking.scores, columns, meanings)


def _rank(rank: tuple[int, int] | None) -> str:
    if rank is None:
        return "-"
    return f"{rank[0]}" if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def _worst(score: EntryScore) -> str:
    worst = score.worst_family
    return f"{worst[0]}: {percent(worst[1])}" if worst else "-"


def cost_sheet(ranking: Ranking) -> Sheet:
    """Make the table of what each entry costs."""
    columns = (
        Column("entry", lambda one: one.entry, "left", "bold"),
        Column("tuning: trainings", lambda one: count(one.cost.tune_trainings)),
        Column("steps", lambda one: count(one.cost.tune_steps)),
        Column("device time", lambda one: seconds(one.cost.tune_seconds or None)),
        Column("judging: steps", lambda one: count(one.cost.steps)),
        Column("gradients", lambda one: count(one.cost.gradients)),
        Column("device time", lambda one: seconds(one.cost.judge_seconds)),
    )
    return Sheet("Cost", ranking.scores, columns, ["device time of all devices, without compilation"])


def cells_sheet(scores: Sequence[EntryScore]) -> Sheet:
    """Make the table of all cells: a row for each entry and case."""
    cells = [cell for score in scores for cell in score.cells]
    columns = (
        Column("case", lambda cell: cell.case, "left", "bold"),
        Column("entry", lambda cell: cell.entry, "left"),
        Column("setting", lambda cell: cell.options or "-", "left", folds=True),
        Column("seeds", lambda cell: count(cell.seeds)),
        Column("rate", _rate),
        Column("95 % interval", lambda cell: interval(cell.interval) if cell.result else "-"),
        Column("expected steps", expected_steps),
        Column("95 % interval", _expected_interval),
        Column("99 % by restarts", lambda cell: number(cell.starts_steps) if cell.result else "-"),
        Column("failed as", _failed, "left", folds=True),
    )
    meanings = [
        "expected steps: of all seeds, failed ones too, per success; with a bootstrap interval over seeds",
        "99 % by restarts: steps after which restarts succeed with a probability of 99 %",
    ]
    return Sheet("All cells", cells, columns, meanings)


def _rate(cell: Cell) -> str:
    return percent(cell.rate) if cell.result else "-"


def expected_steps(cell: Cell) -> str:
    """Format the expected steps of a cell; without a success their lower bound."""
    if not cell.result:
        return "-"
    return f"> {number(cell.expected_interval[0])}" if cell.expected_steps is None else number(cell.expected_steps)


def _expected_interval(cell: Cell) -> str:
    if not cell.result or cell.expected_steps is None:
        return "-"
    low, high = cell.expected_interval
    return f"{number(low)} to {'∞' if high is None else number(high)}"


def _failed(cell: Cell) -> str:
    if not cell.result:
        return cell.reason
    failed = {name: n for name, n in cell.summary.outcomes.items() if n and name != "converged"}
    named = ", ".join(f"{n:,} {name}" for name, n in sorted(failed.items(), key=lambda item: -item[1]))
    return "; ".join(filter(None, (named, cell.reason))) or "none"


def pair_sheet(ranking: Ranking, pair: EntryPair) -> Sheet:
    """Make the table of two entries: a row for each case, and one over all."""
    cells = {(cell.entry, cell.case): cell for score in ranking.scores for cell in score.cells}

    def side(entry: str, show: Any) -> Any:
        return lambda row: show(cells[entry, row.case]) if isinstance(row, CasePair) else ""

    scores = {score.entry: score for score in ranking.scores}
    columns = (
        Column("case", lambda row: row.case if isinstance(row, CasePair) else _OVER_ALL, "left", "bold"),
        *(
            Column(name, lambda row, name=name: _side_rate(row, cells, scores[name]))  # type: ignore[misc]
            for name in (pair.entry, pair.reference)
        ),
        Column("won : lost", lambda row: f"{row.won} : {row.lost}" if isinstance(row, CasePair) else _total(row)),
        Column("difference", lambda row: points(row.difference), style="bold"),
        Column("95 % interval", lambda row: points(*row.interval)),
        Column("p (Holm)", lambda row: p_value(row.adjusted)),
        Column("expected steps", _both(pair, side, expected_steps), "left"),
        Column("device time", _both(pair, side, lambda cell: seconds(cell.summary.device_seconds)), "left"),
    )
    meanings = [
        "won : lost: seeds that one of the two solves alone; difference: of the rates, in points",
        "p: McNemar's exact test for each case, a sign-flip test of the mean over families over all",
        f"expected steps and device time: {pair.entry}, and {pair.reference}",
    ]
    return Sheet(f"{pair.entry} and {pair.reference}: {ranking.rules.title}", [*pair.cases, pair], columns, meanings)


def _side_rate(row: CasePair | EntryPair, cells: Mapping[tuple[str, str], Cell], score: EntryScore) -> str:
    if isinstance(row, CasePair):
        return percent(cells[score.entry, row.case].rate)
    return percent(score.score)


def _total(pair: EntryPair) -> str:
    return f"{sum(one.won for one in pair.cases)} : {sum(one.lost for one in pair.cases)}"


def _both(pair: EntryPair, side: Any, show: Any) -> Any:
    mine, theirs = side(pair.entry, show), side(pair.reference, show)
    return lambda row: f"{mine(row)}, {theirs(row)}" if isinstance(row, CasePair) else ""


def against_sheet(pairs: Sequence[EntryPair]) -> Sheet:
    """Make the table of the entries compared with the reference."""
    columns = (
        Column("entry", lambda pair: pair.entry, "left", "bold"),
        Column("cases", lambda pair: count(len(pair.cases))),
        Column("better on", lambda pair: count(sum(one.significant > 0 for one in pair.cases))),
        Column("worse on", lambda pair: count(sum(one.significant < 0 for one in pair.cases))),
        Column("difference", lambda pair: points(pair.difference), style="bold"),
        Column("these cases", lambda pair: points(*pair.interval)),
        Column("families like these", _like_these),
        Column("covers", lambda pair: percent(pair.family_coverage)),
        Column("seeds for 5 points", lambda pair: count(pair.seeds_to_decide)),
    )
    meanings = [
        "difference: mean over families of the rates, entry minus reference, in points",
        "these cases: 95 % interval for other seeds; families like these: Student's t over families",
        "covers: the coverage of that interval in a simulation with these differences; nominal 95 %",
        "seeds for 5 points: seeds a case that find a difference of 5 points with a probability of 80 %",
    ]
    return Sheet(f"Compared with {pairs[0].reference}" if pairs else "", pairs, columns, meanings)


def _like_these(pair: EntryPair) -> str:
    return points(*pair.family_interval) if pair.family_interval else "-"


def plan_sheet(parts: Sequence[Any]) -> Sheet:
    """Make the table of the trainings that a board lacks.

    Args:
        parts: of `BoardTraining.missing`, each with its estimated seconds.
    """
    columns = (
        Column("entry", lambda row: row[0].entry, "left", "bold", once=True),
        Column("stage", lambda row: row[0].stage, "left"),
        Column("settings", lambda row: count(len(row[0].settings))),
        Column("cases", lambda row: count(len(row[0].cases))),
        Column("seeds", lambda row: count(len(row[0].seeds))),
        Column("trainings", lambda row: count(row[0].trainings)),
        Column("estimated time", lambda row: seconds(row[1])),
    )
    total, known = sum(part.trainings for part, _ in parts), [time for _, time in parts if time is not None]
    unknown = len(parts) - len(known)
    rest = f", and {unknown} parts without an estimate" if unknown else ""
    estimate = f"{total:,} trainings: {seconds(sum(known)) if known else 'no estimate'}{rest}"
    return Sheet("", parts, columns, [estimate if parts else "Nothing is missing."])


def board_sheets(board: Board) -> Iterator[Sheet]:
    """Make the tables of a board for a terminal."""
    for ranking in board.rankings:
        yield ranking_sheet(board, ranking)
        if ranking.against:
            yield against_sheet(ranking.against)
