"""The page of a run: everything is on it, nothing leaves it, and no text of a plugin becomes part of it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from hypothesis import given
from hypothesis import strategies as st
from stored import GOOD, SLOW, STUCK, WILD, a_case, store_run, treated

from benchsuite import Claim, FailureRate
from benchsuite.errors import printable
from benchsuite.report.figures import starts_figures
from benchsuite.report.html.markdown import escape_markdown
from benchsuite.report.html.page import sort_value, write_report
from benchsuite.results import Surface
from benchsuite.store import read_results
from benchsuite.system import files

EVIL = "<script>alert(1)</script>\"'|`$\\frac$ [red]\n\u202egnp\x1b[31m"


class Elements(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps it."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keeps what is not the content of a script."""
        if self.found and self.found[-1][0] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in "out", and its page in "page".

    Of its cases, hostile has foreign texts wherever they are free, steep diverged, slow is slow, and line was treated.
    """
    folder = tmp_path_factory.mktemp("finished")
    run = store_run(
        folder / "out",
        a_case(
            "hostile",
            *[GOOD, SLOW] * 6,
            plan={
                "starts": {EVIL: {"w": 2.0}},
                "claims": [Claim(EVIL, FailureRate(equals=0.5), source=EVIL).to_json()],
            },
            groups={EVIL: lambda start: start["w"] > 0},
            source=f"https://example.org/{EVIL}",
        ),
        a_case("steep", *[WILD] * 12),
        a_case("slow", *[SLOW] * 12),
        a_case("line", *[GOOD] * 12),
        treated("line", "sgd-0.0", *[SLOW] * 12),
    )
    write_report([run], folder / "page")
    return folder


@pytest.fixture
def hostile(finished: Path) -> None:
    """Lets a test begin in a folder with that run and its page."""
    for name in ("out", "page"):
        shutil.copytree(finished / name, name)


@pytest.mark.usefixtures("hostile")
def test_page_tells_everything_in_order() -> None:
    """The answer first, then all sections, figures with numbers, and a summary and a picture beside the page."""
    page = Elements(Path("page/index.html").read_text())
    sections = [about["id"] for tag, about in page.found if tag == "section"]
    figures = [about["data-figure"] for tag, about in page.found if tag == "figure"]

    assert sections == ["answer", "claims", "treatments", "distributions", "cases", "time", "setup"]
    assert {"success", "costs", "rounds", "r2", "largest-error"} <= set(figures)
    assert {"learning-hostile", "starts-hostile", "starts-hostile-0", "starts-line-0"} <= set(figures)
    assert len(figures) == len(set(figures))
    assert sum(tag == "details" for tag, _ in page.found) >= len(figures)
    assert re.search(r"line\s+100.0 %\s+75.8–100.0 %\s+12\s+40\s", page.text)
    first = page.text[: page.text.index("Claims of the sources")]
    assert "4 cases: 50 % of starts converge in 1 of them, all of 12 in line and none of 12 in steep and slow" in first
    assert "0 of 3 statements of the sources hold, 3 are refuted, 1 is not judged" in first
    assert page.text.index("jax 1") < page.text.index("100.0 %") < page.text.index("Python")
    summary = Path("page/summary.md").read_text()
    assert "| line | 100.0 % | 75.8–100.0 % | 12 | 40 | none |" in summary
    assert "| line | 100.0 % | **−100.0 (−100.0 to −65.7)** |" in summary
    assert summary.count("source protocol") == 1
    assert "<svg" in Path("page/rates.svg").read_text()


@pytest.mark.usefixtures("hostile")
def test_page_asks_nobody_for_anything() -> None:
    """It holds all that it needs, and its policy forbids the rest."""
    content = Path("page/index.html").read_text()
    page = Elements(content)

    loaded = [about for tag, about in page.found if tag not in ("a", "meta") and ("src" in about or "href" in about)]
    (policy,) = [about["content"] or "" for _, about in page.found if about.get("http-equiv")]
    assert not loaded
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert len(content) < 3_000_000


@given(st.text())
def test_plain_shows_what_would_not_be_seen(text: str) -> None:
    """Nothing else is changed, and doing it again changes nothing."""
    shown = printable(text)

    assert printable(shown) == shown
    assert not set(shown) & set("\u202e\u2066\u200f\x1b\r\x00\u2028")
    assert shown == text or not set(text) <= set(shown)


@given(st.text(alphabet="a1|*_<>`[]\\&#~\n-+.!"))
def test_markdown_keeps_tables_whole(text: str) -> None:
    """No text of a cell ends its cell, its row, or begins an element."""
    shown = escape_markdown(text)

    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[]", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*<(?!br>)", shown)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["2.65 s", "109 ms", "17 min", "9 µs"], [3, 1, 0, 2]),
        (["1,000", "46.3 %", "> 2,000", "−3"], [3, 1, 0, 2]),
        (["< 1e-09", "0.02", "1"], [0, 1, 2]),
        (["2026-11-23T03:15", "2026-02-23T03:15", "2025-12-31"], [2, 1, 0]),
        (["relu-bias", "Adam", "he"], [1, 2, 0]),
    ],
)
def test_cells_are_sorted_by_what_they_mean(cells: list[str], order: list[int]) -> None:
    """Times by their length whatever their unit, numbers by their value, names by the alphabet."""
    assert sorted(range(len(cells)), key=lambda place: sort_value(cells[place])) == order


@pytest.mark.usefixtures("hostile")
def test_several_runs_stand_on_one_page(benchsuite: Command) -> None:
    """Of different cases; the same case twice is a comparison, and is refused by name."""
    store_run(Path("again"), a_case("line", GOOD, SLOW))
    store_run(Path("other"), a_case("slow", SLOW, SLOW))

    assert benchsuite("report", "out", "again", "-o", "both")[0] == 2
    assert "add -o" in benchsuite("report", "out", "again")[2]
    assert "line is in out and in again" in benchsuite("report", "out", "again", "-o", "both")[2]
    assert (
        "compare each run on a separate page" in benchsuite("report", "again", "other", "-o", "b", "--compare=out")[2]
    )
    code, _, _ = benchsuite("report", "again", "other", "-o", "both")
    text = Elements(Path("both/index.html").read_text()).text
    assert code == 0
    assert "2 cases on" in text
    assert all(name in text for name in ("again", "other"))


def test_starts_beyond_a_curve_are_not_drawn_on_it() -> None:
    """Nobody knows the loss there; those within it are drawn at the loss that it has."""
    (result,) = read_results(store_run(Path("out"), a_case("line", GOOD, GOOD, GOOD, SLOW)))
    assert sorted(result.rows.start["w"].tolist()) == [-0.5, -0.5, 0.5, 0.5]
    half = Surface("right half", {"w": np.array([0.0, 1.0, 2.0])}, np.array([1.0, 0.0, 1.0]))

    *_, figure = starts_figures(result._replace(surfaces=[half]))

    tables = [table for table in figure.spec()["datasets"].values() if isinstance(table, str) and "seed" in table]
    (drawn,) = [list(csv.DictReader(io.StringIO(table))) for table in tables]
    assert [(row["path"], float(row["x"]), float(row["y"])) for row in drawn] == [
        ("seed 1", 0.5, 0.5), ("seed 3", 0.5, 0.5)
    ]  # fmt: skip


def test_page_says_what_has_changed(benchsuite: Command) -> None:
    """Since a reference, in the title and the summary; what changed is open, and all else is folded."""
    store_run(Path("before"), *(a_case(name, *[GOOD] * 40) for name in ("line", "same")))
    store_run(Path("after"), a_case("line", *[GOOD] * 10, *[SLOW] * 30), a_case("same", *[GOOD] * 39, SLOW))

    code, _, _ = benchsuite("report", "after", "-o", "page", "--compare", "before")

    page = Elements(Path("page/index.html").read_text())
    assert code == 0
    summary = Path("page/summary.md").read_text()
    assert "Changes since before" in page.text
    assert "changes" in [about.get("data-figure") for _, about in page.found]
    assert "1 unchanged" in page.text
    for content in (page.text, summary):
        assert "line fell by 75.0 points; 1 unchanged" in content
    assert "**Changes since before**" in summary
    benchsuite("report", "before", "-o", "again", "--compare", "before")
    text = Elements(Path("again/index.html").read_text()).text
    assert "Nothing changed since before; drops over 18 points would have been seen" in text


def test_summary_has_treatments_and_sweeps(benchsuite: Command) -> None:
    """Also where nothing else was run."""
    store_run(Path("one"), a_case("line", GOOD, SLOW, GOOD, GOOD, plan={"sweep": {"learning_rate": [0.01, 0.1]}}))
    store_run(Path("two"), a_case("line", GOOD), treated("line", "he", SLOW))
    benchsuite("report", "one", "-o", "swept")
    benchsuite("report", "two", "-o", "treated")

    of_sweep, of_treatment = (Path(name, "summary.md").read_text() for name in ("swept", "treated"))
    assert "line: learning\\_rate from 0.01 to 0.1" in of_sweep
    assert "| 0.01 | 50.0 % |" in of_sweep
    assert "| line | 100.0 % | −100.0 (−100.0 to +12.2) |" in of_treatment
    assert "sweep-line-learning_rate" in Path("swept/index.html").read_text()


def test_a_run_without_a_round_has_no_page(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """And ends as it would without."""
    install_plugin("broken", LINE + SUPPLY.replace("line()", "line('broken', model=lambda rngs: 1 / 0)"))

    code, _, err = benchsuite("run", "broken", "--seeds=4", "--report=page")

    assert code == 1
    assert "no finished round" not in err
    assert not Path("page").exists()


def test_what_cannot_be_reported(benchsuite: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty, cut, newer or edited run, and a folder that cannot be written, are told in a sentence."""
    store_run(Path("out"), a_case("line", GOOD, SLOW, GOOD, SLOW))
    (round_result, *_) = sorted(Path("out/line").glob("seeds-*.npz"))
    Path("empty").mkdir()
    Path("file").touch()

    assert "empty holds no run" in benchsuite("report", "empty", "-o", "page")[2]
    assert "cannot be written" in benchsuite("report", "out", "-o", "file")[2]
    assert "add -o DIR" in benchsuite("report", "out", "--compare", "out")[2]
    assert "add -o DIR" in benchsuite("report", "out", "out")[2]
    whole = round_result.read_bytes()
    round_result.write_bytes(whole[: len(whole) // 2])
    assert f"{round_result} is damaged" in benchsuite("report", "out", "-o", "page")[2]
    round_result.write_bytes(whole)
    round_result.rename(round_result.with_name("seeds-000100-000101.npz"))
    assert "it holds the seeds 0 to" in benchsuite("report", "out", "-o", "page")[2]
    about = json.loads(Path("out/run.json").read_text())
    Path("out/run.json").write_bytes(files.sealed(about | {"schema": 99}))
    assert "has schema 99" in benchsuite("report", "out", "-o", "page")[2]
    Path("out/run.json").write_bytes(files.sealed(about))
    Path("out/line/case.json").unlink()
    assert "has no finished round" in benchsuite("report", "out", "-o", "page")[2]
    monkeypatch.setitem(sys.modules, "benchsuite.report.html", None)
    assert "pip install 'benchsuite[report]'" in benchsuite("report", "out", "-o", "page")[2]
    assert not Path("page").exists()


def test_saved_picture_has_plain_labels(benchsuite: Command) -> None:
    """On logarithmic axes too: powers of ten as digits, and no markup of another library."""
    rates = [0.001, 0.01, 0.1, 1.0]
    plan = {"sweep": {"learning_rate": rates}}
    store_run(Path("out"), a_case("line", *[STUCK] * 8, *[GOOD] * 8, plan=plan))

    code, _, _ = benchsuite("report", "out", "-o", "s.svg")

    texts = [node.text or "" for node in ET.parse("s.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert code == 0
    assert {f"{rate:g}" for rate in rates} <= set(texts)
    assert not [text for text in texts if set(text) & set("$\\{}")]
