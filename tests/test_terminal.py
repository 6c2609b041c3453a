"""What a terminal shows at every width: approved texts, whole words and numbers, and one table for a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Group, RenderableType
from stored import GOOD, SLOW, STUCK, a_case, store_run, treated
from toys import line

from benchsuite import DoesNotApply, Treatment
from benchsuite.errors import CaseError
from benchsuite.execution import Forecast
from benchsuite.plugins import DeclaredCase
from benchsuite.report.terminal import (
    answer_tables,
    case_description,
    case_list,
    check_table,
    compare_tables,
    forecast_table,
    render,
    run_tables,
    treatment_list,
)
from benchsuite.store import RunFolder, read_results
from benchsuite.testing import CheckResult
from benchsuite.variants import make_variants

APPROVED = Path(__file__).parent / "data" / "terminal"
WIDTHS = (60, 80, 120, 200)
ADDRESS = "https://docs.example.org/errors/an-address-that-is-longer-than-a-narrow-terminal-and-must-not-be-split"
LONG = "optax.adam-learning_rate-0.01"


def ends(good: int, stuck: int, slow: int = 0) -> list[list[float]]:
    """The R² of seeds that converge, are stuck and are slow."""
    return [GOOD] * good + [STUCK] * stuck + [SLOW] * slow


def answer(folder: RunFolder) -> RenderableType:
    """The end of a run."""
    results = read_results(folder)
    return answer_tables([result.summary for result in results], results, folder.untrained, Path("out"), 2**21)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of six cases."""
    rates = {"euclidean-distance": 18, "mnist-identity-1L": 0, "mnist-identity-4L": 0, "relu-bias": 29}
    rates |= {"relu-output": 20, "relu-to-relu": 60}
    cases = [a_case(name, *ends(n, 60 - n - n // 4, n // 4)) for name, n in rates.items() if n < 60]
    return store_run(tmp_path_factory.mktemp("runs") / "core", *cases, a_case("relu-to-relu", *ends(60, 0)))


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with treatments that are unequal, failed or were not run."""
    folder = store_run(
        tmp_path_factory.mktemp("runs") / "out",
        a_case("relu-bias", *ends(30, 20, 10)),
        treated("relu-bias", LONG, *ends(50, 10)),
        treated("relu-bias", "he", *ends(20, 40)),
        treated("relu-bias", "short", *ends(12, 1)),
    )
    folder.write_requested(["relu-bias+late"])
    folder.write_failure("relu-bias+bad", f"the optimiser returned None ({ADDRESS})")
    return folder


def refused(case: object) -> object:  # noqa: ARG001
    """A treatment that does not apply."""
    raise DoesNotApply("its model has no option 'activation'")


TREATMENTS = [
    Treatment(
        "adam", "Adam at its usual learning rate of 0.001.", "https://arxiv.org/abs/1412.6980", lambda case: case
    ),
    Treatment("linear", "No activation.", ADDRESS, refused),
]

SCREENS: dict[str, Callable[[RunFolder, RunFolder], RenderableType]] = {
    "list": lambda core, gaps: case_list(
        [
            DeclaredCase.of(line(name="line", family="lines", tags=("core", "small", "regression"))),
            DeclaredCase.of(line(name="a-line-with-a-longer-name", family="lines", tags=("long",))),
        ],
        {},
    ),
    "show": lambda core, gaps: case_description(
        line(source=ADDRESS, tags=("core",)), make_variants([line()], TREATMENTS, ()), []
    ),
    "treatments": lambda core, gaps: treatment_list(TREATMENTS, make_variants([line()], TREATMENTS, ())),
    "check": lambda core, gaps: check_table(
        [CheckResult("learns", "passed", "7.868e-07"), CheckResult("purity", "failed", f"see {ADDRESS}", "fix it")],
        "line",
    ),
    "plan": lambda core, gaps: forecast_table(
        [
            Forecast(f"relu-bias+{LONG} (quick)", 1000, "set by the case", 2**24, 12.3456, "20261126-023450", 2**22),
            Forecast("mnist-identity-1L", 16, "± 1 % at a rate of 33 to 50 %", disk=2**20),
        ],
        [CaseError("case line+broken failed: no such luck", "fix it")],
    ),
    "run": lambda core, gaps: answer(core),
    "run-treated": lambda core, gaps: answer(gaps),
    "report": lambda core, gaps: Group(
        run_tables([r.summary for r in read_results(gaps)], 60, read_results(gaps), gaps.untrained), answer(gaps)
    ),
    "compare": lambda core, gaps: compare_tables(gaps, gaps, ["rate:0.01"])[0],
}


@pytest.mark.parametrize("screen", SCREENS)
def test_screens_are_as_approved(
    screen: str, core: RunFolder, gaps: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every screen is the approved one at every width; BENCHSUITE_APPROVE=1 approves what is shown now."""
    monkeypatch.chdir(gaps.path.parent)
    shown = SCREENS[screen](core, RunFolder(Path(gaps.path.name)))
    for width in WIDTHS:
        text = render(shown, width, colour=False)
        text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
        path = APPROVED / f"{screen}-{width}.txt"
        if os.environ.get("BENCHSUITE_APPROVE"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("screen", SCREENS)
def test_no_word_or_number_is_cut(screen: str, core: RunFolder, gaps: RunFolder) -> None:
    """What a narrow terminal shows are whole words of the widest one, and lines that fit unless one word is longer."""
    shown = SCREENS[screen](core, gaps)
    wide = words_of(render(shown, 400, colour=False)) | words_of(NOTES)
    for width in WIDTHS:
        lines = render(shown, width, colour=False).splitlines()
        assert words_of("\n".join(lines)) - wide <= {str(width)}, width
        assert all(len(line) <= width or len(line.split()) == 1 for line in lines), width


#: What is said where columns are left out.
NOTES = "left out at columns -v shows them `benchsuite show CASE` all of a case …"


def words_of(text: str) -> set[str]:
    """The words and numbers of a text, without the punctuation after them."""
    return {word.rstrip(",;:") for word in text.split()}


def test_run_ends_with_one_table(core: RunFolder) -> None:
    """The core cases end with at most 25 lines at 80 columns."""
    lines = render(answer(core), 80, colour=False).splitlines()

    assert len(lines) <= 25
    assert sum(line.startswith("case ") for line in lines) == 1
    assert "`benchsuite report -v out`" in " ".join(lines)


def test_forty_cases_stay_one_table(tmp_path: Path) -> None:
    """Cases are grouped by family, a ladder is a line, and treatments are reduced to the best one."""
    cases = [
        a_case(f"{family}-{n}", *ends(n, 12 - n), plan={"case": f"{family}-{n}", "family": family})
        for family in ("xor", "relu", "parity")
        for n in range(8)
    ]
    rungs = [
        a_case(f"abs-units-{n}", *ends(n, 12 - n), plan={"ladder_name": "abs", "rung": {"units": n}, "family": "abs"})
        for n in (1, 2, 4)
    ]
    many = [treated("xor-1", f"change-{n}", *ends(n, 12 - n), family="xor") for n in (2, 4, 9)]

    lines = render(answer(store_run(tmp_path / "out", *cases, *rungs, *many)), 80, colour=False).splitlines()

    assert sum(line.startswith("case ") for line in lines) == 1
    table = [line.split() for line in lines if "%" in line and " " in line]
    assert next(row for row in table if row[0] == "abs:")[:7] == ["abs:", "3", "cases", "abs", "8.3–33.3", "%", "36"]
    assert sum(row[0].startswith("abs") for row in table) == 1
    text = render(answer(RunFolder(tmp_path / "out")), 120, colour=False)
    assert "change-9 +66.7" in text
    assert "change-2" not in text


def test_idle_lanes_of_an_accelerator_are_named(tmp_path: Path) -> None:
    """Its speed is that of a partly filled block, which says little of many seeds; a CPU fills its blocks soon."""
    gpu = {"platform": "gpu", "chunk_size": 512}
    cases = [a_case(f"line-{n}", *ends(8, 4), plan=gpu) for n in range(5)]
    full = a_case("full", *ends(8, 4), plan={**gpu, "chunk_size": 2})
    cpu = a_case("processor", *ends(8, 4), plan={"chunk_size": 512})

    text = render(answer(store_run(tmp_path / "out", *cases, full, cpu)), 200, colour=False)

    assert (
        "seeds/s of partly filled blocks: line-0 0.4 % of 512 lanes, line-1 0.4 % of 512 lanes, line-2 0.4 % of 512"
        " lanes, 2 more; a full block takes as long" in text
    )


def test_treatments_of_unequal_seeds_are_not_ranked(gaps: RunFolder) -> None:
    """A treatment with fewer seeds than others stands below them, and the table says why."""
    text = render(run_tables([], 120, read_results(gaps), []), 120, colour=False)
    rows = [line.split()[0] for line in text.splitlines() if "%" in line]

    assert rows.index("short") > rows.index("he")
    assert "not ranked, as others have 60 seeds: short (13)" in text


def test_best_of_a_sweep_is_the_fastest_of_equals(tmp_path: Path) -> None:
    """Of equal rates the one with the fewest expected steps is the best; the sentence says what it is worth."""
    late = [0.0, 0.5, 0.6, 0.9999]
    folder = store_run(
        tmp_path / "out",
        a_case("line", *[late] * 6, *[GOOD] * 6, plan={"sweep": {"rate": [0.1, 0.2]}}),
    )

    text = " ".join(render(answer(folder), 120, colour=False).split())

    assert "best: 100.0 % at rate = 0.2, with the fewest expected steps of 2 that tie" in text
    assert "chosen on these seeds, so test it on others" in text
