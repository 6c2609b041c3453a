"""Where a run is left: a folder with run.json and, for each case, one shard of rows a round, all written atomically."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import StoreError
from benchsuite.machine import commit
from benchsuite.record import SCHEMA, Plan, Record, Shard

#: Where run folders are made unless the user says so, below the working folder.
ROOT = Path(".benchsuite")

_RUN = "run.json"


class RunFolder:
    """One run on disk. The shards are the truth; run.json says how they came about and sums them up.

    Args:
        path: the folder, which must hold a run; make one with `create`.

    Raises:
        StoreError: there is no run, it cannot be read, or another version wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = _read_run(path / _RUN)

    @classmethod
    def create(cls, path: Path | None, machine: Mapping[str, Any], settings: Mapping[str, Any]) -> RunFolder:
        """Make a new run in `path`, or in a new folder of `.benchsuite` named after the time.

        Raises:
            StoreError: the folder cannot be written, or holds a run already.
        """
        now = datetime.now(UTC)
        path = path or _new_folder(now)
        if (path / _RUN).exists():
            raise StoreError(f"{path} holds a run already", "add --resume to go on with it, or name another --run-dir")
        content = {
            "schema": SCHEMA,
            "created": now.isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": dict(machine),
            "settings": {name: str(v) if isinstance(v, Path) else v for name, v in settings.items()},
            "plans": {},
            "records": {},
        }
        _write(path / _RUN, json.dumps(content, indent=1).encode())
        if not (path.parent / ".gitignore").exists() and path.parent == ROOT:
            _write(path.parent / ".gitignore", b"*\n")
        return cls(path)

    @classmethod
    def latest(cls) -> RunFolder:
        """The newest run in `.benchsuite`.

        Raises:
            StoreError: there is none.
        """
        runs = sorted(run.parent for run in ROOT.glob(f"*/{_RUN}"))
        if not runs:
            raise StoreError(f"there is no run in {ROOT.resolve()}", "start one, or name its folder")
        return cls(runs[-1])

    @property
    def machine(self) -> dict[str, Any]:
        """What it was measured on, as `machine.describe` gives it."""
        return dict(self.content["machine"])

    @property
    def plans(self) -> list[Plan]:
        """How the cases that have been started are run, in the order in which they were."""
        return [Plan(**stored) for stored in self.content["plans"].values()]

    def plan(self, case: str) -> Plan | None:
        """How `case` is run; None where it has not been started."""
        return next((plan for plan in self.plans if plan.case == case), None)

    def keep_plan(self, plan: Plan) -> None:
        """Write down how a case is going to be run."""
        self.content["plans"][plan.case] = asdict(plan)
        self._write_run()

    def keep_record(self, record: Record) -> None:
        """Write down the figures of a case."""
        self.content["records"][record.case] = record.to_json()
        self._write_run()

    def _write_run(self) -> None:
        _write(self.path / _RUN, json.dumps(self.content, indent=1).encode())

    def keep_shard(self, case: str, shard: Shard) -> None:
        """Write the rows of a finished round.

        Raises:
            StoreError: they cannot be written; the rounds before are kept.
        """
        columns: dict[str, Any] = {
            "seeds": shard.seeds,
            "outcomes": shard.outcomes,
            "steps_to_success": shard.steps_to_success,
        }
        columns |= {f"final.{name}": values for name, values in shard.final.items()}
        columns |= {f"curve.{name}": values for name, values in shard.curves.items()}
        facts = {
            "schema": SCHEMA,
            "seconds": shard.seconds,
            "first_run": shard.first_run,
            "chunk_size": shard.chunk_size,
        }
        buffer = io.BytesIO()
        np.savez(buffer, facts=np.array(json.dumps(facts)), **columns)
        _write(self.path / case / f"seeds-{shard.seeds[0]:06}-{shard.seeds[-1]:06}.npz", buffer.getvalue())

    def shards(self, case: str) -> list[Shard]:
        """The finished rounds of `case`, by their first seed.

        Raises:
            StoreError: a shard is damaged.
        """
        paths = (self.path / case).glob("seeds-*.npz")
        return sorted(map(_read_shard, paths), key=lambda shard: int(shard.seeds[0]))


def _new_folder(now: datetime) -> Path:
    path = ROOT / now.strftime("%Y%m%d-%H%M%S")
    number = 1
    while path.exists():
        number += 1
        path = ROOT / f"{now:%Y%m%d-%H%M%S}-{number}"
    return path


def _write(path: Path, content: bytes) -> None:
    """Write a file so that, whenever the process dies, it is there as a whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}",
            "make room or choose another --run-dir; finished rounds are kept, --resume goes on from them",
        ) from error


def _read_run(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        schema = content["schema"]
        _demand_keys(content, ("machine", "plans", "records"))
    except FileNotFoundError:
        raise StoreError(f"{path.parent} holds no run", "name a folder with a run.json in it") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", "check that it is a readable file") from error
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}", "restore it, or start a new run in another folder") from error
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema {schema}, this version reads {SCHEMA}", "use the version that wrote it")
    return content


def _demand_keys(content: Mapping[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if not isinstance(content[key], dict):
            raise TypeError(f"{key} is not an object")


def _read_shard(path: Path) -> Shard:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
        facts = json.loads(str(columns.pop("facts")))
        return Shard(
            seeds=columns["seeds"],
            outcomes=columns["outcomes"],
            steps_to_success=columns["steps_to_success"],
            final=_under("final.", columns),
            curves=_under("curve.", columns),
            seconds=facts["seconds"],
            first_run=facts["first_run"],
            chunk_size=facts["chunk_size"],
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"{path} is damaged: {error}", "delete it; --resume will train its seeds again, to the same rows"
        ) from error


def _under(prefix: str, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}
