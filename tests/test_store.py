"""Run folders: what is written is read back, and damage is refused with a sentence."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import line, trace

from benchsuite import Claim, FailureRate
from benchsuite.errors import CaseError, StoreError
from benchsuite.results.plan import Plan
from benchsuite.results.round import RoundResult, kept_curves
from benchsuite.results.seeds import SeedTable
from benchsuite.results.summary import summarise
from benchsuite.store.documents import SCHEMA
from benchsuite.store.folder import RunFolder
from benchsuite.store.location import ROOT
from benchsuite.system import files

PLAN = Plan(
    case="line",
    treatment="",
    sweep={},
    restarts=1,
    source="",
    protocol="source",
    dataset="noisy_line",
    stand_in=False,
    data_origin="",
    criterion="r2 ≥ 0.99",
    claims=[Claim("Half fail.", FailureRate(equals=0.5)).to_json()],
    starts={},
    readings={},
    program="0123456789abcdef",
    data_digest="fedcba9876543210",
    steps=[0, 10, 20],
    parameter_names=[],
    seeds=4,
    round_size=2,
    chunk_size=2,
    precision="highest",
    prng="threefry2x32",
    device="cpu",
    platform="cpu",
    device_count=2,
)


def round_result(first: int = 0, seconds: float = 2.0) -> RoundResult:
    """Two seeds, of which the first converged."""
    course = trace([[0.0, 0.5, 1.0], [0.0, 0.0, 0.0]], seeds=np.array([first, first + 1]))
    rows = SeedTable.from_trace(course, line(), [], {})
    return RoundResult(rows, kept_curves(course), seconds, first_run=first == 0, chunk_size=2, device_count=2)


def new(path: Path | None = None) -> RunFolder:
    """A run folder with a plan."""
    folder = RunFolder.create(path, {"device": "cpu"}, {"seeds": 4, "run_dir": path})
    folder.write_plan(PLAN)
    return folder


def test_what_is_kept_is_read_back() -> None:
    """Plans, rounds and summaries are equal after reading."""
    folder = new()
    for first in (2, 0):
        folder.write_round("line", round_result(first))
    folder.write_summaries(summarise(PLAN, folder.round_results("line")))

    again = RunFolder(folder.path)

    assert again.plan("line") == PLAN
    assert again.plan("other") is None
    assert again.machine == {"device": "cpu"}
    for kept, made in zip(again.round_results("line"), (round_result(0), round_result(2)), strict=True):
        np.testing.assert_equal(dataclasses.asdict(kept), dataclasses.asdict(made))
    assert again.summaries["line"].rate == 0.5


def test_new_runs_are_found_by_time_and_ignored_by_git() -> None:
    """Each run has its own folder, the latest is found, and git ignores all of them."""
    first, second = new(), new()
    failed_at_once = RunFolder.create(None, {}, {})

    assert len({first.path, second.path, failed_at_once.path}) == 3
    assert RunFolder.latest().path == second.path, "a run that never began a case is passed over"
    assert (ROOT / ".gitignore").read_text() == "*\n"


def test_run_is_not_overwritten(tmp_path: Path) -> None:
    """Creating a run in a folder that holds one is an error."""
    new(tmp_path)

    with pytest.raises(StoreError, match=r"holds a run already[\s\S]*--resume"):
        new(tmp_path)


def test_rows_without_a_run_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    """A folder whose run.json is missing still holds rows, which must not become part of another run."""
    new(tmp_path).write_round("line", round_result())
    (tmp_path / "run.json").unlink()

    with pytest.raises(StoreError, match="holds a run already"):
        new(tmp_path)


def test_seed_counts_once() -> None:
    """Two rounds that hold the same seed are refused."""
    folder = new()
    for first in (0, 1):
        folder.write_round("line", round_result(first))

    with pytest.raises(StoreError, match="same seed twice"):
        folder.round_results("line")


def test_plan_that_lacks_a_field() -> None:
    """A plan that is not whole is refused as damaged."""
    path = new().path / "line" / "case.json"
    content = json.loads(path.read_text())
    del content["plan"]["program"]
    path.write_bytes(files.sealed(content))

    with pytest.raises(StoreError, match=r"case\.json is damaged: .*`program`"):
        RunFolder(path.parent.parent).plan("line")


@pytest.mark.parametrize("name", ["run.json", "line/case.json"])
@pytest.mark.parametrize("length", [0, 10, -1])
def test_json_cut_short(name: str, length: int) -> None:
    """A JSON file that is not whole is refused by name."""
    run = new().path
    (run / name).write_bytes((run / name).read_bytes()[:length])

    with pytest.raises(StoreError, match=f"{name} is damaged"):
        _ = RunFolder(run).plans


@pytest.mark.parametrize(
    "content", ["[]", "{}", f'{{"schema": {SCHEMA}}}', f'{{"schema": {SCHEMA}, "machine": 3}}', "null"]
)
def test_run_json_of_another_shape(content: str) -> None:
    """Any other JSON is refused as damaged."""
    path = new().path / "run.json"
    path.write_text(content)

    with pytest.raises(StoreError, match="damaged"):
        RunFolder(path.parent)


@pytest.mark.parametrize("name", ["run.json", "line/case.json"])
def test_json_of_another_version(name: str) -> None:
    """A file of a later version is refused, with its schema."""
    path = new().path / name
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))

    with pytest.raises(StoreError, match="schema 99, this version reads 4 and 5"):
        _ = RunFolder(path.parents[name.count("/")]).plans


@pytest.mark.parametrize("damage", [lambda b: b[:-30], lambda b: b[:200], lambda b: b"", lambda b: b"x" + b[1:]])
def test_damaged_round(damage: Any) -> None:
    """A damaged round is refused by its file's name, with a hint how to continue."""
    folder = new()
    folder.write_round("line", round_result())
    (path,) = (folder.path / "line").glob("seeds-*.npz")
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StoreError, match=r"seeds-000000-000001\.npz is damaged[\s\S]*--resume"):
        folder.round_results("line")


