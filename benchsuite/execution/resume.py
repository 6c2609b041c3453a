"""Settings of a run, new or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchsuite.settings import UNSET_VALUES, OutputSettings, TrainingSettings
from benchsuite.store import RunFolder

#: Options of earlier versions that a run folder may hold -> their present names.
_RENAMED = {"engine": "executor", "convergence_compare": "compare", "convergence_compare_fail": "compare_fail"}


def read_settings(values: Mapping[str, Any]) -> tuple[TrainingSettings, OutputSettings]:
    """Read settings from option -> value; those of the run to resume are the defaults.

    Raises:
        StoreError: there is no run to resume.
        OptionError: a value cannot be used.
    """
    if values.get("resume"):
        values = _resumed(values)
    return TrainingSettings.parse(values), OutputSettings.parse(values)


def stored_training(folder: RunFolder) -> TrainingSettings:
    """Read how the cases of a run were trained.

    Raises:
        OptionError: its settings cannot be read.
    """
    return TrainingSettings.parse(_renamed(folder.settings))


def _renamed(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in stored.items()}


def _resumed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the run to resume, changed by those that are given now."""
    run_dir = values.get("run_dir")
    folder = RunFolder(Path(run_dir)) if run_dir else RunFolder.latest()
    now = {name: value for name, value in values.items() if value not in UNSET_VALUES}
    then = _renamed(folder.settings)
    then["report"] = None  # where to write a report must be given again
    if "executor" in now:
        then |= {"scheduler": None, "workers": None}  # they belong to the former executor
    if now.keys() & {"seeds", "half_width"}:
        then |= {"seeds": None, "half_width": None}
    return then | now | {"run_dir": folder.path}
