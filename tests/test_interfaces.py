"""What users and their scripts rely on is what it was in an earlier version, `data/interfaces.json`, or more."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from toys import Notes

import benchsuite
from benchsuite.execution import CaseRun, open_folder
from benchsuite.plugins import load_registry
from benchsuite.results import Summary
from benchsuite.settings import OutputSettings, TrainingSettings

EARLIER: dict[str, list[str]] = json.loads((Path(__file__).parent / "data" / "interfaces.json").read_text())

#: Fields with another name than in the earlier version.
RENAMED = {"engine": "executor", "ladder": "thresholds"}


def test_public_names_remain() -> None:
    """Every public name can still be imported from `benchsuite`."""
    assert not set(EARLIER["public names"]) - set(benchsuite.__all__)
    assert all(hasattr(benchsuite, name) for name in benchsuite.__all__)


def test_columns_of_rows_and_fields_of_summaries_remain() -> None:
    """A run still has every column of seeds, every curve and every field of a summary."""
    settings = TrainingSettings(seeds=2, rounds=1)
    run = CaseRun(load_registry().case("relu-bias"), settings, open_folder(settings, OutputSettings()), Notes())

    (result,) = run.round_results()

    curves = {f"curve.{name}" for name in result.curves}
    assert not set(EARLIER["row columns"]) - set(result.rows.columns)
    assert not set(EARLIER["curves"]) - curves
    assert not {RENAMED.get(name, name) for name in EARLIER["summary fields"]} - {f.name for f in fields(Summary)}


BROKEN = (
    LINE
    + "def fail(key, n):\n    raise RuntimeError('no data')\n"
    + SUPPLY.replace("line()", "line('line-without-data', dataset=Stream(fail, batch_size=4))")
)


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (0, ("run", "line", "--seeds=4")),
        (0, ("list",)),
        (1, ("run", "line-without-data", "--seeds=4")),
        (1, ("report", "no-such-folder")),
        (1, ("run", "line", "--platform=tpu")),
        (2, ("run", "no-such-case")),
        (2, ("run", "line", "--seeds=0")),
        (2, ("run", "line", "--no-such-option")),
        (2, ("no-such-command",)),
    ],
)
def test_exit_codes_remain(
    code: int, command: tuple[str, ...], benchsuite: Command, install_plugin: InstallPlugin
) -> None:
    """0: success; 1: a case, run folder or device failed; 2: an option, argument or name is wrong.

    130 and 143, after an interrupt and SIGTERM, and 1, for a plugin left out or a failed gate, are tested with these.
    """
    install_plugin("without-data", BROKEN, module="line_without_data")

    assert benchsuite(*command)[0] == code
