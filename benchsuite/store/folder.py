"""Where a run is left: a folder with run.json and, for each case, one round_result of rows a round, all written atomically."""

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

from benchsuite.errors import CaseError, StoreError
from benchsuite.results import Plan, RoundResult, SeedTable, Summary, Surface, columns_under
from benchsuite.system import files, machine

#: What a case may be called with all that is done to it, for it names a folder.
_PLAIN = re.compile(r"[A-Za-z0-9][\w.+@=,-]*")

#: Characters that a file system bears in the name of a folder.
_LONGEST = 200

#: Where run folders are made unless the user says so, below the working folder.
ROOT = Path(".benchsuite")

_RUN, _ROUNDS, _STARTS, _SURFACES, _LOCK = "run.json", "seeds-*.npz", "starts.npz", "surfaces.npz", ".lock"

#: A run folder's name: the time, and a number where there were several, or where the clock was set back since.
_NAME = re.compile(r"([0-9]{8}-[0-9]{6})(?:-([0-9]{1,9}))?")

#: What run.json must have.
_PARTS = {
    "created": str,
    "machine": dict[str, Any],
    "settings": dict[str, Any],
    "plans": dict[str, dict[str, Any]],
    "summaries": dict[str, dict[str, Any]],
    "inapplicable": dict[str, dict[str, str]],
}

_NO_ROOM = "make room or choose another --run-dir; finished rounds are kept, --resume goes on from them"

#: The layout of run.json and of the round_results; a change that an older reader would misread raises it.
SCHEMA = 4


