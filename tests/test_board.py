"""Comparisons of entries: spaces, choice, scores, ranks and words, from rows that are written without training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import stored
from boards import ends, store_board, store_tuning
from scipy.stats import binom
from stored import GOOD, STUCK

from benchsuite.errors import OptionError
from benchsuite.standings import (
    Board,
    CasePair,
    EntryPair,
    adjust_pairs,
    compare_entries,
    differs_from_rows,
    robustness,
    verdict,
    write_figures,
)
from benchsuite.tuning import (
    LARGEST,
    BoardOptions,
    Entry,
    EntryRows,
    EntryTreatments,
    Rules,
    Space,
    choose_settings,
    entry_of,
    rates_of_best,
    read_entries,
    shipped_entries,
)


def test_settings_are_drawn_in_one_order() -> None:
    """The first setting is the middle of every range, all lie within it, and more settings do not change the first."""
    space = Space.parse({"learning_rate": "log(1e-4, 1)", "momentum": "complement(0.01, 0.5)", "b1": [0.5, 0.9]})
    drawn = space.draw()

    assert drawn[0]["learning_rate"] == 0.01
    assert all(1e-4 <= one["learning_rate"] <= 1 and 0.5 <= one["momentum"] <= 0.99 for one in drawn)
    assert {one["b1"] for one in drawn} == {0.5, 0.9}
    assert space.draw(5) == drawn[:5]
    assert len(drawn) == LARGEST


def test_conditional_options_are_given_where_their_condition_holds() -> None:
    """An option with a condition is given with the values that it depends on, and not without."""
    space = Space.parse({"momentum": "[0.0, 0.9]", "nesterov": "[True, False] if momentum=0.9"})

    assert all(("nesterov" in one) == (one["momentum"] == 0.9) for one in space.draw())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate", "--space is 'learning_rate'"),
        ("learning_rate=log(1, 1e-4)", "are none: 1 is not below 0.0001"),
        ("learning_rate=log(0, 1)", "begin at 0"),
        ("learning_rate=lin(0, 1)", "linear"),
        ("learning_rate=log(a, 1)", "'a' among the values of learning_rate is not a finite number"),
        ("learning_rate=[]", "the list of values of learning_rate is empty"),
        ("learning_rate=[{}]", "is a dict"),
        ("learning_rate=0.1", "the values of learning_rate are '0.1'"),
        ("nesterov=[True] if momentum=0.9", "nesterov depends on momentum, which is no option before it"),
    ],
)
def test_bad_spaces_are_refused(text: str, message: str) -> None:
    """A space that cannot be searched is refused with what is wrong."""
    with pytest.raises(OptionError) as refused:
        Space.parse_texts([text])

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"tune_seeds": "0:100", "judge_seeds": "99:200"},
            "1 of the judge seeds 99:200 are tune seeds too, such as 99",
        ),
        ({"rules": "tuned"}, "--rules is 'tuned'"),
        ({"rules": "tuned-5", "settings": 3}, "--settings is 3"),
        ({"judge_seeds": "many"}, "--judge-seeds is 'many'"),
        ({"budget": "lots"}, "--budget is 'lots'"),
    ],
)
def test_bad_options_are_refused(values: dict[str, object], message: str) -> None:
    """Overlapping seeds, unknown rules and counts that are none are refused."""
    with pytest.raises(OptionError) as refused:
        BoardOptions.parse(values)

    assert message in str(refused.value)


def test_each_edition_has_judge_seeds_of_its_own() -> None:
    """A number of judge seeds is a block that no other edition and no default tune seed has."""
    first, second = (set(BoardOptions.parse({"edition": n, "judge_seeds": 50}).judge_seeds.numbers) for n in (1, 2))

    assert len(first) == 50
    assert not first & second


def test_a_budget_is_kept_exactly() -> None:
    """The tune seeds are as many as the budget allows; one that allows fewer than two is refused."""
    options = BoardOptions.parse({"rules": "tuned-5", "budget": 1000})

    assert len(options.tuned_on(5, 10)) == 20
    with pytest.raises(OptionError, match="a budget of 1,000 trainings allows 1 seeds"):
        options.tuned_on(50, 20)


def test_entries_of_the_suite_can_be_made() -> None:
    """Every entry that is shipped is read, has a source, and its first settings can be made."""
    entries = read_entries(list(shipped_entries().values()))

    assert len(entries) > 25
    assert {"sgd", "random-search"} <= {entry.name for entry in entries if entry.control}
    for entry in entries:
        entry.check_libraries()
        assert entry.source
        assert EntryTreatments(entry, {}).alone(0).options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no single optimizer or treatment"),
        ('optimiser = "optax.adam"', "did you mean optimizer?"),
        ('optimizer = "optax.adam"\nspace = 3', "its space is no table"),
        ('optimizer = "optax.adam"\n[space]\nlearning_rate = "log(1, 0)"', "are none"),
        ('optimizer = "optax.adam"\nname = "a b"', "an entry is named 'a b'"),
        ("optimizer = ", "cannot be read"),
    ],
)
def test_bad_entries_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """A TOML file that is no entry is refused with its path and what is wrong."""
    (tmp_path / "one.toml").write_text(text)

    with pytest.raises(OptionError) as refused:
        read_entries([tmp_path])

    assert "one.toml" in str(refused.value)
    assert message in str(refused.value)


def test_entries_of_the_suite_are_named() -> None:
    """A board takes the names of shipped entries, and suggests one for a name that none has."""
    assert [entry.name for entry in read_entries(["adam", "random-search"])] == ["adam", "random-search"]

    with pytest.raises(OptionError, match=r"did you mean adam.*\?"):
        read_entries(["adaam"])


def test_libraries_of_an_entry_are_checked() -> None:
    """An entry that needs another version of a library says which one is installed."""
    with pytest.raises(OptionError, match=r"entry mine requires optax<0.1, and .* is installed"):
        Entry("mine", "optax.adam", requires=["optax<0.1"]).check_libraries()


def test_names_become_entries() -> None:
    """A call, a function of a module and the name of an entry of the suite are named after themselves."""
    assert entry_of("optax.adam").name == "adam"
    assert entry_of("mymod:make").name == "mymod.make"
    assert entry_of("adam").space
    assert entry_of("untreated").text == "untreated"


def test_the_best_setting_is_chosen_by_rate_and_then_by_steps(tmp_path: Path) -> None:
    """In each case the highest rate counts, of equal ones the fewest steps; one setting for all by the family mean."""
    late = [0.0, 0.0, 0.0, 0.9999]
    settings = {
        "one": [[late] * 4, [GOOD] * 4, [STUCK] * 4],
        "two": [[GOOD] * 4, ends(1, 4), [GOOD] * 4],
    }
    store_tuning(tmp_path, "mine", settings)
    entry = Entry("mine", "optax.adam", space=Space.parse({"learning_rate": "log(1e-3, 1)"}))
    tuned = EntryRows(tmp_path / "rows" / "mine").tuning(3)

    assert choose_settings(entry, Rules(3), tuned) == {"one": 2, "two": 1}
    assert choose_settings(entry, Rules(3, once=True), tuned) == {"": 1}
    assert choose_settings(entry, Rules(1), tuned) == {"one": 1, "two": 1}
    assert choose_settings(entry, Rules(0), tuned) == {"": 0}


def test_rate_of_the_best_is_valued_on_other_seeds(tmp_path: Path) -> None:
    """Of settings that differ by chance alone, the best of any number has the common rate, not the highest one."""
    rng = np.random.default_rng(0)
    settings = [[GOOD if rng.random() < 0.5 else STUCK for _ in range(40)] for _ in range(25)]
    store_tuning(tmp_path, "mine", {"one": settings})
    tuned = EntryRows(tmp_path / "rows" / "mine").tuning(25)
    highest = max(one.summary.rate for one in tuned["one"].values())

    rates = rates_of_best(tuned, range(1, 26))

    assert highest > 0.62
    assert rates[0] == pytest.approx(0.5, abs=0.05)
    assert rates[-1] == pytest.approx(0.5, abs=0.1)


def test_score_is_a_mean_over_families(tmp_path: Path) -> None:
    """Families have equal weights, whatever the number of their cases, and the worst one is named."""
    cases = {"a": ends(10, 10), "b": ends(10, 10), "c": ends(0, 10)}
    board = store_board(tmp_path, {"one": cases, "two": cases}, {"a": "easy", "b": "easy", "c": "hard"})
    (ranking,) = board.rankings
    score = ranking.scores[0]

    assert score.score == 0.5
    assert score.worst_family == ("hard", 0.0)
    assert score.solved == pytest.approx(2 / 3)
    assert [one.rank for one in ranking.scores] == [(1, 2), (1, 2)]


def test_significant_differences_make_ranks(tmp_path: Path) -> None:
    """An entry that solves many more seeds is first; two that do not differ share their ranks."""
    judged = {"best": {"a": ends(40, 40)}, "one": {"a": ends(5, 40)}, "other": {"a": ends(6, 40, 20)}}
    (ranking,) = store_board(tmp_path, judged, reference="one").rankings

    assert {score.entry: score.rank for score in ranking.scores} == {"best": (1, 1), "one": (2, 3), "other": (2, 3)}
    said = {pair.entry: verdict(pair) for pair in ranking.against}
    assert said["best"].startswith("best is better than one: +87.5 points of success rate over 1 case")
    assert said["other"].startswith("other is not shown to be better or worse than one on average: +2.5 points")
    assert "seeds a case, of which there are 40" in said["other"]
    assert "a single family says nothing about others" in said["other"]


def test_pairs_count_won_and_lost_seeds(tmp_path: Path) -> None:
    """Two entries are compared seed by seed, in both directions with the opposite sign."""
    board = store_board(tmp_path, {"one": {"a": ends(6, 10)}, "two": {"a": ends(6, 10, 3)}})
    one, two = (score.cells for score in sorted(board.rankings[0].scores, key=lambda score: score.entry))
    pair = compare_entries(one, two)

    assert pair
    assert (pair.cases[0].both, pair.cases[0].won, pair.cases[0].lost, pair.cases[0].neither) == (3, 3, 3, 1)
    assert pair.difference == 0


def test_equal_entries_are_seldom_told_apart() -> None:
    """On boards of equal entries at most one in twenty claims a difference, on a case or over all of them."""
    rng, claims, boards = np.random.default_rng(0), 0, 60
    for _ in range(boards):
        solved = rng.random((4, 3, 40)) < rng.beta(0.5, 0.5, (3, 40))
        pairs = [_pair(solved[one], solved[other]) for one in range(4) for other in range(one)]
        adjusted = adjust_pairs(pairs, together=True)
        claims += any(pair.significant or any(case.significant for case in pair.cases) for pair in adjusted)

    assert claims <= binom.ppf(0.999, boards, 2 * 0.05)


def _pair(mine: np.ndarray, theirs: np.ndarray) -> EntryPair:
    counts = (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)
    rows = zip(*(one.sum(axis=1).tolist() for one in counts), strict=True)
    return EntryPair("one", "two", [CasePair(str(number), str(number), *row) for number, row in enumerate(rows)])


def test_entries_with_missing_cells_are_shown_and_not_ranked(tmp_path: Path) -> None:
    """An entry without rows of a case, or with fewer seeds, is on the board without a score."""
    whole = {"a": ends(5, 10), "b": ends(5, 10)}
    board = store_board(
        tmp_path, {"one": whole, "two": whole, "few": {"a": ends(5, 10), "b": ends(2, 4)}, "less": {"a": ends(9, 10)}}
    )
    (ranking,) = board.rankings

    assert {score.entry for score in ranking.ranked} == {"one", "two"}
    assert [score.entry for score in ranking.scores if score.rank is None] == ["few", "less"]
    assert any("less is not ranked (default): b: not run" in note for note in board.notes)


def test_order_is_checked_at_other_thresholds(tmp_path: Path) -> None:
    """A lead that vanishes at a stricter threshold is named; without a significant lead there is nothing to hold."""
    rough = [0.0, 0.6, 0.992, 0.992]
    judged = {"rough": {"a": [rough] * 40}, "exact": {"a": ends(20, 40)}}
    (ranking,) = store_board(tmp_path / "one", judged).rankings
    same = store_board(tmp_path / "two", {"one": judged["exact"], "two": judged["exact"]})

    said = robustness(ranking)

    assert any(
        "does not hold at R² ≥ 0.999" in sentence and "rough falls behind exact" in sentence for sentence in said
    )
    assert "No two entries differ significantly" in robustness(same.rankings[0])[0]


def test_board_is_computed_from_its_rows(tmp_path: Path) -> None:
    """The figures that are stored equal those of the rows but for rounding; a changed number is noticed."""
    store_board(tmp_path, {"one": {"a": ends(5, 10)}, "two": {"a": ends(7, 10)}})
    assert differs_from_rows(tmp_path)
    write_figures(tmp_path)
    assert not differs_from_rows(tmp_path)

    figures = json.loads((tmp_path / "board.json").read_text())
    score = figures["rankings"][0]["scores"][0]
    for value, differs in ((score["score"] * (1 + 1e-15), False), (score["score"] + 0.01, True)):
        score["score"] = value
        (tmp_path / "board.json").write_text(json.dumps(figures))
        assert differs_from_rows(tmp_path) == differs
    (tmp_path / "board.json").write_text("{")
    assert differs_from_rows(tmp_path)


def test_definition_survives_reading(tmp_path: Path) -> None:
    """A board that is opened again has the same definition."""
    board = store_board(tmp_path, {"one": {"a": ends(5, 10)}, "two": {"a": ends(7, 10)}}, reference="two")

    assert Board.open(tmp_path).definition.to_json() == board.definition.to_json()


def test_libraries_of_different_versions_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board whose entries were trained with different versions of a library says which."""
    store_board(tmp_path, {"one": {"a": ends(5, 10)}})
    monkeypatch.setitem(stored.MACHINE, "versions", {"optax": "4"})
    store_board(tmp_path, {"two": {"a": ends(7, 10)}})
    definition = json.loads((tmp_path / "definition.json").read_text())
    definition["entries"].insert(0, definition["entries"][0] | {"name": "one"})
    (tmp_path / "definition.json").write_text(json.dumps(definition))

    notes = Board.open(tmp_path).notes

    assert "libraries of different versions: one with optax 3; two with optax 4" in notes


def test_page_and_markdown_show_the_board(tmp_path: Path) -> None:
    """The page has every figure with its data, and loads nothing; the Markdown has the scores and the sentences."""
    from benchsuite.report.board import write_board

    cases = ("a", "b")
    judged = {"one": dict.fromkeys(cases, ends(5, 10)), "two": dict.fromkeys(cases, ends(9, 10))}
    page, markdown, _ = write_board(store_board(tmp_path, judged, reference="one"), tmp_path)

    content = page.read_text()
    for name in ("score-default", "ranks-default", "forest-default-two", "times-default"):
        assert f'data-figure="{name}"' in content
    for text in (content, markdown.read_text()):
        assert "With default settings, two succeeds most often: 90.0 %" in text
        assert "two is" in text
    assert "Rate and commonest failure" in content
