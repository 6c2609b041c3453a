"""Other tools get the rate, and a row for every seed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from pyarrow import parquet
from stored import GOOD, STUCK, a_case, store_run, treated
from test_pytest_plugin import CASES


@pytest.fixture
def finished(benchsuite: Command) -> Command:
    """Runs a command, with a finished run of two cases of different parameters in the folder "out"."""
    still = (
        treated(name, "sgd-0.0", *[STUCK] * 6, parameter_names=[of]) for name, of in (("line", "b"), ("slope", "w"))
    )
    plain = (a_case(name, *[GOOD] * 6, plan={"parameter_names": [of]}) for name, of in (("line", "b"), ("slope", "w")))
    store_run(Path("out"), *plain, *still)
    return benchsuite


def test_bencher_metric_format(finished: Command) -> None:
    """Name → measure → value, with the interval of the rate."""
    code, out, _ = finished("export", "out", "--format=bencher")

    metrics = json.loads(out)
    assert code == 0
    assert set(metrics) == {"line", "line+sgd-0.0", "slope", "slope+sgd-0.0"}
    assert metrics["line"]["convergence-rate"] == {
        "value": 1.0,
        "lower_value": pytest.approx(0.6097, abs=1e-4),
        "upper_value": 1.0,
    }
    assert metrics["line"]["seeds-per-second"]["value"] > 0
    assert "device-seconds-per-converged" not in metrics["line+sgd-0.0"]


def test_github_action_benchmark(finished: Command) -> None:
    """A list of entries, of which a bigger value is better."""
    finished("export", "out", "--format=github", "-o", "github.json")

    entries = json.loads(Path("github.json").read_text())
    assert {"name": "line: converged", "unit": "%", "value": 100.0}.items() <= entries[0].items()
    assert entries[0]["range"] == "61.0 to 100.0"
    assert entries[1]["unit"] == "seeds/s"
    assert all(isinstance(entry["value"], float) for entry in entries)


def test_parquet_has_a_row_for_every_seed(finished: Command) -> None:
    """Of every case; what a case has no parameter for is empty."""
    finished("export", "out", "--format=parquet", "-o", "seeds.parquet")

    table = parquet.read_table("seeds.parquet").to_pydict()
    assert len(table["seed"]) == 24
    assert set(table["treatment"]) == {"", "sgd-0.0"}
    of_line = [row for row, case in enumerate(table["case"]) if case == "line"]
    assert [table["outcome"][row] for row in of_line[:6]] == ["converged"] * 6
    steps = dict(zip(table["treatment"], table["steps_to_success"], strict=True))
    assert steps == {"": 40, "sgd-0.0": None}, "a failure has no steps to success"
    assert [value is None for value in table["start.b"]] == [case == "slope" for case in table["case"]]


def test_curves_are_a_table_of_their_own(finished: Command) -> None:
    """With a row for each evaluation of a seed."""
    finished("export", "out", "--format=parquet", "--table=curves", "-o", "curves.parquet")

    table = parquet.read_table("curves.parquet").to_pydict()
    assert len(table["seed"]) == 24 * 4
    assert table["step"][:5] == [0, 20, 40, 60, 0]
    assert table["seed"][:5] == [0, 0, 0, 0, 1]
    assert table["metric.r2"][:4] == pytest.approx(GOOD)
    assert {"case", "gradient_norm", "train.loss", "parameter.b", "parameter.w"} <= set(table)


def test_csv_has_the_same_tables(finished: Command) -> None:
    """On standard output or in a file, with empty cells for what there is not."""
    code, out, _ = finished("export", "out", "--format=csv")
    rows = list(csv.DictReader(out.splitlines()))

    assert code == 0
    assert len(rows) == 24
    assert [row["steps_to_success"] for row in rows if row["case"] == "line"] == ["40"] * 6 + [""] * 6
    assert [row["start.b"] == "" for row in rows] == [row["case"] == "slope" for row in rows]
    finished("export", "out", "--format=csv", "--table=curves", "-o", "curves.csv")
    assert len(Path("curves.csv").read_text().splitlines()) == 1 + 24 * 4


def test_what_cannot_be_exported(finished: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failure says what to do."""
    assert "add -o FILE" in finished("export", "out", "--format=parquet")[2]
    assert "no run" in finished("export", "nowhere", "--format=bencher")[2]
    assert "choose a folder that exists" in finished("export", "out", "--format=bencher", "-o", "no/where.json")[2]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = finished("export", "out", "--format=parquet", "-o", "a.parquet")
    assert code == 2
    assert "pip install 'benchsuite[parquet]'" in err


def test_junit_file_has_the_figures(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """As properties of the case's test."""
    install_plugin("line", LINE + SUPPLY)
    pytester.makepyfile(test_cases=CASES)

    pytester.runpytest_inprocess("--benchmark-only", "-k", "[line]", "--junit-xml=out.xml")

    found = {item.get("name"): item.get("value") for item in ET.parse("out.xml").iter("property")}
    assert found["benchsuite.rate"] == "1.0"
    assert found["benchsuite.seeds"] == "20"
    assert found["benchsuite"] == "line: 20 of 20 converged"
