"""Run folders of schema 4, which the version before wrote, are read for ever."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchsuite.errors import StoreError
from benchsuite.store.folder import RunFolder
from benchsuite.store.results import read_results

STORED = Path(__file__).parent / "data" / "schema-4"

#: Fields that plans and summaries have now, with their values where the version before did not know them.
NEW: dict[str, Any] = {"ladder_name": "", "rung": {}, "published": None, "constant_meets": "", "dtype": "float32"}
NEW |= {"warnings": [], "family": "", "tags": []}
NEW_OF_PLANS = {**NEW, "success": {}, "evaluation_examples": 0, "seed_numbers": "", "compiler_options": {}}
RENAMED = {"engine": "executor", "ladder": "thresholds"}
NEW_OF_SUMMARIES = {**NEW, "near_bound": None}

NAMES = sorted(path.name for path in STORED.iterdir())


@pytest.fixture(params=NAMES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a folder of schema 4."""
    return Path(shutil.copytree(STORED / request.param, tmp_path / "old"))


def content(path: Path) -> dict[str, Any]:
    """The run.json, read without benchsuite."""
    return dict(json.loads((path / "run.json").read_text()))


def columns(path: Path, case: str) -> dict[str, np.ndarray]:
    """The rows of a case, read by NumPy alone, in the order of their files."""
    stored = [np.load(file) for file in sorted((path / case).glob("seeds-*.npz"))]
    names = [name for name in stored[0].files if name != "facts" and not name.startswith("curve.")]
    return {name: np.concatenate([one[name] for one in stored]) for name in names}


def files(path: Path) -> dict[str, bytes]:
    """All files of a folder with their content."""
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def with_all_outcomes(record: dict[str, Any]) -> dict[str, Any]:
    """The same with a count of the outcome that the version before did not know."""
    groups = [{**group, "outcomes": {"collapsed": 0} | group["outcomes"]} for group in record["groups"]]
    return {**record, "outcomes": {"collapsed": 0} | record["outcomes"], "groups": groups}


def test_rows_are_those_in_the_files(old: Path) -> None:
    """Outcomes and all other columns are equal to what NumPy reads from the files."""
    results = {result.summary.id: result for result in read_results(RunFolder(old))}

    assert set(results) == set(content(old)["records"])
    for plan in RunFolder(old).plans:
        stored = columns(old, plan.id)
        for part in plan.parts:
            chosen = np.all([stored["seeds"] >= 0, *(stored[f"settings.{o}"] == v for o, v in part.setting.items())], 0)
            np.testing.assert_equal(
                results[part.id].rows.columns, {name: values[chosen] for name, values in stored.items()}
            )
            counted = Counter(stored["outcomes"][chosen].tolist())
            assert {n: k for n, k in results[part.id].summary.outcomes.items() if k} == counted


def test_plans_and_summaries_are_those_of_the_file(old: Path) -> None:
    """Every field is kept, some under another name, and fields that were not there yet are empty."""
    folder, stored = RunFolder(old), content(old)

    def renamed(values: dict[str, Any]) -> dict[str, Any]:
        return {RENAMED.get(name, name): value for name, value in values.items()}

    assert [plan.id for plan in folder.plans] == list(stored["plans"])
    for plan in folder.plans:
        assert plan.to_json() == NEW_OF_PLANS | renamed(stored["plans"][plan.id])
        assert [summary.id for summary in folder.summaries_of(plan.id)] == [part.id for part in plan.parts]
    for name, record in stored["records"].items():
        assert folder.summaries[name].to_json() == NEW_OF_SUMMARIES | with_all_outcomes(renamed(record))
    assert set(folder.summaries) == set(stored["records"])
    assert folder.settings == renamed(stored["settings"])
    assert (folder.created, folder.commit, folder.machine) == (stored["created"], stored["commit"], stored["machine"])
    assert folder.inapplicable == [(c, t, why) for c, of in stored["inapplicable"].items() for t, why in of.items()]


