"""The cases and ladders of the suite, with the results of runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchsuite import api
from benchsuite.case import Case
from benchsuite.plugins import load_registry
from benchsuite.results import Result, summaries_judged_together
from benchsuite.store import RunFolder, read_results

QUESTIONS = tomllib.loads((Path(__file__).parent / "questions.toml").read_text())


@dataclass
class Entry:
    """A page of the gallery: a case, or a ladder with all of its cases.

    Args:
        name: of the case or ladder.
        question: one sentence.
        cases: one, or the rungs of the ladder.
        results: of the runs, treated or not.
        effects: rows of the treated cases, compared with the untreated ones.
        machine: on which they were trained, and when.
    """

    name: str
    question: str
    cases: Sequence[Case]
    is_ladder: bool = False
    results: list[Result] = field(default_factory=list)
    effects: list[Mapping[str, Any]] = field(default_factory=list)
    machine: str = ""

    @cached_property
    def plain(self) -> list[Result]:
        """The results of the untreated cases, in the order of the ladder, with their claims judged together."""
        order = [case.name for case in self.cases]
        plain = [result for result in self.results if not result.summary.treatment and not result.summary.setting]
        plain = sorted(plain, key=lambda result: order.index(result.summary.case))
        judged = summaries_judged_together([result.summary for result in plain])
        return [result._replace(summary=summary) for result, summary in zip(plain, judged, strict=True)]

    @property
    def tags(self) -> list[str]:
        """The tags of its cases."""
        return sorted({tag for case in self.cases for tag in case.tags})

    @property
    def family(self) -> str:
        """The family of its cases."""
        return self.cases[0].family or self.name


def entries() -> list[Entry]:
    """The cases and ladders of the suite's own plugins, by family."""
    registry = load_registry()
    found = []
    for plugin in registry.plugins:
        if not plugin.origin.startswith("benchsuite ") or plugin.error:
            continue
        for ladder in plugin.declared.ladders:
            cases = [registry.case(name) for name in ladder.names]
            found.append(Entry(ladder.name, QUESTIONS.get(ladder.name, ladder.summary), cases, is_ladder=True))
        single = [case for case in plugin.declared.cases if not case.rung]
        found += [Entry(one.name, QUESTIONS.get(one.name, one.summary), [registry.case(one.name)]) for one in single]
    return sorted(found, key=lambda entry: (entry.family, entry.name))


def add_runs(found: Sequence[Entry], runs: Iterable[Path]) -> None:
    """Add the results of runs to the entries; a case of a later run replaces that of an earlier one."""
    for run in runs:
        folder = RunFolder(run)
        results, effects = read_results(folder), list(api.load(run).summary().rows())
        device = dict.fromkeys(f"{r.summary.device_count} × {r.summary.device}" for r in results)
        versions = folder.machine.get("versions", {})
        about = f"{', '.join(device)}, jax {versions.get('jax', '?')}, {str(folder.created)[:10]}"
        for entry in found:
            names = {case.name for case in entry.cases}
            mine = [result for result in results if result.summary.case in names]
            if mine:
                trained = {result.summary.id for result in mine}
                entry.results = [r for r in entry.results if r.summary.id not in trained] + mine
                entry.effects += [row for row in effects if row["case"] in names and row.get("difference") is not None]
                entry.machine = about
