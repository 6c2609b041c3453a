"""Where a run is left: a folder with run.json and, for each case, one shard of rows a round, all written atomically."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from benchsuite import file
from benchsuite.errors import CaseError, StoreError
from benchsuite.landscape import Surface
from benchsuite.machine import commit
from benchsuite.plan import Plan
from benchsuite.record import Record
from benchsuite.rows import Rows, under
from benchsuite.settings import NOT_SAID, Settings
from benchsuite.shard import Shard

#: What a case may be called with all that is done to it, for it names a folder.
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+@=,-]*")

#: Characters that a file system bears in the name of a folder.
_LONGEST = 200

#: Where run folders are made unless the user says so, below the working folder.
ROOT = Path(".benchsuite")

_RUN, _SHARDS, _STARTS, _SURFACES, _LOCK = "run.json", "seeds-*.npz", "starts.npz", "surfaces.npz", ".lock"

#: A run folder's name: the time, and a number where there were several, or where the clock was set back since.
_NAME = re.compile(r"([0-9]{8}-[0-9]{6})(?:-([0-9]{1,9}))?")

#: What run.json must have.
_PARTS = {
    "created": str,
    "machine": dict[str, Any],
    "settings": dict[str, Any],
    "plans": dict[str, dict[str, Any]],
    "records": dict[str, dict[str, Any]],
    "inapplicable": dict[str, dict[str, str]],
}

_NO_ROOM = "make room or choose another --run-dir; finished rounds are kept, --resume goes on from them"

#: The layout of run.json and of the shards; a change that an older reader would misread raises it.
SCHEMA = 4


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
        self._plans = _read_plans(path / _RUN, self.content)

    @classmethod
    def create(cls, path: Path | None, machine: Mapping[str, Any], settings: Mapping[str, Any]) -> RunFolder:
        """Make a new run in `path`, or in a new folder of `.benchsuite` named after the time.

        Raises:
            StoreError: the folder cannot be written, or holds a run already.
        """
        now = datetime.now(UTC)
        path = path or new_folder(ROOT, now)
        if (path / _RUN).exists() or any(path.glob(f"*/{_SHARDS}")):
            raise StoreError(f"{path} holds a run already", "add --resume to go on with it, or name another --run-dir")
        content = {
            "schema": SCHEMA,
            "created": now.isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": dict(machine),
            "settings": {name: str(v) if isinstance(v, Path) else v for name, v in settings.items()},
            "plans": {},
            "records": {},
            "inapplicable": {},
        }
        _write(path / _RUN, file.sealed(content))
        if not (path.parent / ".gitignore").exists() and path.parent == ROOT:
            _write(path.parent / ".gitignore", b"*\n")
        return cls(path)

    @classmethod
    def latest(cls) -> RunFolder:
        """The newest run in `.benchsuite`.

        Raises:
            StoreError: there is none.
        """
        for path in sorted((run.parent for run in ROOT.glob(f"*/{_RUN}")), key=_order, reverse=True):
            run = cls(path)
            if run.plans:
                return run
        raise StoreError(f"there is no run in {ROOT.resolve()}", "start one, or name its folder")

    @contextlib.contextmanager
    def locked(self) -> Iterator[RunFolder]:
        """Keep other runs from writing into the folder meanwhile; what they have written before is read first.

        Raises:
            StoreError: another run is writing into it.
        """
        lock = FileLock(self.path / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                f"another run is writing into {self.path}", "wait until it has ended, or name another --run-dir"
            ) from error
        except (OSError, NotImplementedError):  # not every network's file system can lock; then it is up to the user
            pass
        try:
            for folder in (self.path, *(path for path in self.path.iterdir() if path.is_dir())):
                file.tidy(folder)
            self.content = _read_run(self.path / _RUN)
            self._plans = _read_plans(self.path / _RUN, self.content)
            yield self
        finally:
            lock.release()

    @property
    def machine(self) -> dict[str, Any]:
        """What it was measured on, as `machine.describe` gives it."""
        return dict(self.content["machine"])

    @property
    def settings(self) -> dict[str, Any]:
        """The options that the run was begun with."""
        return dict(self.content["settings"])

    @property
    def doubts(self) -> list[str]:
        """Why the timing of this run is not to be relied on; nothing where that was not watched."""
        return list(self.content.get("conditions", {}).get("doubts", []))

    def keep_conditions(self, before: Mapping[str, Any], after: Mapping[str, Any], doubts: Sequence[str]) -> None:
        """Write down the state of the machine before and after, and why it makes the timing doubtful."""
        self.content["conditions"] = {"before": dict(before), "after": dict(after), "doubts": list(doubts)}
        self._write_run()

    @property
    def plans(self) -> list[Plan]:
        """How the cases that have been started are run, in the order in which they were."""
        return list(self._plans.values())

    def plan(self, id: str) -> Plan | None:  # noqa: A002  # as it is called everywhere
        """How the case called `id` is run; None where it has not been started."""
        return self._plans.get(id)

    def keep_plan(self, plan: Plan) -> None:
        """Write down how a case is going to be run."""
        self._plans[plan.id] = plan
        self.content["plans"][plan.id] = plan.to_json()
        self._write_run()

    def keep_records(self, records: Iterable[Record]) -> None:
        """Write down the figures of a case, or of each of the values that were trained side by side."""
        for record in records:
            self.content["records"][record.id] = record.to_json()
        self._write_run()

    @property
    def inapplicable(self) -> list[tuple[str, str, str]]:
        """The treatments that were asked for and make no sense: (case, treatment, why)."""
        return [
            (case, name, why) for case, found in self.content["inapplicable"].items() for name, why in found.items()
        ]

    def keep_inapplicable(self, inapplicable: Iterable[tuple[str, str, str]]) -> None:
        """Write down which treatments make no sense: (case, treatment, why)."""
        inapplicable = list(inapplicable)
        for case, treatment, why in inapplicable:
            self.content["inapplicable"].setdefault(case, {})[treatment] = why
        if inapplicable:
            self._write_run()

    def _write_run(self) -> None:
        _write(self.path / _RUN, file.sealed(self.content))

    def keep_shard(self, case: str, shard: Shard) -> None:
        """Write the rows of a finished round.

        Raises:
            StoreError: they cannot be written; the rounds before are kept.
        """
        facts = {
            "seconds": shard.seconds,
            "first_run": shard.first_run,
            "chunk_size": shard.chunk_size,
            "device_count": shard.device_count,
        }
        _write_columns(self.path / case / _shard_name(shard.seeds), facts, shard.rows, shard.curves)

    def keep_starts(self, case: str, rows: Rows, curves: Mapping[str, np.ndarray]) -> None:
        """Write the rows of the named starts.

        Raises:
            StoreError: they cannot be written.
        """
        _write_columns(self.path / case / _STARTS, {}, rows, curves)

    def starts(self, case: str) -> Rows | None:
        """The rows of the named starts of `case`; None where they have not been trained.

        Raises:
            StoreError: their file is damaged.
        """
        path = self.path / case / _STARTS
        if not path.exists():
            return None
        _, rows, _ = _read_columns(path)
        try:
            _check_starts(rows, self.plan(case))
        except ValueError as error:
            raise _damaged(path, error) from error
        return rows

    def keep_surfaces(self, case: str, surfaces: Sequence[Surface]) -> None:
        """Write the loss of `case` over its parameters.

        Raises:
            StoreError: it cannot be written.
        """
        arrays = {f"{n}.axis.{name}": values for n, s in enumerate(surfaces) for name, values in s.axes.items()}
        arrays |= {f"{n}.loss": surface.loss for n, surface in enumerate(surfaces)}
        told = [{"title": surface.title, "fixed": dict(surface.fixed)} for surface in surfaces]
        _write_arrays(self.path / case / _SURFACES, {"surfaces": told}, arrays)

    def surfaces(self, case: str) -> list[Surface]:
        """The loss of `case` over its parameters, as far as it has been kept.

        Raises:
            StoreError: the file is damaged.
        """
        path = self.path / case / _SURFACES
        if not path.exists():
            return []
        facts, arrays = _read_arrays(path)
        try:
            surfaces = [
                Surface(told["title"], under(f"{n}.axis.", arrays), arrays[f"{n}.loss"], told["fixed"])
                for n, told in enumerate(facts["surfaces"])
            ]
            for surface in surfaces:
                surface.check()
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, error) from error
        return surfaces

    def shards(self, case: str) -> list[Shard]:
        """The finished rounds of `case`, by their first seed.

        Raises:
            StoreError: a shard is damaged, or two hold the same seed.
        """
        paths = (self.path / case).glob(_SHARDS)
        plan = self.plan(case)
        shards = sorted((_read_shard(path, plan) for path in paths), key=lambda shard: int(shard.seeds[0]))
        if len({(*shard.rows.columns, "", *shard.curves) for shard in shards}) > 1:
            raise StoreError(f"the shards in {self.path / case} differ in their columns", "start a new run")
        seeds = np.concatenate([shard.seeds for shard in shards]) if shards else np.array([])
        if len(np.unique(seeds)) < len(seeds):
            raise StoreError(
                f"{self.path / case} holds rows of the same seed twice", "delete the shards that do not belong there"
            )
        return shards


def new_folder(root: Path, now: datetime | None = None) -> Path:
    """Make a folder named after the time, and after all that are there, even if the clock was set back since.

    Raises:
        StoreError: it cannot be made.
    """
    latest = max(map(_order, root.glob("*")), default=("", 0))
    time, numbers = max((f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}", 0), latest)
    try:
        for number in itertools.count(numbers + 1):
            path = root / (time + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):  # another run began in the same second
                path.mkdir(parents=True)
                break
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}", "choose another folder") from error
    return path


def _order(path: Path) -> tuple[str, int]:
    """Sorts run folders by when they were made; those that a person has named come first."""
    name = _NAME.fullmatch(path.name)
    return (name[1], int(name[2] or 1)) if name else ("", 0)


def _digest(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(file.digest_of(facts).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    file.write(path, content, _NO_ROOM)


def _read_run(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        schema = file.read_json(content)["schema"]
        if schema == SCHEMA:
            run = file.read_sealed(content)
            _demand_kinds(run)
            return run
    except FileNotFoundError:
        raise StoreError(f"{path.parent} holds no run", "name a folder with a run.json in it") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", "check that it is a readable file") from error
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} is damaged: {error}", "restore it, or start a new run in another folder") from error
    raise StoreError(f"{path} has schema {schema}, this version reads {SCHEMA}", "use the version that wrote it")


def _demand_kinds(content: Mapping[str, Any]) -> None:
    """Refuse parts that no run writes, such as a time that is not written as it is, but may name a night's folder."""
    for key, kind in _PARTS.items():
        file.demand_kind(key, content[key], kind)
    conditions, versions = content.get("conditions", {}), content["machine"].get("versions", {})
    file.demand_kind("conditions", conditions, dict[str, Any])
    file.demand_kind("doubts", conditions.get("doubts", []), list[str])
    file.demand_kind("commit", content.get("commit"), str | None)
    file.demand_kind("versions", versions, dict[str, str | None])
    if datetime.fromisoformat(content["created"]).isoformat(timespec="seconds") != content["created"]:
        raise ValueError(f"created is {content['created']!r}")