def test_summaries_computed_anew_are_those_of_the_file(old: Path) -> None:
    """All figures of the version before are found again, to the last bit; claims but for their wording."""
    folder = RunFolder(old)

    for result in read_results(folder):
        before, now = folder.summaries[result.summary.id], result.summary
        assert replace(now, claims=[]) == replace(before, claims=[])
        for key in ("statement", "verdict", "found", "p_value"):
            assert [claim[key] for claim in now.claims] == [claim[key] for claim in before.claims]


def test_starts_surfaces_and_inapplicable_treatments() -> None:
    """They are read from the folder that has them."""
    folder = RunFolder(STORED / "treated")

    starts = folder.starts("relu-bias")
    assert starts is not None
    with np.load(STORED / "treated" / "relu-bias" / "starts.npz") as stored:
        assert starts.outcomes.tolist() == stored["outcomes"].tolist()
    plan = folder.plan("relu-bias")
    assert plan is not None
    assert len(starts) == len(plan.starts) == 2
    assert folder.surfaces("relu-bias")[0].loss.size
    assert folder.surfaces("relu-bias+adam") == []
    assert [(case, treatment) for case, treatment, _ in folder.inapplicable] == [
        ("relu-to-relu", "unit-scale"),
        ("relu-bias", "unit-scale"),
    ]


def test_reading_changes_nothing(old: Path) -> None:
    """Reading does not change a folder."""
    before = files(old)

    with RunFolder(old).locked() as folder:
        read_results(folder)

    assert {name: kept for name, kept in files(old).items() if name != ".lock"} == before


def test_first_write_converts_the_folder(old: Path) -> None:
    """After it the files are those of this version, with the same content; arrays are kept."""
    before, arrays = RunFolder(old), {name: kept for name, kept in files(old).items() if name.endswith(".npz")}

    RunFolder(old).write_plan(replace(before.plans[0], seeds=99))

    after = RunFolder(old)
    assert content(old)["schema"] == 5
    assert after.plans == [replace(before.plans[0], seeds=99), *before.plans[1:]]
    assert (after.summaries, after.settings, after.inapplicable) == (
        *(before.summaries, before.settings, before.inapplicable),
    )
    assert {name: kept for name, kept in files(old).items() if name.endswith(".npz")} == arrays
    assert len(read_results(after)) == len(read_results(before))


@pytest.mark.parametrize("last", ["case", "run"])
def test_crash_while_converting(old: Path, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between two files leaves a folder that is read as before, and converted by the next one."""
    import benchsuite.store.folder as store

    before, store_file = RunFolder(old), store.store_file

    def die(path: Path, written: Any) -> Any:
        if path.name == f"{last}.json":
            raise KeyboardInterrupt
        return store_file(path, written)

    with monkeypatch.context() as patch:
        patch.setattr(store, "store_file", die)
        with pytest.raises(KeyboardInterrupt):
            RunFolder(old).write_load({}, {}, [])

    assert RunFolder(old).plans == before.plans
    RunFolder(old).write_load({"clock": float("inf")}, {}, [])
    assert RunFolder(old).summaries == before.summaries


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (b'"source"', b'"quick"', "was changed after it was written"),
        (b'"schema": 4', b'"schema": 99', "schema 99, this version reads 4 and 5"),
        (b'"schema": 4', b'"schema": 3', "schema 3, this version reads 4 and 5"),
        (b'"schema": 4', b'"schema": 5', "was changed after it was written"),
        (b'"plans"', b'"plan', "is damaged"),
    ],
)
def test_damaged_folder_is_refused(old: Path, was: bytes, now: bytes, said: str) -> None:
    """Damage to run.json is refused with a sentence."""
    path = old / "run.json"
    path.write_bytes(path.read_bytes().replace(was, now, 1))

    with pytest.raises(StoreError, match=said):
        RunFolder(old)


def test_damaged_rows_are_refused(old: Path) -> None:
    """One other figure in the rows is found by the digest of that time."""
    path = next(old.rglob("seeds-*.npz"))
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["final.r2"][0] += 1
    np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays

    with pytest.raises(StoreError, match=f"{path.name} is damaged"):
        read_results(RunFolder(old))