class RunFolder:
    """One run on disk. The round_results are the truth; run.json says how they came about and sums them up.

    Args:
        path: the folder, which must hold a run; make one with `create`.

    Raises:
        StoreError: there is no run, it cannot be read, or another version wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content, self._plans = _read_run(path / _RUN)

    @classmethod
    def create(cls, path: Path | None, about: Mapping[str, Any], settings: Mapping[str, Any]) -> RunFolder:
        """Make a new run in `path`, or in a new folder of `.benchsuite` named after the time.

        Raises:
            StoreError: the folder cannot be written, or holds a run already.
        """
        now = datetime.now(UTC)
        path = path or make_folder(ROOT, now)
        content = {
            "schema": SCHEMA,
            "created": now.isoformat(timespec="seconds"),
            "commit": machine.commit(),
            "machine": dict(about),
            "settings": {name: str(v) if isinstance(v, Path) else v for name, v in settings.items()},
            "plans": {},
            "summaries": {},
            "inapplicable": {},
        }
        _make(path)
        with _locked(path):  # another run may begin in the same folder at the same moment
            if (path / _RUN).exists() or any(path.glob(f"*/{_ROUNDS}")):
                raise StoreError(
                    f"{path} holds a run already", "add --resume to go on with it, or name another --run-dir"
                )
            _write(path / _RUN, files.sealed(content))
        if not (path.parent / ".gitignore").exists() and path.parent == ROOT:
            _write(path.parent / ".gitignore", b"*\n")
        return cls(path)

    @classmethod
    def latest(cls) -> RunFolder:
        """The newest run in `.benchsuite`.

        Raises:
            StoreError: there is none.
        """
        for path in run_folders():
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
        with _locked(self.path):
            for folder in (self.path, *self.path.iterdir()):
                if folder.is_dir() and not folder.is_symlink():
                    files.tidy(folder)
            self.content, self._plans = _read_run(self.path / _RUN)
            yield self

    @property
    def created(self) -> str:
        """When the run was begun, as ISO 8601."""
        return str(self.content["created"])

    @property
    def commit(self) -> str | None:
        """The commit of the working folder; None outside a repository."""
        return self.content.get("commit")

    @property
    def load_was_measured(self) -> bool:
        """Whether the load of the machine was measured before and after."""
        return "load" in self.content

    @property
    def summaries(self) -> dict[str, Summary]:
        """The summaries of the cases, or of the values that were trained side by side, by id."""
        return {name: Summary.from_json(stored) for name, stored in self.content["summaries"].items()}

    @property
    def machine(self) -> dict[str, Any]:
        """What it was measured on, as `machine.describe` gives it."""
        return dict(self.content["machine"])

    @property
    def settings(self) -> dict[str, Any]:
        """The options that the run was begun with."""
        return dict(self.content["settings"])

    @property
    def timing_warnings(self) -> list[str]:
        """Why the timing of this run is not to be relied on; nothing where that was not watched."""
        return list(self.content.get("load", {}).get("timing_warnings", []))

    def write_load(self, before: Mapping[str, Any], after: Mapping[str, Any], timing_warnings: Sequence[str]) -> None:
        """Write down the state of the machine before and after, and why it makes the timing doubtful."""
        self._keep("load", {"before": dict(before), "after": dict(after), "timing_warnings": list(timing_warnings)})

    @property
    def plans(self) -> list[Plan]:
        """How the cases that have been started are run, in the order in which they were."""
        return list(self._plans.values())

    def plan(self, id: str) -> Plan | None:  # noqa: A002  # as it is called everywhere
        """How the case called `id` is run; None where it has not been started."""
        return self._plans.get(id)

    def write_plan(self, plan: Plan) -> None:
        """Write down how a case is going to be run.

        Raises:
            CaseError: it says something of itself that could not be read again.
            StoreError: it cannot be written.
        """
        self._keep("plans", {plan.id: plan.to_json()})

    def write_summaries(self, summaries: Iterable[Summary]) -> None:
        """Write down the figures of a case, or of each of the values that were trained side by side."""
        self._keep("summaries", {summary.id: summary.to_json() for summary in summaries})

    @property
    def inapplicable(self) -> list[tuple[str, str, str]]:
        """The treatments that were asked for and make no sense: (case, treatment, why)."""
        return [
            (case, name, why) for case, found in self.content["inapplicable"].items() for name, why in found.items()
        ]

    def write_inapplicable(self, inapplicable: Iterable[tuple[str, str, str]]) -> None:
        """Write down which treatments make no sense: (case, treatment, why)."""
        found: dict[str, dict[str, str]] = {case: dict(why) for case, why in self.content["inapplicable"].items()}
        for case, treatment, why in inapplicable:
            found.setdefault(case, {})[treatment] = why
        if found != self.content["inapplicable"]:
            self._keep("inapplicable", found)

    def _keep(self, part: str, values: Mapping[str, Any]) -> None:
        """Put values into a part of run.json, unless it could not be read again with them."""
        content = {**self.content, part: {**self.content.get(part, {}), **values}}
        with _readable(f"{part}, {', '.join(values)}"):
            written = files.sealed(content)
            read, plans = _parsed(written)
        self._demand_there()
        _write(self.path / _RUN, written)
        self.content, self._plans = read, plans

    def _demand_there(self) -> None:
        """Make no new folder in the place of one that was taken away: its rows would seem to be there."""
        if not self.path.is_dir():
            raise StoreError(f"{self.path} is gone", "leave it where it is while a run goes on; start a new one")

    def _folder_of(self, case: str) -> Path:
        """Where the rows of a case lie: never outside of the run's folder, and nowhere if that is gone."""
        self._demand_there()
        folder = self.path / case
        if not is_folder_name(case):
            raise CaseError(f"{case[:_LONGEST]!r} cannot name a folder", "use a shorter name, or fewer treatments")
        if folder.is_symlink():
            raise StoreError(f"{folder} is a link to somewhere else", "put the folder itself in its place")
        return folder

    def write_round(self, case: str, round_result: RoundResult) -> None:
        """Write the rows of a finished round.

        Raises:
            StoreError: they cannot be written; the rounds before are kept.
            CaseError: they could not be read again.
        """
        with _readable(f"the rows of {case}"):
            round_result.check(self.plan(case))
        facts = {
            "seconds": round_result.seconds,
            "first_run": round_result.first_run,
            "chunk_size": round_result.chunk_size,
            "device_count": round_result.device_count,
        }
        _write_columns(
            self._folder_of(case) / _round_file(round_result.seeds), facts, round_result.rows, round_result.curves
        )

    def write_starts(self, case: str, rows: SeedTable, curves: Mapping[str, np.ndarray]) -> None:
        """Write the rows of the named starts.

        Raises:
            StoreError: they cannot be written.
        """
        _write_columns(self._folder_of(case) / _STARTS, {}, rows, curves)

    def starts(self, case: str) -> SeedTable | None:
        """The rows of the named starts of `case`; None where they have not been trained.

        Raises:
            StoreError: their file is damaged.
        """
        path = self._folder_of(case) / _STARTS
        if not path.exists():
            return None
        _, rows, _ = _read_columns(path)
        try:
            _check_starts(rows, self.plan(case))
        except (TypeError, ValueError) as error:
            raise _damaged(path, error) from error
        return rows

    def write_surfaces(self, case: str, surfaces: Sequence[Surface]) -> None:
        """Write the loss of `case` over its parameters.

        Raises:
            StoreError: it cannot be written.
        """
        arrays = {f"{n}.axis.{name}": values for n, s in enumerate(surfaces) for name, values in s.axes.items()}
        arrays |= {f"{n}.loss": surface.loss for n, surface in enumerate(surfaces)}
        told = [{"title": surface.title, "fixed": dict(surface.fixed)} for surface in surfaces]
        _write_arrays(self._folder_of(case) / _SURFACES, {"surfaces": told}, arrays)

    def surfaces(self, case: str) -> list[Surface]:
        """The loss of `case` over its parameters, as far as it has been kept.

        Raises:
            StoreError: the file is damaged.
        """
        path = self._folder_of(case) / _SURFACES
        if not path.exists():
            return []
        facts, arrays = _read_arrays(path)
        try:
            surfaces = [
                Surface(told["title"], columns_under(f"{n}.axis.", arrays), arrays[f"{n}.loss"], told["fixed"])
                for n, told in enumerate(facts["surfaces"])
            ]
            for surface in surfaces:
                surface.check()
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, error) from error
        return surfaces

    def round_results(self, case: str) -> list[RoundResult]:
        """The finished rounds of `case`, by their first seed.

        Raises:
            StoreError: a round_result is damaged, or two hold the same seed.
        """
        paths = self._folder_of(case).glob(_ROUNDS)
        plan = self.plan(case)
        round_results = sorted(
            (_read_round(path, plan) for path in paths), key=lambda round_result: int(round_result.seeds[0])
        )
        if len({(*round_result.rows.columns, "", *round_result.curves) for round_result in round_results}) > 1:
            raise StoreError(f"the round_results in {self.path / case} differ in their columns", "start a new run")
        seeds = (
            np.concatenate([round_result.seeds for round_result in round_results]) if round_results else np.array([])
        )
        if len(np.unique(seeds)) < len(seeds):
            raise StoreError(
                f"{self.path / case} holds rows of the same seed twice",
                "delete the round_results that do not belong there",
            )
        return round_results