def _read_plans(path: Path, content: Mapping[str, Any]) -> dict[str, Plan]:
    try:
        plans = {case: Plan.from_json(stored) for case, stored in content["plans"].items()}
        for case, plan in plans.items():
            _check_id(case, plan)
    except (KeyError, TypeError, ValueError, AttributeError, CaseError) as error:
        raise StoreError(f"{path} is damaged: a plan is wrong: {error}", "start a new run in another folder") from error
    return plans


def is_plain(name: str) -> bool:
    """Whether a name can be a folder's, and of no folder but one within."""
    return _PLAIN.fullmatch(name) is not None and len(name) <= _LONGEST


def _check_id(case: str, plan: Plan) -> None:
    if case != plan.id or not is_plain(case):
        raise ValueError(f"{case[:_LONGEST]!r} is no name of a case")


def _write_columns(path: Path, facts: Mapping[str, Any], rows: Rows, curves: Mapping[str, np.ndarray]) -> None:
    _write_arrays(path, facts, rows.columns | {f"curve.{name}": values for name, values in curves.items()})


def _write_arrays(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    told = {"schema": SCHEMA, **facts, "digest": _digest(facts, arrays)}
    np.savez(buffer, **{"facts": np.array(json.dumps(told)), **arrays})  # type: ignore[arg-type]  # arrays
    _write(path, buffer.getvalue())


def _read_shard(path: Path, plan: Plan | None) -> Shard:
    facts, rows, curves = _read_columns(path)
    try:
        shard = Shard(rows, curves, **facts)
        shard.check(plan)
        _check_name(path, shard)
    except (TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return shard


def _check_name(path: Path, shard: Shard) -> None:
    if path.name != _shard_name(shard.seeds):
        raise ValueError(f"it holds the seeds {shard.seeds[0]} to {shard.seeds[-1]}")


def _check_starts(rows: Rows, plan: Plan | None) -> None:
    rows.check(plan)
    if plan and len(rows) != len(plan.starts):
        raise ValueError(f"it holds {len(rows)} starts, the plan {len(plan.starts)}")


def _shard_name(seeds: np.ndarray) -> str:
    return f"seeds-{seeds[0]:06}-{seeds[-1]:06}.npz"


def _read_columns(path: Path) -> tuple[dict[str, Any], Rows, dict[str, np.ndarray]]:
    facts, columns = _read_arrays(path)
    try:
        return facts, Rows.from_columns(columns), under("curve.", columns)
    except KeyError as error:
        raise _damaged(path, error) from error


def _read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        content = io.BytesIO(path.read_bytes())
        _demand_stored(content)
        with np.load(content, allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
        facts = file.read_json(str(columns.pop("facts")))
        schema, digest = facts.pop("schema"), facts.pop("digest", "")
    except Exception as error:  # what flipped bits make NumPy and zipfile raise has no end
        raise _damaged(path, error) from error
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema {schema}, this version reads {SCHEMA}", "use its version")
    if digest != _digest(facts, columns):
        raise _damaged(path, ValueError("it was changed after it was written"))
    return facts, columns


def _demand_stored(content: io.BytesIO) -> None:
    """Refuse members that are compressed, which ours never are: a small file could fill the memory."""
    with zipfile.ZipFile(content) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("its members are compressed")


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} is damaged: {error}", "delete it; --resume will train its seeds again, to the same rows")


def resumed(said: Mapping[str, Any]) -> Settings:
    """The settings of the run that is to be resumed, changed by the options that are said now.

    Raises:
        StoreError: there is no such run.
        OptionError: an option cannot be used.
    """
    run_dir = said.get("run_dir")
    folder = RunFolder(Path(run_dir)) if run_dir else RunFolder.latest()
    now = {name: value for name, value in said.items() if value not in NOT_SAID}
    then = folder.settings
    if "engine" in now:
        then |= {"scheduler": None, "workers": None}  # they were another engine's
    if now.keys() & {"seeds", "half_width"}:
        then |= {"seeds": None, "half_width": None}
    return Settings.parse(then | now | {"run_dir": folder.path})
