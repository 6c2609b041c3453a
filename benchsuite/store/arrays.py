"""The NumPy files of a case: columns of rounds and named starts, and loss surfaces, with facts and a digest."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchsuite.errors import StoreError
from benchsuite.results import Plan, RoundFacts, RoundResult, SeedTable, Surface, columns_under
from benchsuite.store.documents import NO_ROOM, SCHEMA, readable, unknown_schema
from benchsuite.store.location import ROUNDS
from benchsuite.system import files

#: The schema whose arrays differ in their digest alone.
_LEGACY_SCHEMA = 4

STARTS, SURFACES = "starts.npz", "surfaces.npz"

#: The most bytes of a compressed member: a small file must not fill the memory.
_COMPRESSED = 2**26


@dataclass(frozen=True)
class SurfaceFacts:
    """The title of a surface, and the values of the parameters that it does not vary."""

    title: str
    fixed: dict[str, float]


@dataclass(frozen=True)
class SurfacesFacts:
    """The facts of a file of surfaces."""

    surfaces: list[SurfaceFacts]


def save_round(folder: Path, round_result: RoundResult, curves: Container[str] | None = None) -> None:
    """Write a round into the folder of its case.

    Args:
        folder: of the case.
        round_result: the round.
        curves: learning curves to keep of a round that is compressed; None to keep all, uncompressed.

    Raises:
        StoreError: it cannot be written.
        CaseError: it could not be read again.
    """
    kept = {name: values for name, values in round_result.curves.items() if curves is None or name in curves}
    columns, path = _columns(round_result.rows, kept), folder / _round_name(round_result.seeds)
    write_arrays(path, asdict(round_result.facts), columns, compressed=curves is not None)


def load_rounds(folder: Path, plan: Plan | None) -> list[RoundResult]:
    """Read the rounds of a case, in the order of their first seeds.

    Raises:
        StoreError: a file is damaged, or two do not belong together.
    """
    found = sorted((_load_round(path, plan) for path in folder.glob(ROUNDS)), key=lambda one: int(one.seeds[0]))
    if len({(*one.rows.columns, "", *one.curves) for one in found}) > 1:
        raise StoreError(f"the rounds in {folder} differ in their columns", "start a new run")
    seeds = np.concatenate([one.seeds for one in found]) if found else np.array([])
    if len(np.unique(seeds)) < len(seeds):
        raise StoreError(
            f"{folder} holds rows of the same seed twice", "delete the files of rounds that do not belong there"
        )
    return found


def _load_round(path: Path, plan: Plan | None) -> RoundResult:
    facts, columns = read_arrays(path)
    try:
        found = files.convert(facts, RoundFacts)
        round_result = RoundResult(*_tables(columns), **vars(found))
        round_result.check(plan)
        _check_name(path, round_result.seeds)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    return round_result


def _check_name(path: Path, seeds: np.ndarray) -> None:
    if path.name != _round_name(seeds):
        raise ValueError(f"it holds the seeds {seeds[0]} to {seeds[-1]}")


def _round_name(seeds: np.ndarray) -> str:
    return f"seeds-{seeds[0]:06}-{seeds[-1]:06}.npz"


def save_starts(folder: Path, rows: SeedTable, curves: Mapping[str, np.ndarray]) -> None:
    """Write the rows of the named starts into the folder of their case.

    Raises:
        StoreError: they cannot be written.
        CaseError: they could not be read again.
    """
    write_arrays(folder / STARTS, {}, _columns(rows, curves))


def load_starts(folder: Path, plan: Plan | None) -> SeedTable | None:
    """Read the rows of the named starts; None where there is no file.

    Raises:
        StoreError: the file is damaged.
    """
    path = folder / STARTS
    if not path.exists():
        return None
    _, columns = read_arrays(path)
    try:
        rows, _ = _tables(columns)
        _check_starts(rows, plan)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    return rows


def _check_starts(rows: SeedTable, plan: Plan | None) -> None:
    rows.check(plan)
    if plan and len(rows) != len(plan.starts):
        raise ValueError(f"it holds {len(rows)} starts, the plan {len(plan.starts)}")


def save_surfaces(folder: Path, surfaces: Sequence[Surface]) -> None:
    """Write loss surfaces into the folder of their case.

    Raises:
        StoreError: they cannot be written.
        CaseError: they could not be read again.
    """
    arrays = {f"{n}.axis.{name}": values for n, s in enumerate(surfaces) for name, values in s.axes.items()}
    arrays |= {f"{n}.loss": surface.loss for n, surface in enumerate(surfaces)}
    facts = SurfacesFacts([SurfaceFacts(surface.title, dict(surface.fixed)) for surface in surfaces])
    write_arrays(folder / SURFACES, asdict(facts), arrays)


def load_surfaces(folder: Path) -> list[Surface]:
    """Read the loss surfaces of a case; none where there is no file.

    Raises:
        StoreError: the file is damaged.
    """
    path = folder / SURFACES
    if not path.exists():
        return []
    facts, arrays = read_arrays(path)
    try:
        surfaces = [
            Surface(of.title, columns_under(f"{n}.axis.", arrays), arrays[f"{n}.loss"], of.fixed)
            for n, of in enumerate(files.convert(facts, SurfacesFacts).surfaces)
        ]
        for surface in surfaces:
            surface.check()
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
    return surfaces


def _columns(rows: SeedTable, curves: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return rows.columns | {f"curve.{name}": values for name, values in curves.items()}


def _tables(columns: Mapping[str, np.ndarray]) -> tuple[SeedTable, dict[str, np.ndarray]]:
    return SeedTable.from_columns(columns), columns_under("curve.", columns)


def write_arrays(
    path: Path, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, compressed: bool = False
) -> None:
    """Write arrays with facts, unless they could not be read again.

    Raises:
        StoreError: they cannot be written.
        CaseError: they could not be read again.
    """
    buffer, save = io.BytesIO(), np.savez_compressed if compressed else np.savez
    with readable(str(path)):
        body = files.encode({"schema": SCHEMA, **facts})
        sealed = files.with_digest(body, _digest(body, arrays)).decode()
        save(buffer, facts=np.array(sealed), **arrays)  # type: ignore[arg-type]  # arrays
        _parse_arrays(buffer.getvalue())
    files.write(path, buffer.getvalue(), NO_ROOM)


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote, in this version or that of schema 4.

    Raises:
        StoreError: the file is damaged or of another version.
    """
    try:
        schema, facts, arrays = _parse_arrays(files.read(path))
    except Exception as error:  # NumPy and zipfile raise all kinds of errors for damaged files
        raise damaged(path, error) from error
    if schema not in (SCHEMA, _LEGACY_SCHEMA):
        raise unknown_schema(path, schema)
    return facts, arrays


