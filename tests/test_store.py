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
from benchsuite.errors import StoreError
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
    """Plans, round_results and summaries survive the process."""
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
    """A run gets a folder of its own, the latest is found, and none is committed by accident."""
    first, second = new(), new()
    failed_at_once = RunFolder.create(None, {}, {})

    assert len({first.path, second.path, failed_at_once.path}) == 3
    assert RunFolder.latest().path == second.path, "a run that never began a case is passed over"
    assert (ROOT / ".gitignore").read_text() == "*\n"


def test_run_is_not_overwritten(tmp_path: Path) -> None:
    """A folder that holds a run is only touched on purpose."""
    new(tmp_path)

    with pytest.raises(StoreError, match=r"holds a run already[\s\S]*--resume"):
        new(tmp_path)


def test_rows_without_a_run_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    """A folder whose run.json is gone still holds its rows, and they are not counted to another run."""
    new(tmp_path).write_round("line", round_result())
    (tmp_path / "run.json").unlink()

    with pytest.raises(StoreError, match="holds a run already"):
        new(tmp_path)


def test_seed_counts_once() -> None:
    """Two round_results that hold the same seed are refused."""
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
def test_damaged_shard(damage: Any) -> None:
    """A round_result that is not whole is refused by name, with the way to fix it."""
    folder = new()
    folder.write_round("line", round_result())
    (path,) = (folder.path / "line").glob("seeds-*.npz")
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StoreError, match=r"seeds-000000-000001\.npz is damaged[\s\S]*--resume"):
        folder.round_results("line")


def test_edited_shard() -> None:
    """A single flipped bit in the rows is found out."""
    folder = new()
    folder.write_round("line", round_result())
    (path,) = (folder.path / "line").glob("seeds-*.npz")
    content = bytearray(path.read_bytes())
    content[content.index(b"converged"[:1] + b"\0\0\0o")] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(StoreError, match="damaged"):
        folder.round_results("line")


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder below a file cannot be made, and that is said."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=r"cannot be made: Not a directory\n.*--run-dir"):
        new(tmp_path / "file" / "run")


def test_full_disk_keeps_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up costs the round that was being written, and leaves no half file."""
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
    """Asking for the latest run where there is none is answered."""
    with pytest.raises(StoreError, match="there is no run"):
        RunFolder.latest()
