"""Make contests from what users of the command line, of Python and of pytest give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchsuite.case import Case
from benchsuite.errors import OptionError
from benchsuite.plugins import Registry, select_cases
from benchsuite.settings import AUTO, TrainingSettings
from benchsuite.standings.board import BoardDefinition
from benchsuite.standings.conduct import Contest
from benchsuite.tuning import BoardOptions, Entry, EntryTreatments, Space, entry_of, read_entries, shipped_entries
from benchsuite.variants import Ladder

#: Settings that `versus` draws from each space by default.
SETTINGS = 5

#: Where comparisons are kept whose folder is not named.
_FOLDER = Path(".benchsuite")


def versus_contest(
    registry: Registry, entries: Sequence[str | Entry], names: Sequence[str | Case | Ladder], values: Mapping[str, Any]
) -> Contest:
    """Make the contest of an entry with a reference.

    Args:
        registry: the plugins.
        entries: the entry and the reference.
        names: of cases and ladders; by default those with the tags and families, as of `benchsuite run`.
        values: name → value of the options.

    Raises:
        OptionError: one of them cannot be used.
    """
    space = Space.parse_texts(values.get("spaces") or ())
    made = [entry_of(one, space) if isinstance(one, str) else one for one in entries]
    made = [EntryTreatments(entry, registry.treatments).declared() for entry in made]
    number = values.get("settings") or SETTINGS
    rules = f"{'once' if values.get('once') else 'tuned'}-{number}"
    tuned = {"rules": rules if any(entry.space for entry in made) else "default", "reference": made[1].name}
    options = BoardOptions.parse({**values, **tuned})
    contest = _contest(registry, options, made, names, values)
    return contest if values.get("output") else replace(contest, folder=_FOLDER / f"versus-{_digest(contest)}")


def board_contest(
    registry: Registry,
    entries: Sequence[str | Path | Entry],
    names: Sequence[str | Case | Ladder],
    values: Mapping[str, Any],
) -> Contest:
    """Make the contest of entries on a board, with those that it has already.

    Args:
        registry: the plugins.
        entries: entries, or what `read_entries` reads; all of the suite by default for a new board.
        names: of cases and ladders; by default those of the board, else as of `benchsuite run`.
        values: name → value of the options; those of the board by default.

    Raises:
        OptionError: one of them cannot be used.
        StoreError: the board is damaged.
    """
    folder = Path(values.get("output") or "board")
    before = BoardDefinition.read(folder)
    texts = [one for one in entries if not isinstance(one, Entry)]
    made = [one for one in entries if isinstance(one, Entry)] + (read_entries(texts) if texts else [])
    if not made and before is None:
        made = read_entries(list(shipped_entries().values()))
    given = {name: value for name, value in values.items() if value not in (None, "", (), [])}
    if before:
        given = {**before.options.to_json(), **{name: value for name, value in given.items() if name != "edition"}}
        chosen = given.get("tag") or given.get("family")
        names = names or ([] if chosen else list(before.cases))
    return replace(_contest(registry, BoardOptions.parse(given), made, names, values), folder=folder)


def _contest(
    registry: Registry,
    options: BoardOptions,
    entries: Sequence[Entry],
    names: Sequence[str | Case | Ladder],
    values: Mapping[str, Any],
) -> Contest:
    training = TrainingSettings.parse({name: values.get(name) for name in vars(TrainingSettings())} | _UNUSED)
    if training.dataset != AUTO:
        registry.check_dataset(training.dataset)
    if not names:
        names = [case.name for case in select_cases(registry.declared.values(), training.tag, training.family)]
    cases = [case for one in names for case in _cases_of(registry, one)]
    if not cases:
        raise OptionError("there is no case", "install a plugin with cases, or name one")
    return Contest(
        registry, training, options, entries, list(dict.fromkeys(cases)), Path(values.get("output") or _FOLDER)
    )


#: Options of the training that a comparison sets itself.
_UNUSED = dict.fromkeys(("seeds", "half_width", "treatment", "optimizer", "sweep"))


def _cases_of(registry: Registry, chosen: str | Case | Ladder) -> Sequence[Case]:
    if isinstance(chosen, Ladder):
        return chosen.make_cases()
    return [chosen] if isinstance(chosen, Case) else registry.select(chosen)


def _digest(contest: Contest) -> str:
    """Eight digits that differ between comparisons that cannot share rows."""
    text = json.dumps(contest.definition.to_json(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