def _parse_arrays(content: bytes) -> tuple[Any, dict[str, Any], dict[str, np.ndarray]]:
    """Parse a file into its schema, facts and arrays; the digest of another schema is not checked.

    Not by `numpy.load`, which takes one array for another where their names end in ".npy".
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        arrays = {member.filename: _read_member(archive, member) for member in archive.infolist()}
    arrays = {name.removesuffix(".npy"): array for name, array in arrays.items()}
    text = str(arrays.pop("facts"))
    schema = files.schema_of(text)
    facts = files.legacy_json(text)
    if schema in (SCHEMA, _LEGACY_SCHEMA) and facts.pop("digest", "") != _expected_digest(schema, text, arrays):
        raise ValueError("it was changed after it was written")
    del facts["schema"]
    return schema, facts, arrays


def _expected_digest(schema: int, text: str, arrays: Mapping[str, np.ndarray]) -> str:
    if schema == SCHEMA:
        body, _ = files.split_digest(text.encode())
        return _digest(body, arrays)
    facts = {name: value for name, value in files.legacy_json(text).items() if name != "schema"}
    return _digest(files.legacy_digest(facts).encode(), arrays)


def _digest(facts: bytes, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(facts)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED and member.file_size > _COMPRESSED:
        raise ValueError(f"a compressed member has {member.file_size:,} bytes")
    with archive.open(member) as stored:
        array: np.ndarray = np.lib.format.read_array(stored, allow_pickle=False)
        if stored.read(1):
            raise ValueError(f"{member.filename} is longer than its array")
        return array


def damaged(path: Path, error: Exception) -> StoreError:
    """Make the error for a damaged file of arrays, whose rows can be trained again."""
    return StoreError(f"{path} is damaged: {error}", "delete it; --resume trains its seeds again, to the same rows")
