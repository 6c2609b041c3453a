"""Tuning: entries of a comparison, their search spaces, and the choice of a setting on seeds of its own.

In: entries as TOML files or calls, cases, and seeds for tuning and for judging.
Out: rows of all settings and of the chosen ones, trained by the session, and the rate of the best of k settings.
"""

from benchsuite.tuning.choice import choose_settings, rates_of_best, setting_key
from benchsuite.tuning.entry import DEFAULT, SETTING, UNTREATED, Entry, entry_of, read_entries, shipped_entries
from benchsuite.tuning.options import BLOCK, BoardOptions, Rules
from benchsuite.tuning.rows import TWICE, EntryRows
from benchsuite.tuning.run import BoardTraining, WorkPart
from benchsuite.tuning.settings import EntryTreatments
from benchsuite.tuning.space import LARGEST, OptionRange, Space

__all__ = [
    "BLOCK",
    "DEFAULT",
    "LARGEST",
    "SETTING",
    "TWICE",
    "UNTREATED",
    "BoardOptions",
    "BoardTraining",
    "Entry",
    "EntryRows",
    "EntryTreatments",
    "OptionRange",
    "Rules",
    "Space",
    "WorkPart",
    "choose_settings",
    "entry_of",
    "rates_of_best",
    "read_entries",
    "setting_key",
    "shipped_entries",
]
