"""Conversion of run folders of earlier schemas, in memory.

Schema 4 had all plans and summaries in run.json, with the digest of `json.dumps`. Its arrays are read as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchsuite.results import Plan, Summary
from benchsuite.store.documents import CaseFile, LoadFile, RunFile, decode_file, encode_file
from benchsuite.store.location import LONGEST, is_folder_name
from benchsuite.system import files

#: Keys of plans, summaries and settings that schema 4 named otherwise.
_RENAMED = {"engine": "executor", "ladder": "thresholds"}


def read_schema_4(content: bytes) -> tuple[RunFile, dict[str, CaseFile]]:
    """Convert a run.json of schema 4.

    Returns:
        The content of run.json, and those of the cases by id, in the order of start.

    Raises:
        ValueError, TypeError, KeyError, CaseError: it was changed, or something in it is not as it was written.
    """
    files.unsealed(content)
    values = files.legacy_json(content)
    run = RunFile(
        created=values["created"],
        commit=values.get("commit"),
        machine=values["machine"],
        settings=_renamed(values["settings"]),
        inapplicable=values["inapplicable"],
        load=_load(values["conditions"]) if "conditions" in values else None,
    )
    cases = {}
    for number, (name, stored) in enumerate(values["plans"].items()):
        plan = files.convert(_renamed(stored), Plan)
        summaries = [_summary(values["records"][part.id]) for part in plan.parts if part.id in values["records"]]
        if name != plan.id or not is_folder_name(name):
            raise ValueError(f"{name[:LONGEST]!r} is no id of a case")
        cases[name] = decode_file(encode_file(CaseFile(number, plan, summaries)), CaseFile)
    return decode_file(encode_file(run), RunFile), cases


def _summary(stored: Mapping[str, Any]) -> Summary:
    return files.convert(_renamed(stored), Summary)


def _load(stored: Mapping[str, Any]) -> LoadFile:
    return LoadFile(stored["before"], stored["after"], stored["doubts"])


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in values.items()}