def test_edited_round() -> None:
    """A single flipped bit in the rows is detected."""
    folder = new()
    folder.write_round("line", round_result())
    (path,) = (folder.path / "line").glob("seeds-*.npz")
    content = bytearray(path.read_bytes())
    content[content.index(b"converged"[:1] + b"\0\0\0o")] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(StoreError, match="damaged"):
        folder.round_results("line")


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder below a file cannot be made: that is the error."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=r"cannot be made: Not a directory\n.*--run-dir"):
        new(tmp_path / "file" / "run")


def test_full_disk_keeps_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk loses the round that was being written, and leaves no partial file."""
    folder = new()
    folder.write_round("line", round_result())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device"):
            folder.write_round("line", round_result(2))

    assert sorted(path.name for path in (folder.path / "line").iterdir()) == ["case.json", "seeds-000000-000001.npz"]


def test_no_run_yet() -> None:
    """Without a run, opening the latest one is an error."""
    with pytest.raises(StoreError, match="there is no run"):
        RunFolder.latest()


def test_cases_are_in_the_order_of_their_start() -> None:
    """Whatever their names are, also after reading, and also when a plan is written again."""
    folder = new()
    for name in ("zeta", "alpha"):
        folder.write_plan(dataclasses.replace(PLAN, case=name))
    folder.write_plan(PLAN)

    again = RunFolder(folder.path)
    again.write_plan(dataclasses.replace(PLAN, case="beta"))

    for read in (folder, again, RunFolder(folder.path)):
        assert [plan.case for plan in read.plans][:3] == ["line", "zeta", "alpha"]
    assert [plan.case for plan in RunFolder(folder.path).plans][3] == "beta"


def test_write_touches_the_files_of_its_case_alone() -> None:
    """Neither run.json nor the other cases are written or read, so that their number and state do not matter."""
    folder = new()
    folder.write_plan(dataclasses.replace(PLAN, case="other"))
    (folder.path / "other" / "case.json").write_text("damaged")
    run_json = (folder.path / "run.json").stat().st_mtime_ns

    again = RunFolder(folder.path)
    again.write_round("line", round_result())
    again.write_summaries(summarise(PLAN, again.round_results("line")))

    assert (folder.path / "run.json").stat().st_mtime_ns == run_json
    assert (folder.path / "other" / "case.json").read_text() == "damaged"
    assert [summary.seeds for summary in again.summaries_of("line")] == [2]
    with pytest.raises(StoreError, match=r"other/case\.json is damaged"):
        _ = again.plans


def test_folder_of_a_case_that_a_crash_left_without_a_file() -> None:
    """A process that died while it wrote the first file of a case leaves a run without that case."""
    folder = new()
    (folder.path / "other").mkdir()
    (folder.path / "other" / ".case.json.7.unfinished").write_text("{")

    with RunFolder(folder.path).locked() as again:
        assert [plan.case for plan in again.plans] == ["line"]
        again.write_plan(dataclasses.replace(PLAN, case="other"))

    assert [plan.case for plan in RunFolder(folder.path).plans] == ["line", "other"]
    assert [path.name for path in (folder.path / "other").iterdir()] == ["case.json"]


def test_rows_without_a_plan_are_not_overwritten() -> None:
    """A case whose case.json is missing cannot be started again beside its rows."""
    folder = new()
    folder.write_round("line", round_result())
    (folder.path / "line" / "case.json").unlink()

    with pytest.raises(StoreError, match="holds rows without a plan"):
        RunFolder(folder.path).write_plan(PLAN)


def test_case_file_in_another_folder() -> None:
    """A case.json that was copied to another case is refused."""
    folder = new()
    (folder.path / "other").mkdir()
    (folder.path / "other" / "case.json").write_bytes((folder.path / "line" / "case.json").read_bytes())

    with pytest.raises(StoreError, match="it is that of 'line'"):
        RunFolder(folder.path).plan("other")


def test_numbers_that_json_lacks_are_kept() -> None:
    """NaN and infinities of the machine and its load are equal after reading."""
    folder = RunFolder.create(None, {"clock": float("inf"), "versions": {}}, {"limits": (1.5, float("-inf"))})
    folder.write_load({"temperatures": [float("nan"), 50.0]}, {}, ["hot"])

    again = RunFolder(folder.path)

    assert again.machine == {"clock": float("inf"), "versions": {}}
    assert again.settings == {"limits": [1.5, float("-inf")]}
    assert again.timing_warnings == ["hot"]
    assert '"nan"' in (folder.path / "run.json").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": 0}, "`int` >= 1"),
        ({"trace_seconds": -1.0}, "`float` >= 0"),
        ({"compile_seconds": float("nan")}, "Expected `float`, got `null`"),
        ({"seeds": True}, "Expected `int`, got `bool`"),
        ({"steps": [0]}, "length >= 2"),
        ({"steps": [0, 20, 10]}, "not in ascending order"),
        ({"criterion": "\ud800"}, "surrogates not allowed"),
        ({"sweep": {"rate": []}}, "the sweep is over rate"),
        ({"claims": [PLAN.claims[0] | {"kind": "Guess"}]}, "Invalid enum value 'Guess'"),
        ({"claims": [PLAN.claims[0] | {"check": {"equals": "x"}}]}, "Expected `float | null`, got `str`"),
        ({"claims": [PLAN.claims[0] | {"check": {"equals": 7.0}}]}, "FailureRate of 7.0"),
    ],
)
def test_plan_that_could_not_be_read_again(change: dict[str, Any], said: str) -> None:
    """Values of the wrong type or range are refused before anything is written."""
    folder = new()

    with pytest.raises(CaseError) as refused:
        folder.write_plan(dataclasses.replace(PLAN, **change))

    assert said in str(refused.value)
    assert RunFolder(folder.path).plans == [PLAN]