def make_folder(root: Path, now: datetime | None = None) -> Path:
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


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}", "choose another --run-dir") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"another run is writing into {path}", "wait until it has ended, or name another --run-dir"
        ) from error
    except (OSError, NotImplementedError):  # not every network's file system can lock; then it is up to the user
        pass
    try:
        yield
    finally:
        lock.release()


def run_folders() -> list[Path]:
    """The run folders in `.benchsuite`, the newest first."""
    return sorted((run.parent for run in ROOT.glob(f"*/{_RUN}")), key=_order, reverse=True)


def _order(path: Path) -> tuple[str, int]:
    """Sorts run folders by when they were made; those that a person has named come first."""
    name = _NAME.fullmatch(path.name)
    return (name[1], int(name[2] or 1)) if name else ("", 0)


@contextlib.contextmanager
def _readable(what: str) -> Iterator[None]:
    """What would be refused when it is read is not written either: it is its plugin's."""
    try:
        yield
    except (KeyError, TypeError, ValueError, CaseError) as error:
        raise CaseError(
            f"{what} cannot be kept, as it could not be read again: {error}", "mend the names and texts in the plugin"
        ) from error


def _digest(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(files.digest_of(facts).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    files.write(path, content, _NO_ROOM)


def _read_run(path: Path) -> tuple[dict[str, Any], dict[str, Plan]]:
    """What run.json says, and the plans in it by the id of their case."""
    try:
        content = files.read(path)
        schema = files.read_json(content)["schema"]
        if schema == SCHEMA:
            return _parsed(content)
    except FileNotFoundError:
        raise StoreError(f"{path.parent} holds no run", "name a folder with a run.json in it") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}", "check that it is a readable file") from error
    except (ValueError, TypeError, KeyError, CaseError) as error:
        raise StoreError(f"{path} is damaged: {error}", "restore it, or start a new run in another folder") from error
    raise StoreError(f"{path} has schema {schema}, this version reads {SCHEMA}", "use the version that wrote it")


def _parsed(content: bytes) -> tuple[dict[str, Any], dict[str, Plan]]:
    """What run.json says, and the plans in it.

    Raises:
        KeyError, TypeError, ValueError, CaseError: something in it is not as it is written.
    """
    run = files.read_sealed(content)
    _demand_kinds(run)
    plans = {case: Plan.from_json(stored) for case, stored in run["plans"].items()}
    for case, plan in plans.items():
        if case != plan.id or not is_folder_name(case):
            raise ValueError(f"{case[:_LONGEST]!r} is no name of a case")
    for summary in run["summaries"].values():
        Summary.from_json(summary)
    return run, plans


def _demand_kinds(content: Mapping[str, Any]) -> None:
    """Refuse parts that no run writes, such as a time that is not written as it is, but may name a night's folder."""
    for key, kind in _PARTS.items():
        files.demand_kind(key, content[key], kind)
    load, versions = content.get("load", {}), content["machine"].get("versions", {})
    files.demand_kind("load", load, dict[str, Any])
    files.demand_kind("timing_warnings", load.get("timing_warnings", []), list[str])
    files.demand_kind("commit", content.get("commit"), str | None)
    files.demand_kind("versions", versions, dict[str, str | None])
    created = datetime.fromisoformat(content["created"])
    if created.tzinfo is None or created.isoformat(timespec="seconds") != content["created"]:
        raise ValueError(f"created is {content['created']!r}")


def is_folder_name(name: str) -> bool:
    """Whether a name can be a folder's, and of no folder but one within."""
    return _PLAIN.fullmatch(name) is not None and len(name) <= _LONGEST


def _write_columns(path: Path, facts: Mapping[str, Any], rows: SeedTable, curves: Mapping[str, np.ndarray]) -> None:
    _write_arrays(path, facts, rows.columns | {f"curve.{name}": values for name, values in curves.items()})


def _write_arrays(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    told = {"schema": SCHEMA, **facts, "digest": _digest(facts, arrays)}
    np.savez(buffer, **{"facts": np.array(json.dumps(told)), **arrays})  # type: ignore[arg-type]  # arrays
    with _readable(str(path)):
        _parsed_arrays(buffer.getvalue())
    _write(path, buffer.getvalue())


def _read_round(path: Path, plan: Plan | None) -> RoundResult:
    facts, rows, curves = _read_columns(path)
    try:
        round_result = RoundResult(rows, curves, **facts)
        round_result.check(plan)
        _check_name(path, round_result)
    except (TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return round_result


def _check_name(path: Path, round_result: RoundResult) -> None:
    if path.name != _round_file(round_result.seeds):
        raise ValueError(f"it holds the seeds {round_result.seeds[0]} to {round_result.seeds[-1]}")


def _check_starts(rows: SeedTable, plan: Plan | None) -> None:
    rows.check(plan)
    if plan and len(rows) != len(plan.starts):
        raise ValueError(f"it holds {len(rows)} starts, the plan {len(plan.starts)}")


def _round_file(seeds: np.ndarray) -> str:
    return f"seeds-{seeds[0]:06}-{seeds[-1]:06}.npz"


def _read_columns(path: Path) -> tuple[dict[str, Any], SeedTable, dict[str, np.ndarray]]:
    facts, columns = _read_arrays(path)
    try:
        return facts, SeedTable.from_columns(columns), columns_under("curve.", columns)
    except KeyError as error:
        raise _damaged(path, error) from error


def _read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        schema, facts, arrays = _parsed_arrays(files.read(path))
    except Exception as error:  # what flipped bits make NumPy and zipfile raise has no end
        raise _damaged(path, error) from error
    if schema != SCHEMA:
        raise StoreError(f"{path} has schema {schema}, this version reads {SCHEMA}", "use its version")
    return facts, arrays


def _parsed_arrays(content: bytes) -> tuple[int, dict[str, Any], dict[str, np.ndarray]]:
    """The schema, facts and arrays of a file; those of another schema are not looked at.

    Not by `numpy.load`, which takes one array for another where their names end in ".npy".
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        arrays = {member.filename: _read_member(archive, member) for member in archive.infolist()}
    arrays = {name.removesuffix(".npy"): array for name, array in arrays.items()}
    facts = files.read_json(str(arrays.pop("facts")))
    schema, digest = facts.pop("schema"), facts.pop("digest", "")
    if schema == SCHEMA and digest != _digest(facts, arrays):
        raise ValueError("it was changed after it was written")
    return schema, facts, arrays


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:  # ours never are; a small file could fill the memory
        raise ValueError("its members are compressed")
    with archive.open(member) as stored:
        array: np.ndarray = np.lib.format.read_array(stored, allow_pickle=False)
        if stored.read(1):
            raise ValueError(f"{member.filename} is longer than its array")
        return array


def _damaged(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} is damaged: {error}", "delete it; --resume will train its seeds again, to the same rows")
