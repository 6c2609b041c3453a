"""The answer of a run: a sentence, the counts of its claims, and rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored import GOOD, STUCK, a_case, store_run, treated

from benchsuite.report import Answer
from benchsuite.store import RunFolder


def answer_of(folder: RunFolder) -> Answer:
    """The answer of a run folder."""
    return Answer.of(list(folder.summaries.values()), folder.untrained)


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ([GOOD] * 6 + [STUCK] * 14, "line: 30.0 % of 20 starts converge, 95 % interval 14.5–51.9 %"),
        ([STUCK] * 12, "line: none of 12 starts converge"),
        ([GOOD] * 12, "line: all of 12 starts converge"),
    ],
)
def test_one_case(ends: list[list[float]], sentence: str) -> None:
    """The answer of one case is its rate, with the interval unless all seeds end the same."""
    assert answer_of(store_run(Path("out"), a_case("line", *ends))).rates_sentence == sentence


def test_several_cases() -> None:
    """The answer of several cases names those of which all or no starts converge; treated cases are no part of it."""
    folder = store_run(
        Path("out"),
        a_case("one", *[GOOD] * 5, *[STUCK] * 15),
        a_case("two", *[GOOD] * 9, *[STUCK] * 11),
        a_case("none", *[STUCK] * 12),
        a_case("all", *[GOOD] * 12),
        treated("one", "worse", *[STUCK] * 20),
    )
    folder.write_requested(["late", "one+late"])
    folder.write_failure("bad", "no such luck")

    answer = answer_of(folder)

    assert answer.sentence == (
        "4 cases: 25 to 45 % of starts converge in 2 of them, all of 12 in all and none of 12 in none;"
        " 2 not run; 1 failed; 2 of 4 statements of the sources hold, 2 are refuted"
    )
    assert [summary.id for summary, _ in answer.claims.refuted] == ["none", "all"]
    rows = {row.id: row for row in answer.rows}
    assert list(rows)[-3:] == ["late", "one+late", "bad"], "what has no seeds stands last"
    assert rows["bad"].state == "failed"
    assert rows["bad"].reason == "no such luck"
    assert rows["one"].rate == 0.25
    assert rows["one"].outcomes["stuck"] == 15
    assert rows["none"].median_steps is None
    assert rows["none"].censored_at == 60
    assert rows["one+worse"].treatment == "worse"
