"""Compare optimisers and other treatments over cases: versus and board."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from benchsuite.api.display import open_progress
from benchsuite.api.messages import name_keywords, prepare_jax
from benchsuite.api.options import SharedOptions
from benchsuite.case import UNSET, Case, is_transformation, options_of
from benchsuite.errors import BenchsuiteError, OptionError, near_matches, printable
from benchsuite.plugins import load_registry, treatment_of
from benchsuite.standings import Board, Contest, EntryPair, board_contest, verdict, versus_contest
from benchsuite.store import Frame
from benchsuite.tuning import Entry, Space
from benchsuite.variants import Ladder


class BoardKeywords(SharedOptions, total=False):
    """The options of `versus` and `board`, as `benchsuite versus --help` and `benchsuite board --help` describe them.

    `folder` is where rows are kept. `tune_seeds` and `judge_seeds` are ranges or other whole numbers; no seed may be in
    both. `rules`, `reference` and `twice` are for `board` only, `once` for `versus`.
    """

    settings: int
    once: bool
    rules: str | Sequence[str]
    reference: str
    twice: bool
    tune_seeds: int | range | Sequence[int] | str
    judge_seeds: int | range | Sequence[int] | str
    edition: int
    budget: int
    folder: str | Path


class BoardResults:
    """A comparison of entries, computed from the rows in its folder.

    Args:
        board: all figures.
        folder: of the rows.
        failures: errors of the cases that were not trained to the end.
        paired: whether it compares two entries.

    Attributes:
        board: all figures; `board.rankings` has the entries under each set of rules.
    """

    def __init__(self, board: Board, folder: Path, failures: Sequence[BenchsuiteError], *, paired: bool) -> None:
        self.board, self.path, self.failures, self._paired = board, folder, list(failures), paired

    @property
    def pairs(self) -> list[EntryPair]:
        """The entries compared with the reference under the last set of rules, case by case and over all."""
        return list(self.board.rankings[-1].against)

    @property
    def sentence(self) -> str:
        """What the comparison shows, in words."""
        return "\n".join(verdict(pair) for pair in self.pairs)

    def cells(self) -> Frame:
        """A row for each entry and case under each set of rules: setting, seeds, rate with interval, and steps."""
        return Frame.of_rows(
            [
                {"rules": str(ranking.rules), **_flat(cell.to_json())}
                for ranking in self.board.rankings
                for score in ranking.scores
                for cell in score.cells
            ]
        )

    def summary(self) -> Frame:
        """A row for each entry under each set of rules: score with interval, rank, and cost."""
        return Frame.of_rows(
            [
                {"rules": str(ranking.rules), **_flat(score.to_json())}
                for ranking in self.board.rankings
                for score in ranking.scores
            ]
        )

    def report(self, folder: str | Path | None = None) -> Path:
        """Write an HTML page, Markdown and JSON; by default into the folder of the rows. Returns the page.

        Raises:
            OptionError: the extra `report` is not installed.
        """
        from benchsuite.report import require_extra

        with name_keywords(), require_extra("the page of a board"):
            from benchsuite.report.board import write_board
        return write_board(self.board, self.path if folder is None else Path(folder))[0]

    def __repr__(self) -> str:
        from benchsuite.report.ranking import board_tables, versus_tables
        from benchsuite.report.terminal import render

        tables = (versus_tables if self._paired else board_tables)(self.board)
        return printable(f"{render(tables, 120, False).strip()}\nrows of every seed: {self.path / 'rows'}")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Intervals as two columns, mappings as one for each entry; lists of other kinds are left out."""
    row: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            row |= {f"{name}.{key}": one for key, one in value.items()}
        elif isinstance(value, list) and len(value) == 2:  # noqa: PLR2004  # an interval
            row |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        elif not isinstance(value, list):
            row[name] = value
    return row


def versus(
    entry: Any,
    reference: Any,
    /,
    *cases: str | Case | Ladder,
    space: Mapping[str, Any] | None = None,
    progress: bool | None = None,
    **options: Unpack[BoardKeywords],
) -> BoardResults:
    """Say whether an optimiser or other treatment is better than another over cases, each fairly tuned.

    Args:
        entry: a text as of `benchsuite versus`, a `Treatment`, an optax transformation, or a function that makes one.
        reference: the same.
        cases: names of cases or ladders, or objects; by default those that `run` trains.
        space: option → its values, {"learning_rate": "log(1e-4, 1)"} or a list; of entries without their own.
        progress: whether to show it; by default in a notebook, and where standard error is a terminal.
        options: see `BoardKeywords`.

    Raises:
        OptionError: a name or option cannot be used, or a seed is for tuning and for judging.
        KeyboardInterrupt: Ctrl-C; the same call continues.
    """
    with name_keywords(), prepare_jax(str(options.get("platform") or "auto")):
        given, tuned = _given(options), Space.parse(space or {})
        texts = [f"{option}={one.text}" for option, one in tuned.options.items()]
        entries = [one if isinstance(one, str | Entry) else _entry(one, tuned) for one in (entry, reference)]
        contest = versus_contest(load_registry(), entries, cases, {**given, "spaces": texts})
        return _made(contest, progress, paired=True)


def board(
    *entries: str | Path | Entry,
    cases: Sequence[str | Case | Ladder] = (),
    progress: bool | None = None,
    **options: Unpack[BoardKeywords],
) -> BoardResults:
    """Rank entries over cases, with those that the folder of the board has already.

    Args:
        entries: TOML files, folders of them, or names of entries of the suite, by default all of them for a new board.
        cases: names of cases or ladders, or objects; by default those of the board, or those that `run` trains.
        progress: whether to show it; by default in a notebook, and where standard error is a terminal.
        options: see `BoardKeywords`; the folder is "board" by default.

    Raises:
        OptionError: an entry, name or option cannot be used.
        KeyboardInterrupt: Ctrl-C; the same call continues.
    """
    with name_keywords(), prepare_jax(str(options.get("platform") or "auto")):
        return _made(board_contest(load_registry(), entries, cases, _given(options)), progress, paired=False)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    known = BoardKeywords.__annotations__
    for name in options:
        if name not in known:
            raise OptionError(f"there is no option {name!r}", near_matches(name, known))
    return {"output" if name == "folder" else name: value for name, value in options.items()}


def _entry(value: Any, space: Space) -> Entry:
    """Make an entry from an object; a function that requires options is given those of the first setting."""
    treatment = treatment_of(value)
    if is_transformation(value):  # it has no options
        return Entry(treatment.name, treatment.name, summary=treatment.summary, made=treatment)
    required = _required(value) if callable(value) else []
    if required and required != ["case"]:
        first = space.draw(1)[0] if space else {}
        made = partial(value, **{name: first[name] for name in required if name in first})
        treatment = treatment_of(made, treatment.name)
    default: dict[str, Any] | None = None if required and required != ["case"] else {}
    return Entry(treatment.name, treatment.name, default, space, treatment.summary, made=treatment)


def _required(function: Any) -> list[str]:
    return [name for name, value in options_of(function).items() if value is UNSET]


def _made(contest: Contest, progress: bool | None, *, paired: bool) -> BoardResults:
    failures: list[BenchsuiteError] = []
    with open_progress(progress) as show:
        made = contest.make(show, failures.append)
    return BoardResults(made, contest.folder, failures, paired=paired)
